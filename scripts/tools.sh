# Sourced by the scripts beside it: where things are, and how to say what is missing. Works without a login shell and without HOME.
# shellcheck shell=sh
root=$(cd "$(dirname "$0")/.." && pwd)
PATH=$root/.cache/bin:${PATH:-/usr/bin:/bin}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
if [ -z "${HOME:-}" ]; then HOME=$root/.cache/home && mkdir -p "$HOME"; fi
export PATH HOME

say() { printf '%s\n' "$*"; }
fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# Prints the path of a Go tool, on PATH or in its usual places; fails silently where there is none.
find_go() {
  for candidate in "$(command -v go 2>/dev/null)" /usr/local/go/bin/go "$HOME/go/bin/go" "$HOME/sdk"/go*/bin/go /usr/lib/go/bin/go; do
    if [ -n "$candidate" ] && [ -x "$candidate" ]; then
      printf '%s\n' "$candidate"
      return 0
    fi
  done
  return 1
}

# Sourced by the scripts beside it: where things are, and how to say what is missing. Works without a login shell and without HOME.
# shellcheck shell=sh
root=$(cd "$(dirname "$0")/.." && pwd)
PATH=$root/.cache/bin:${PATH:-/usr/bin:/bin}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
if [ -z "${HOME:-}" ]; then HOME=$(getent passwd "$(id -u)" | cut -d: -f6); fi
if [ ! -w "${HOME:-}" ]; then HOME=$root/.cache/home && mkdir -p "$HOME"; fi
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

needed_node=24
node_major() { node --version 2>/dev/null | sed 's/^v\([0-9]*\).*/\1/'; }

# Where `scripts/setup.sh` puts Node when the one on PATH is too old, and puts it first on PATH when it is there.
cached_node() {
  case $(uname -m) in
    x86_64 | amd64) cpu=x64 ;;
    aarch64 | arm64) cpu=arm64 ;;
    *) cpu=$(uname -m) ;;
  esac
  printf 'node-%s-%s\n' "$(uname -s | tr '[:upper:]' '[:lower:]')" "$cpu"
}
use_node() {
  [ "$(node_major)" -ge $needed_node ] 2>/dev/null && return 0
  PATH=$root/.cache/node/node_modules/$(cached_node)/bin:$PATH
  export PATH
  [ "$(node_major)" -ge $needed_node ] 2>/dev/null
}

docker_answers() { docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

#!/bin/sh
# Everything that can be told without running orchestra. Runs all checks, says which failed, and fails if one did.
set -u
. "$(dirname "$0")/tools.sh"
cd "$root"
failed=""

check() { # name, command …
  name=$1
  shift
  if output=$(scripts/with-tools.sh "$@" 2>&1); then
    say "ok    $name"
  else
    printf '%s\n' "$output"
    say "FAIL  $name"
    failed="$failed $name,"
  fi
}

check "format, lint and import cycles" biome check --error-on-warnings .
check "types" tsc -p .
check "floating promises" oxlint --type-aware -c scripts/floating-promises.json .
check "unused files, exports and packages" knip
check "generated files are fresh" node scripts/generate.ts --check
check "architecture" node --test test/architecture.test.ts
[ -z "$failed" ] || fail "failed:${failed%,}"

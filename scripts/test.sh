#!/bin/sh
# Runs all tests, or the files that are named. How much random and kill tests try: test/support/rounds.ts.
# Two files at a time: most of them wait for the engine, and more at once only wait longer.
set -eu
. "$(dirname "$0")/tools.sh"
cd "$root"
[ $# -gt 0 ] || set -- "test/**/*.test.ts"
# Tests start hundreds of processes from the sources: half of each start would go into stripping types and compiling what others have compiled.
export NODE_COMPILE_CACHE="$root/.cache/compiled"
mkdir -p "$NODE_COMPILE_CACHE"
find "$NODE_COMPILE_CACHE" -type f -mtime +7 -delete
exec scripts/with-tools.sh node --test --test-concurrency=2 --test-timeout="${ORCHESTRA_TEST_TIMEOUT_MS:-300000}" \
  --test-reporter=spec --test-reporter-destination=stdout \
  --test-reporter=tap --test-reporter-destination=.cache/test.tap "$@"

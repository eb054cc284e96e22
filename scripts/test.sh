#!/bin/sh
# Runs all tests, or the files that are named. How much random and kill tests try: test/support/rounds.ts.
# Two files at a time: most of them wait for the engine, and more at once only wait longer.
set -eu
. "$(dirname "$0")/tools.sh"
cd "$root"
[ $# -gt 0 ] || set -- "test/**/*.test.ts"
mkdir -p .cache
exec scripts/with-tools.sh node --test --test-concurrency=2 --test-timeout="${ORCHESTRA_TEST_TIMEOUT_MS:-300000}" \
  --test-reporter=spec --test-reporter-destination=stdout \
  --test-reporter=tap --test-reporter-destination=.cache/test.tap "$@"

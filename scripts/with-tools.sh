#!/bin/sh
# Runs a command in the repository with its tools on PATH: Node 24, CoreDNS, and what npm installed.
set -eu
. "$(dirname "$0")/tools.sh"
cd "$root"
use_node || fail "Node $needed_node or newer is not there; run make setup"
PATH=$root/node_modules/.bin:$PATH
exec "$@"

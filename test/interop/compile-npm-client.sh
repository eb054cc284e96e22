#!/bin/sh
# Compiles npm's `zookeeper` for the Node that runs this, in test/interop/node_modules, once: it wraps the C client and takes its 20 s.
set -eu
cd "$(dirname "$0")"
mkdir -p ../../.cache
exec 9>../../.cache/interop.lock
if command -v flock >/dev/null; then flock 9; fi
done_for=node_modules/.compiled-for
wanted="$(node --version) $(cksum <package-lock.json)"
if [ "$(cat $done_for 2>/dev/null)" = "$wanted" ]; then exit 0; fi
# With the headers of another Node it compiles without a word and cannot be loaded; without any they are downloaded.
prefix=$(node -p 'path.dirname(path.dirname(process.execPath))')
if [ -e "$prefix/include/node/node.h" ]; then export npm_config_nodedir="$prefix"; fi
# As in scripts/setup.sh: behind a company's proxy the machine's own authorities are needed too.
authorities=/etc/ssl/certs/ca-certificates.crt
if [ -z "${NODE_EXTRA_CA_CERTS:-}" ] && [ -r $authorities ]; then export NODE_EXTRA_CA_CERTS=$authorities; fi
npm ci --no-audit --no-fund --loglevel=error </dev/null >../../.cache/interop.log 2>&1 || {
  cat ../../.cache/interop.log >&2
  exit 1
}
node -e 'require("zookeeper")'
printf '%s\n' "$wanted" >$done_for

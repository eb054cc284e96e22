#!/bin/sh
# What to try after `make up`.
cat <<'TEXT'

Next:
  export PATH="$PWD/.cache/bin:$PATH"   so that `orchestra` is found
  orchestra diff -f manifests/          edit manifests/web.yaml first: image orchestra-demo:2, or replicas
  orchestra apply -f manifests/         make it so, and wait until every pod is ready
  orchestra get pods -w                 watch; `docker kill` a container meanwhile
  orchestra why web-0                   why a pod is how it is
  make delete name=caller               also make logs name=web, make get, make down, make help
TEXT

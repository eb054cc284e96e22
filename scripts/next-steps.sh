#!/bin/sh
# What to try after `make up`.
cat <<'TEXT'

Next:
  node bin/run.js diff -f manifests/       edit manifests/web.yaml first: image orchestra-demo:2, or replicas
  node bin/run.js apply -f manifests/      make it so, and wait until every pod is ready
  node bin/run.js get pods -w              watch; `docker kill` a container meanwhile
  node bin/run.js why web-0                why a pod is how it is
  make delete name=caller                  make logs name=web, make get, make down, make help
TEXT

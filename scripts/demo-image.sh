#!/bin/sh
# Builds the demo image (orchestra-demo:1, :2 and :healthcheck) from images/demo, without any registry.
# Skips what is there: the images carry the hash of what they were built from.
set -eu
. "$(dirname "$0")/tools.sh"

cd "$root/images/demo"
have docker || fail "the demo image needs the docker command; run scripts/setup.sh"
arch=$(docker version --format '{{.Server.Arch}}' 2>/dev/null) || fail "no Docker engine answers; run scripts/setup.sh, or start it"
source_hash=$(cat go.mod ./*.go Dockerfile ../../scripts/demo-image.sh | sha256sum | cut -c1-16)

built_from() { docker image inspect --format '{{index .Config.Labels "demo.source"}}' "$1" 2>/dev/null || true; }
current=yes
for tag in 1 2 healthcheck; do
  [ "$(built_from "orchestra-demo:$tag")" = "$source_hash" ] || current=no
done
[ $current = no ] || exit 0

go=$(find_go) || fail "the demo image cannot be built: no Go toolchain on PATH or in /usr/local/go; install Go 1.19 or newer"
say "building the demo image with $go"
context=$(mktemp -d)
trap 'rm -rf "$context" "$context.log"' EXIT
trap 'exit 130' INT TERM
CGO_ENABLED=0 GOOS=linux GOARCH=$arch GOTOOLCHAIN=local GOFLAGS=-buildvcs=false "$go" build -trimpath -ldflags '-s -w' -o "$context/demo" .
cp Dockerfile "$context/"

build() { # tag, target, version
  docker build --quiet --target "$2" --build-arg "VERSION=$3" --build-arg "SOURCE=$source_hash" --tag "orchestra-demo:$1" "$context" >"$context.log" 2>&1 || {
    cat "$context.log" >&2
    fail "docker could not build orchestra-demo:$1"
  }
}
build 1 demo 1
build 2 demo 2
build healthcheck healthcheck 1
say "built orchestra-demo:1, orchestra-demo:2 and orchestra-demo:healthcheck"

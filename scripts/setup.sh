#!/bin/sh
# Makes this machine ready for `make up` and `make test`: says what it installs, and skips what is there.
# `packages`: only Node and the npm packages, which is all that `make check` needs; `bundle`: these and dist/, for the commands;
# `tests`: also what only the tests need.
set -eu
. "$(dirname "$0")/tools.sh"
cd "$root"

main() {
  set_up_node
  set_up_packages
  [ "${1:-all}" != packages ] || return 0
  set_up_bundle
  [ "${1:-all}" != bundle ] || return 0
  set_up_docker
  set_up_coredns
  scripts/demo-image.sh
  [ "${1:-all}" = tests ] || return 0
  set_up_zookeeper
}

set_up_node() {
  have node && have npm || fail "Node with npm is needed to begin with; install it (on Debian: apt-get install nodejs npm)"
  use_node && return 0
  say "installing Node $needed_node into .cache/node (PATH has $(node --version))"
  npm install --prefix .cache/node --no-save --no-audit --no-fund --loglevel=error "$(cached_node)@$needed_node" >/dev/null ||
    fail "Node $needed_node could not be installed with npm; install it yourself and put it on PATH"
  use_node || fail "Node $needed_node was installed into .cache/node and does not run on this machine"
}

# npm writes its own copy of the lock file last of all: an older one means that something is missing.
set_up_packages() {
  [ -e node_modules/.package-lock.json ] && [ ! package-lock.json -nt node_modules/.package-lock.json ] && return 0
  say "installing npm packages"
  npm ci --no-audit --no-fund --loglevel=error >.cache/npm.log 2>&1 || {
    head -n 20 .cache/npm.log >&2
    fail "npm ci failed; .cache/npm.log has all of it"
  }
  touch node_modules/.package-lock.json
}

set_up_docker() {
  docker_answers && return 0
  [ -z "${DOCKER_HOST:-}" ] || fail "the Docker engine at DOCKER_HOST=$DOCKER_HOST does not answer; start it, or unset DOCKER_HOST"
  if have docker && [ -S /var/run/docker.sock ] && [ ! -w /var/run/docker.sock ]; then
    fail "the Docker engine does not answer this user; run as root, or add the user to the group docker and log in again"
  fi
  [ "$(id -u)" = 0 ] || fail "no Docker engine answers, and only root can install and start one; start it, or run make as root"
  alone install_and_start_docker
}

# One setup of this machine at a time; two clones may be made ready at once.
alone() {
  if have flock; then (flock 9 && "$@") 9>"$run/orchestra-setup.lock"; else "$@"; fi
}

install_and_start_docker() {
  docker_answers && return 0
  have dockerd && have docker || install_docker
  start_docker
}

install_docker() {
  have apt-get || fail "no Docker engine is there, and only Debian's is installed by itself; install Docker 20.10 or newer"
  say "installing the Docker engine from Debian's packages"
  update_package_lists
  packages="docker.io iptables iproute2"
  # In newer releases of Debian the command is a package of its own.
  if apt-cache show docker-cli >/dev/null 2>&1; then packages="$packages docker-cli"; fi
  # shellcheck disable=SC2086
  install_debian_packages $packages
}

update_package_lists() {
  apt-get update -qq >.cache/apt.log 2>&1 || {
    tail -n 5 .cache/apt.log >&2
    fail "apt-get update failed; .cache/apt.log has all of it"
  }
}

install_debian_packages() {
  export DEBIAN_FRONTEND=noninteractive
  # What runs on in the background must not hold our lock.
  apt-get install -y -qq -o DPkg::Lock::Timeout=300 --no-install-recommends "$@" </dev/null >.cache/apt.log 2>&1 9>&- || {
    tail -n 20 .cache/apt.log >&2
    fail "Debian's packages could not be installed: $*; .cache/apt.log has all of it"
  }
}

start_docker() {
  docker_answers && return 0
  say "starting the Docker engine"
  if [ -d /run/systemd/system ]; then
    systemctl start docker || fail "systemctl start docker failed; journalctl -u docker tells why"
  else
    forget_dead_engine
    # It outlives us, so it gets nothing of ours: no output that a caller waits for, no lock.
    setsid dockerd >>/var/log/dockerd.log 2>&1 </dev/null 9>&- &
  fi
  for _ in $(seq 300); do
    docker_answers && return 0
    sleep 0.1
  done
  tail -n 3 /var/log/dockerd.log >&2 2>/dev/null || true
  fail "the Docker engine does not answer within 30 s; /var/log/dockerd.log tells why"
}

# What an engine that was killed left behind: it would take another process that has its number by now for itself, and not start.
forget_dead_engine() {
  forget_dead_pid "$run/docker.pid" dockerd
  forget_dead_pid "$run/docker/containerd/containerd.pid" containerd
  # Docker waits for the machine's containerd where there is its socket.
  if [ -S "$run/containerd/containerd.sock" ] && ! runs containerd /proc/[0-9]*; then
    rm -f "$run/containerd/containerd.sock"
  fi
}

forget_dead_pid() { # file, program
  [ -f "$1" ] || return 0
  runs "$2" "/proc/$(cat "$1")" || rm -f "$1"
}

# Whether one of these processes is the program. One that was killed and that nobody has waited for has a name still, but no program.
runs() { # program, /proc/PID …
  wanted=$1
  shift
  for process in "$@"; do
    program=$(readlink "$process/exe" 2>/dev/null) || continue
    program=${program% (deleted)}
    [ "${program##*/}" != "$wanted" ] || return 0
  done
  return 1
}

set_up_coredns() {
  have coredns && return 0
  # The version stands in one place: the image that is used where there is no program.
  version=$(sed -n 's/.*"coredns\/coredns:\([0-9.]*\)".*/\1/p' src/dns/coredns-container.ts)
  if go=$(find_go); then
    say "building CoreDNS $version into .cache/bin (some minutes, once)"
    mkdir -p .cache/bin
    CGO_ENABLED=0 GOBIN=$root/.cache/bin GOFLAGS='-modcacherw -trimpath -ldflags=-s' "$go" install "github.com/coredns/coredns@v$version" \
      >.cache/coredns-build.log 2>&1 && return 0
    tail -n 5 .cache/coredns-build.log >&2
    say "CoreDNS could not be built; trying its image"
  fi
  image=coredns/coredns:$version
  docker image inspect "$image" >/dev/null 2>&1 && return 0
  say "pulling $image"
  docker pull --quiet "$image" >/dev/null 2>&1 ||
    fail "CoreDNS is missing: no coredns on PATH, no Go toolchain to build it with, and no registry to pull $image from"
}

# The tests start servers of their own, so Debian's `zookeeper` and `zookeeperd`, which bring a service along, are not needed.
set_up_zookeeper() {
  [ -n "$(missing_for_zookeeper)" ] || return 0
  have apt-get || fail "the tests need $(missing_for_zookeeper), and only Debian's packages are installed by themselves"
  [ "$(id -u)" = 0 ] || fail "the tests need packages that only root can install: apt-get install $(missing_for_zookeeper)"
  alone install_zookeeper
}

install_zookeeper() {
  missing=$(missing_for_zookeeper)
  [ -n "$missing" ] || return 0
  say "installing what the tests of ZooKeeper need from Debian's packages: $missing"
  update_package_lists
  # shellcheck disable=SC2086
  install_debian_packages $missing
}

# The servers, their certificates, and other people's clients: kazoo, and a compiler for the one of npm.
missing_for_zookeeper() {
  missing=""
  [ -e /usr/share/java/zookeeper.jar ] && [ -e /usr/share/java/slf4j-simple.jar ] || missing="$missing libzookeeper-java"
  have java || missing="$missing default-jre-headless"
  have openssl || missing="$missing openssl"
  have setpriv || missing="$missing util-linux"
  # That of Debian: packages are not installed for any other.
  /usr/bin/python3 -c "import kazoo" 2>/dev/null || missing="$missing python3-kazoo"
  have g++ || missing="$missing g++"
  printf '%s\n' "${missing# }"
}

# `.cache/bin` is what a user of a checkout puts on PATH.
set_up_bundle() {
  mkdir -p .cache/bin
  ln -sf ../../bin/run.js .cache/bin/orchestra
  bundle=dist/oclif.manifest.json
  if [ -e $bundle ] && [ -z "$(find src bin scripts/build.ts package.json package-lock.json -newer $bundle)" ]; then return 0; fi
  say "building dist/"
  scripts/with-tools.sh npm run --silent build
}

mkdir -p .cache
run=/run # Where engines note that they run.
# Node trusts the authorities that it brings along only; behind a company's proxy the machine's own are needed too.
authorities=/etc/ssl/certs/ca-certificates.crt
if [ -z "${NODE_EXTRA_CA_CERTS:-}" ] && [ -r $authorities ]; then export NODE_EXTRA_CA_CERTS=$authorities; fi
main "$@"

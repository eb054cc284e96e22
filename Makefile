# Everything begins here: `make up` to see it run, `make test` to prove it. `make help` lists the rest.
# Each target sets up what it needs and says so; nothing else has to be installed beforehand than git, make and Node with npm.
.DEFAULT_GOAL := help
.PHONY: help setup up down deploy get delete logs test soak check bench lab packages bundle tests
MAKEFLAGS += --no-print-directory

tools := scripts/with-tools.sh
orchestra := $(tools) node bin/run.js

# Stops with one sentence where `make deploy` and the like lack an argument.
need = $(if $($(1)),,$(error $(1) is missing: make $@ $(2)))

help: ## List the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "make %-8s %s\n", $$1, $$2 }'

setup: ## Install what is missing: packages, Node, Docker, CoreDNS, the demo image
	@scripts/setup.sh

packages bundle tests:
	@scripts/setup.sh $@

up: setup ## Start orchestra in the background and apply manifests/
	@$(orchestra) up --detach
	@$(orchestra) apply -f manifests/
	@$(orchestra) get pods
	@$(tools) node scripts/show-names.ts web
	@scripts/next-steps.sh

down: bundle ## Stop orchestra and CoreDNS; containers run on (pods=1 stops them too)
	@$(orchestra) down $(if $(pods),--pods)

deploy: bundle ## Run an image: make deploy name=web image=nginx:1.27 replicas=3
	$(call need,name,name=web image=nginx:1.27 replicas=3)$(call need,image,name=web image=nginx:1.27 replicas=3)
	@$(orchestra) deploy "$(name)" --image "$(image)" $(if $(replicas),--replicas "$(replicas)")

get: bundle ## Show what runs
	@$(orchestra) get deployments
	@$(orchestra) get pods
	@$(orchestra) get nodes

delete: bundle ## Delete a Deployment: make delete name=web
	$(call need,name,name=web)
	@$(orchestra) delete "$(name)" --yes

logs: bundle ## What a pod or Deployment writes: make logs name=web
	$(call need,name,name=web)
	@$(orchestra) logs "$(name)"

test: tests ## Run all tests, with real Docker, CoreDNS and ZooKeeper (only="FILES": those)
	@scripts/test.sh $(only)

# Ctrl-C is how it is meant to end.
lab: tests bundle ## Play with many hosts on this machine, as root: make lab hosts=3
	@$(tools) node scripts/lab.ts $(hosts) || [ $$? -ge 128 ]

soak: tests ## Run all tests with many rounds of random and kill tests, and long faults (rounds=N: N of each)
	@ORCHESTRA_TEST_SOAK=1 ORCHESTRA_TEST_ROUNDS=$(rounds) ORCHESTRA_TEST_TIMEOUT_MS=3600000 scripts/test.sh $(only)

check: packages ## Format, lint, types, unused code, floating promises, architecture
	@scripts/check.sh

# What other benchmarks stand on has no figures of its own.
bench_parts := $(wildcard bench/bench-*.ts)

bench: tests ## Measure, each figure beside its baseline (only="bench/dns.ts": that one)
	@for file in $(or $(only),$(filter-out $(bench_parts),$(wildcard bench/*.ts))); do $(tools) node $$file || exit 1; done

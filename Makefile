# Verbs only; what they do is in the scripts they call. `make help` lists them.
SHELL := /bin/bash
PY    := .venv/bin/python
JOBS  ?= $(shell nproc)
SEEDS ?= 2000
SEED  ?= 1
# Fewer seeds are a small run: it does not take the place of a full report.
SIM_SIZE = $(shell [ $(SEEDS) -ge 2000 ] && echo full || echo ci)
SIM_IDENTITY_SIZE = $(shell [ $(SEEDS) -ge 10000 ] && echo full || echo ci)
TRIES ?= 200
SECONDS ?= 60
ROUNDS ?= 30
# A clone in another folder finds what this one compiled.
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1
.DEFAULT_GOAL := help
.PHONY: $(shell grep -oE '^[a-z][a-z-]*:' $(firstword $(MAKEFILE_LIST)) | tr -d :)

help: ## list the verbs
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | sort \
	  | awk -F ':[^#]*## ' '{printf "  %-18s %s\n", $$1, $$2}'

setup: ## Debian packages, .venv, Kafka jars, command-line tools
	deploy/setup/setup.sh

build: setup ## compile everything into build/release
	cmake --preset release
	cmake --build --preset release -j $(JOBS)

test: ## everything at its CI size; ends with the summary of ctest
	tests/run_all.sh

test-unit: build ## unit and property tests only
	ctest --preset release -j $(JOBS) -L 'unit|property'

conformance-ports: build ## real Kafka, Redis and RocksDB against their fakes: one suite
	ctest --preset release -L conformance

asan: setup ## unit, property and simulation tests under address and UB sanitizers
	tests/sanitize.sh asan

tsan: setup ## unit, property and simulation tests under the thread sanitizer
	tests/sanitize.sh tsan

tidy: build ## clang-tidy over libs, services and tools
	run-clang-tidy -quiet -p build/release -j $(JOBS) '$(CURDIR)/(libs|services|tools)/'

format: ## rewrite C++ files with clang-format
	tools/checks/format.sh --fix

format-check: ## fail if a C++ file is not formatted
	tools/checks/format.sh

lint: build ## layers, protos, chart, compose, scripts, format
	ctest --preset release -L lint

config-docs: build ## write docs/config.md from the options the services declare
	$(PY) tools/checks/service_config.py build/release/bin --write-docs

charts: setup ## render the chart into build/charts
	tools/checks/chart_lint.sh --render-only

helm-lint: setup ## lint and render the chart, check it against Kubernetes' schemas
	tools/checks/chart_lint.sh

services: setup ## compile the services and regularsctl only, without tests
	cmake --preset release
	cmake --build --preset release -j $(JOBS) --target regulars-ingest regulars-identity \
	  regulars-points regulars-segmentation regulars-messaging regularsctl

demo: services ## a real shop through the real system, every figure checked; keeps running
	$(PY) tests/e2e/demo/run.py

demo-again: services ## the demo's load a second time: everything is recognised, nothing changes
	$(PY) tests/e2e/demo/run.py --again

sim: setup ## simulation with faults: make sim SEEDS=2000 SEED=1
	cmake --preset release
	cmake --build --preset release -j $(JOBS) --target regulars-sim
	build/release/bin/regulars-sim --seeds=$(SEEDS) --seed=$(SEED) --size=$(SIM_SIZE) \
	  --report=build/reports/$(SIM_SIZE:full=)/sim.json

sim-identity: setup ## claim, link, root with faults, against a union-find: make sim-identity SEEDS=10000
	cmake --preset release
	cmake --build --preset release -j $(JOBS) --target regulars-sim-identity
	build/release/bin/regulars-sim-identity --seeds=$(SEEDS) --seed=$(SEED) --cases=16 --jobs=$(JOBS) \
	  --size=$(SIM_IDENTITY_SIZE) \
	  --report=build/reports/$(SIM_IDENTITY_SIZE:full=)/sim_identity.json

property-handoff: setup ## state that follows merges and splits: every interleaving ends the same
	cmake --preset release
	cmake --build --preset release -j $(JOBS) --target regulars-property-handoff
	build/release/bin/regulars-property-handoff --size=full \
	  --report=build/reports/property_handoff.json

sim-selftest: sim ## take each guard of the runtime out: the auditor of the simulation must notice
	tests/sim/selftest.sh build/release/bin/regulars-sim \
	  build/reports/$(SIM_SIZE:full=)/sim_selftest.json $(SIM_SIZE) $(SEEDS) $(SEED)

bench: services ## the figures of docs/bench.md, about twenty minutes on a quiet machine
	cmake --build --preset release -j $(JOBS) --target regulars-bench
	$(PY) tests/bench/bench.py

fuzz: setup ## every fuzz target for so many seconds under libFuzzer: make fuzz SECONDS=60
	cmake --preset fuzz
	cmake --build --preset fuzz -j $(JOBS)
	$(PY) tests/fuzz/fuzz.py --seconds=$(SECONDS)

match: setup ## candidate matching on the Febrl data sets, against their true owners
	cmake --preset release
	cmake --build --preset release -j $(JOBS) --target regulars-match
	$(PY) tests/match/match.py

endtxn: setup ## late EndTxn requests, with the dirty-producer rule and without: make endtxn TRIES=200
	cmake --preset release
	cmake --build --preset release -j $(JOBS) --target endtxn_driver
	$(PY) tests/faults/endtxn/endtxn.py --tries=$(TRIES)

chaos: services ## two of each process, a fault per round, load with merges and splits: make chaos ROUNDS=30 SEED=1
	$(PY) tests/faults/chaos/run.py --rounds=$(ROUNDS) --seed=$(SEED)

bad-inputs: services ## every row of docs/bad-inputs.md against running services
	$(PY) tests/bad_inputs/bad_inputs.py

erase-canary: services ## planted personal data: readable nowhere, and by no key after an erasure
	cmake --build --preset release -j $(JOBS) --target erase_canary_opener
	$(PY) tests/erase_canary/erase_canary.py

poison: services ## identifiers shared by 100,000 people: limits hold, nobody else waits, an alarm fires
	$(PY) tests/poison/poison.py

down: ## stop the demo's Kafka, Redis and services
	deploy/local/local.py down build/local/demo

# Holdfast: the commands of everyday work. `make` alone lists them.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

CARGO ?= cargo
PYTHON ?= python3
VENV := .venv
TARGET := $(or $(CARGO_TARGET_DIR),target)
HOLDFAST := $(TARGET)/release/holdfast
# `make run ARGS="--bucket photos"` passes flags on.
ARGS ?=

.PHONY: help
help: ## List these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

.PHONY: run
run: build ## Build and start the server on four drive folders under ./data
	@exec $(HOLDFAST) serve $(ARGS)

.PHONY: build
build: ## Build the release binary
	$(CARGO) build --release --locked

.PHONY: cluster
cluster: build ## Start a gateway and four storage nodes as separate processes on this machine
	@HOLDFAST=$(HOLDFAST) scripts/cluster $(ARGS)

.PHONY: test
test: fmt-check lint unit clients test-console crash doc audit ## Everything: format, lints, all tests, real clients, docs

.PHONY: unit
unit: ## Rust tests: layers, units, engine, S3 over the wire
	$(CARGO) test --locked

# The binary that the client and crash tests drive; the same that `cargo test` has built. With a test beside it, for else
# dependencies have other features and are all built a second time.
$(TARGET)/debug/holdfast: FORCE
	$(CARGO) build --locked --bins --test layers
FORCE:

$(VENV)/ready: tests/clients/requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r tests/clients/requirements.txt
	touch $@

.PHONY: clients
clients: $(VENV)/ready $(TARGET)/debug/holdfast ## aws-cli and boto3 against `serve` and against a cluster (FULL=1: 1 GiB files)
	scripts/slapd .slapd
	HOLDFAST=$(abspath $(TARGET))/debug/holdfast FULL=$(FULL) $(VENV)/bin/python -m pytest -q tests/clients --ignore=tests/clients/ecosystem

.PHONY: test-clients
test-clients: $(VENV)/ready $(TARGET)/debug/holdfast ## SDKs, tools and table libraries, at pinned versions; writes docs/compatibility.md (ONLY=rclone)
	tests/clients/ecosystem/install .ecosystem $(VENV)
	HOLDFAST=$(abspath $(TARGET))/debug/holdfast COMPATIBILITY_PAGE=$(if $(ONLY),,docs/compatibility.md) \
		PYTHONPATH=tests/clients:tests/clients/ecosystem \
		$(VENV)/bin/python -m pytest -q -rs -p matrix tests/clients/ecosystem $(if $(ONLY),-k "$(ONLY)")

# What the console's sources are built and checked with; the build of the binary installs it too where it is missing.
web-console/node_modules/.package-lock.json: web-console/package-lock.json
	cd web-console && npm ci --no-audit --no-fund
	touch $@

.PHONY: test-console
test-console: web-console/node_modules/.package-lock.json $(VENV)/ready $(TARGET)/debug/holdfast ## The web console: types, lints, units, and every flow in Chromium (ONLY=upload)
	scripts/chromium
	scripts/slapd .slapd
	cd web-console && npm run --silent check && npm run --silent unit
	cd web-console && HOLDFAST=$(abspath $(TARGET))/debug/holdfast OIDC_PROVIDER=$(abspath $(VENV))/bin/oidc-provider-mock npx playwright test $(ONLY)

.PHONY: measure-console
measure-console: web-console/node_modules/.package-lock.json build ## Load time, frames a second and memory of the console in Chromium (KEYS=1000000)
	scripts/chromium
	cd web-console && HOLDFAST=$(abspath $(HOLDFAST)) KEYS=$(or $(KEYS),100000) npm run --silent measure

# Three times GIB of room under TMPDIR.
.PHONY: many-bytes-console
many-bytes-console: web-console/node_modules/.package-lock.json build ## A file of 10 GiB and a folder of 10,000 files through the console in Chromium (GIB=10 FILES=10000)
	scripts/chromium
	cd web-console && HOLDFAST=$(abspath $(HOLDFAST)) GIB=$(or $(GIB),10) FILES=$(or $(FILES),10000) npm run --silent many-bytes

.PHONY: crash
crash: $(TARGET)/debug/holdfast ## kill -9 under concurrent writes (ROUNDS=20)
	HOLDFAST=$(abspath $(TARGET))/debug/holdfast $(PYTHON) tests/crash/rounds.py --rounds $(or $(ROUNDS),20)

.PHONY: losses
losses: $(VENV)/ready $(TARGET)/debug/holdfast ## Every two of 4 and of 6 drives removed, corrupted, ruined and hung, then an audit of every byte
	HOLDFAST=$(abspath $(TARGET))/debug/holdfast $(VENV)/bin/python tests/crash/losses.py --drives 4 --drives 6

.PHONY: growth
growth: build ## A fifth drive joins four and another leaves, under load, held against the dry runs (needs root: loop devices)
	HOLDFAST=$(abspath $(HOLDFAST)) $(PYTHON) tests/crash/growth.py

# One seed in the development profile takes about as long as three in the release profile.
.PHONY: sim
sim: ## Whole deployments with faults, one a seed (SEEDS=10000 from FIRST=0 on; SEED=7 tells all of one)
	HOLDFAST_SIM_SEEDS=$(or $(SEEDS),10000) HOLDFAST_SIM_FIRST=$(FIRST) HOLDFAST_SIM_SEED=$(SEED) \
		$(CARGO) test --locked --release --test sim -- --nocapture what_is_acknowledged

.PHONY: fuzz
fuzz: ## Every reader of bytes from outside by libFuzzer, each for SECONDS=60 (ONLY=range)
	scripts/fuzz $(or $(SECONDS),60) $(ONLY)

.PHONY: bench
bench: ## Load tables: PUT, GET, LIST, memory, start (QUICK=1 short, KEYS=1000000, ONLY='4 KiB')
	QUICK=$(QUICK) KEYS=$(KEYS) ONLY="$(ONLY)" $(CARGO) bench --locked --bench load

.PHONY: fmt
fmt: ## Format the code
	$(CARGO) fmt --all

.PHONY: fmt-check
fmt-check:
	$(CARGO) fmt --all --check

.PHONY: lint
lint: ## Clippy, warnings denied
	$(CARGO) clippy --locked --all-targets -- -D warnings
	@# The fuzzer has a lock file of its own, which must know what the crate depends on.
	$(CARGO) metadata --locked --format-version 1 --manifest-path tests/fuzz/Cargo.toml >/dev/null

.PHONY: doc
doc: ## Build the crate's documentation, warnings denied
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps --document-private-items

.PHONY: audit
audit: ## Licences, advisories, bans and sources of dependencies, where cargo-deny is installed
	@if $(CARGO) deny --version >/dev/null 2>&1; then \
		$(CARGO) deny --offline check licenses bans sources; \
	else \
		echo "cargo-deny is not installed: dependencies are not audited (cargo install --locked cargo-deny)"; \
	fi

.PHONY: clean
clean: ## Remove what was built; ./data stays
	$(CARGO) clean
	rm -rf $(VENV) web-console/dist web-console/node_modules

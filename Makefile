# make run    everything on a fresh machine, then the app on http://127.0.0.1:7860
# make test   everything on a fresh machine, then all tests
# make test-fast   the same without browser, training and what takes long: an answer in a minute and a half
# make test-hostile   attacks: damaged files and pictures, traps, many posts; COUNT=1000 for more, SEED=… again
# make check  formatting, lint and types, of the Python and of the scripts
# make lock   exact versions of all that the requirements bring, anew
PYTHON ?= $(shell for python in python3.12 python3.11 python3; do \
  $$python -c "" 2>/dev/null && command -v $$python && break; done)
BIN := .venv/bin
# In their order, since xdist would leave for the end the files of one long test,
# when the other core has nothing left. A third process gains nothing on two cores.
PARALLEL := -n 2 --dist loadfile --no-loadscope-reorder
SCRIPTS_TESTS := tests/js/*.test.js tests/js/*/*.test.js
LOCK := requirements.lock
UV_PIP := $(BIN)/uv pip install --python $(BIN)/python --constraints $(LOCK)
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))

# Without compiled modules on disk each process that a test starts compiles torch's anew.
unexport PYTHONDONTWRITEBYTECODE

COUNT ?= 50

.PHONY: setup run test test-again test-fast test-hostile check lock bench-speed chromium node

setup: .venv/.run-ready

run: setup
	$(BIN)/python app.py

test: .venv/.test-ready node_modules/.ready chromium
	node --test $(SCRIPTS_TESTS)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(PARALLEL)

# What failed beside others, by itself: a test that a busy machine upset passes, a fault fails again.
test-again: .venv/.test-ready
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --last-failed --last-failed-no-failures none

test-fast: .venv/.test-ready
	@if command -v npm >/dev/null; then $(MAKE) node_modules/.ready && node --test $(SCRIPTS_TESTS); \
	else echo "no node here: the scripts' own tests are left out"; fi
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(PARALLEL) -m "not browser and not training and not slow"

test-hostile: .venv/.test-ready
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m hostile --attacks $(COUNT) $(if $(SEED),--seed $(SEED))

check: .venv/.test-ready node_modules/.ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	node_modules/.bin/tsc

bench-speed: setup
	$(BIN)/python -m mode_core.evaluation.speed

$(BIN)/uv:
	@test -n "$(PYTHON)" || { echo "Python 3.12 or 3.11 is needed: apt-get install python3 python3-venv"; exit 1; }
	$(PYTHON) -m venv .venv || { echo "python3-venv is needed: apt-get install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.8
	$(BIN)/uv venv --quiet --allow-existing --no-python-downloads --python 3.12 .venv 2>/dev/null || \
	  $(BIN)/python -c "$(SUPPORTED)" || $(BIN)/uv venv --quiet --allow-existing --python 3.12 .venv

.venv/.run-ready: requirements.txt $(LOCK) | $(BIN)/uv
	$(UV_PIP) -r requirements.txt
	@touch $@

.venv/.test-ready: requirements-dev.txt .venv/.run-ready
	$(UV_PIP) -r requirements-dev.txt
	@touch $@

# Made for the older Python: what it gets installs on the newer one too, but not the other way round.
# Versions that are in the file already stay, unless it is deleted first.
lock: | $(BIN)/uv
	$(BIN)/uv pip compile --quiet --no-header --python-version 3.11 \
	  --python-platform x86_64-manylinux_2_28 requirements-dev.txt requirements-cluster.txt -o $(LOCK)

# The type checker of the scripts; they run as they are written, so this builds nothing.
node_modules/.ready: package.json package-lock.json | node
	npm ci --silent --no-audit --no-fund
	@touch $@

# $(1) is a command, $(2) its Debian packages: small, patched, and no download from elsewhere.
define installed
@command -v $(1) >/dev/null || { \
  if [ "$$(id -u)" = 0 ]; then as_root=; else as_root=sudo; fi; \
  $$as_root apt-get update -qq && \
  DEBIAN_FRONTEND=noninteractive $$as_root apt-get install -y -qq --no-install-recommends $(2); \
} || { echo "$(1) is needed: apt-get install $(2)"; exit 1; }
endef

chromium:
	$(call installed,chromium,chromium)

node:
	$(call installed,npm,nodejs npm)

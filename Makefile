# make run    everything on a fresh machine, then the app on http://127.0.0.1:7860
# make test   everything on a fresh machine, then all tests
# make check  formatting, lint and types
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3)
BIN := .venv/bin
UV_PIP := $(BIN)/uv pip install --python $(BIN)/python
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))

.PHONY: setup run test check bench-speed chromium

setup: .venv/.run-ready

run: setup
	$(BIN)/python app.py

test: .venv/.test-ready chromium
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile

check: .venv/.test-ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench-speed: setup
	$(BIN)/python -m mode_core.speed

$(BIN)/uv:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or 3.12 is needed: apt-get install python3 python3-venv"; exit 1; }
	$(PYTHON) -m venv .venv || { echo "python3-venv is needed: apt-get install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.8
	$(BIN)/python -c "$(SUPPORTED)" || $(BIN)/uv venv --quiet --allow-existing --python 3.12 .venv

.venv/.run-ready: requirements.txt | $(BIN)/uv
	$(UV_PIP) -r requirements.txt
	@touch $@

.venv/.test-ready: requirements-dev.txt .venv/.run-ready
	$(UV_PIP) -r requirements-dev.txt
	@touch $@

# Debian's own browser: it is small, patched, and needs no download from elsewhere.
chromium:
	@command -v chromium >/dev/null || { \
	  if [ "$$(id -u)" = 0 ]; then as_root=; else as_root=sudo; fi; \
	  $$as_root apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive $$as_root apt-get install -y -qq --no-install-recommends chromium; \
	} || { echo "The browser tests need Chromium: apt-get install chromium"; exit 1; }

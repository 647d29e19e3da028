# Everything runs inside .venv; each target sets up what it needs. `make help` lists them.
.PHONY: help setup setup-tests demo test test-long real bench-kpi check fmt schema smoke clean
PYTHON ?= python3
BIN := .venv/bin
DATA ?= ../shared/data
ROWS ?= 10M
export DATA

help:            ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

.venv/bin/uv:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing; run: apt-get install -y python3-venv, or make PYTHON=<path of Python 3.11 or newer>" >&2; exit 3; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed, found $$($(PYTHON) --version)" >&2; exit 3; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "python venv is missing; run: apt-get install -y python3-venv" >&2; exit 3; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check uv

.venv/.synced: .venv/bin/uv uv.lock pyproject.toml
	$(BIN)/uv sync --quiet --locked --all-extras
	@touch $@

setup: .venv/.synced  ## virtual environment with every extra

setup-tests: setup
	@sh tests/install-debian-packages.sh

demo: setup      ## the simulated workshop, end to end, in under a minute
	$(BIN)/plantseal demo

test: setup-tests  ## lint, types, import contracts, and all tests of seconds (about 10 minutes)
	$(MAKE) --no-print-directory check
	$(BIN)/python -m pytest -q -m "not long"

test-long: setup-tests  ## tests of minutes, recorded data replayed included (at most 40 minutes)
	$(BIN)/python -m pytest -q -m long
	$(MAKE) --no-print-directory real

real: setup      ## recorded data: the source's own number, ours, the difference
	$(BIN)/python tests/real/run.py

bench-kpi: setup ## figures beside DuckDB, pandas and the decode limit; ROWS=10M, 100M or 1000M
	$(BIN)/python tests/bench/run.py --rows $(ROWS)

check: setup     ## lint, format, types, import contracts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

fmt: setup       ## format and mend what can be mended
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

schema: setup    ## write config/plantseal.schema.json anew
	$(BIN)/plantseal config schema > config/.schema.tmp && mv config/.schema.tmp config/plantseal.schema.json

smoke: .venv/bin/uv  ## the evaluator's base install works without any protocol library
	$(BIN)/uv run --isolated --no-default-groups plantseal verify --help >/dev/null
	$(BIN)/uv run --isolated --no-default-groups python -c 'import plantseal.evidence.verify, plantseal_kpi.evaluate'

clean:           ## remove what the build made, never data
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache

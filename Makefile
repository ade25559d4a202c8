# Two commands do everything on a fresh machine: `make demo` and `make test`.

PYTHON ?= python3
BIN    := .venv/bin

.PHONY: help setup demo test lint bench agents clean

help:
	@echo "make demo    the whole story, offline, in about two minutes"
	@echo "make test    lint, then every test; the first time it installs the real agent CLIs too (0.9 GB from npm)"
	@echo "make setup   what both need: a virtual environment, the pinned Node parts"
	@echo "make lint    ruff, mypy, import-linter"
	@echo "make agents  those CLIs alone; what cannot be had is said at the end of the tests as NOT MEASURED"
	@echo "make bench   side by side with what you would use instead; writes benchmarks/RESULTS.md"

setup: .venv/.node-parts .venv/.node-dev

.venv/.python: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("cattlegrid needs Python 3.11 or newer; this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/.node-parts: .venv/.python src/cattlegrid/node/package-lock.json
	$(BIN)/python -m cattlegrid.toolchain
	@touch $@

.venv/.node-dev: .venv/.python tests/node/package-lock.json
	$(BIN)/python -m cattlegrid.toolchain npm --prefix tests/node ci --no-audit --no-fund --loglevel=error
	@touch $@

demo: setup
	$(BIN)/cattlegrid demo $(ARGS)

lint: .venv/.python
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

test: setup agents lint
	$(BIN)/pytest -n 2 --dist loadfile -m "not slow"
	$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder -m slow

agents: .venv/.agents

# The tests of an agent that is not there say NOT MEASURED: no reason to stop all the others.
.venv/.agents: .venv/.python tests/agents/package-lock.json
	$(BIN)/python -m cattlegrid.toolchain npm --prefix tests/agents ci --no-audit --no-fund --loglevel=error \
	  && touch $@ || echo "the agents' CLIs could not be installed; their tests will not be measured"

bench: setup
	$(BIN)/python benchmarks/run.py $(ARGS)

clean:
	rm -rf .venv tests/node/node_modules tests/agents/node_modules

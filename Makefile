.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
export CAUSEWAY_CACHE ?= $(CURDIR)/.cache
VECTORS ?= $(or $(CAUSEWAY_VECTORS),../shared/vectors)

help:  ## show this help
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

setup: .venv/.ready  ## create the virtual environment from the hashed lock file

.venv/.ready: requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	command -v npm > /dev/null || $(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/node.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

run: setup  ## start the demo world and carry messages across it until Ctrl-C
	$(BIN)/causeway demo

test: setup  ## pass the tests; k=EXPRESSION picks some
	$(BIN)/pytest $(if $(k),-k "$(k)")

check: setup  ## format, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

sim: setup  ## simulate the relay in an unkind world; SEED=first RUNS=how many
	CAUSEWAY_SIM_SEED=$(or $(SEED),0) CAUSEWAY_SIM_RUNS=$(or $(RUNS),100) $(BIN)/pytest tests/simulation/test_crossing.py

vectors: setup  ## run every third-party vector suite
	$(BIN)/python -m tests.vectors $(VECTORS)

mutants: setup  ## switch off every predicate of proofs/ in turn: some test that names its error must fail; FAMILY=one
	$(BIN)/python -m tests.mutants $(if $(FAMILY),--family $(FAMILY))

fuzz: setup  ## feed hostile bytes to every parser and family; FAMILY=one CASES=per target
	$(BIN)/python -m tests.fuzz $(if $(FAMILY),--family $(FAMILY)) --cases $(or $(CASES),1000000)

bench-proofs: setup  ## measure verification next to the hashing or signatures it cannot do without; ONLY=name
	$(BIN)/python -m tests.bench $(if $(ONLY),--only $(ONLY))

docs: setup  ## write docs/verification.md again from the predicates
	$(BIN)/python -m tests.verification_page

.PHONY: help setup run test check sim vectors mutants fuzz bench-proofs docs

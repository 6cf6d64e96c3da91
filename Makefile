# Two commands do all the set-up on a fresh machine with Python 3.11: `make demo` and `make test`.
PYTHON ?= python3.11
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help demo test lint unit integration acceptance deploy-check docs lock kill storm flood soak fuzz bench image clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

$(STAMP): requirements/dev.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

demo: $(STAMP) ## Play the story on an emulated AWS, then stay up (ONCE=1: check every alert and exit)
	$(BIN)/python -m demo $(if $(ONCE),--once)

test: $(STAMP) ## Run all rings of tests
	$(BIN)/python -m pytest tests

unit integration acceptance: $(STAMP) ## Run one ring of tests
	$(BIN)/python -m pytest tests/$@

kill: $(STAMP) ## Kill the daemon at random points, long form: 60 times on each store (about 10 minutes)
	$(BIN)/python -m pytest tests/acceptance/test_kill.py -m long

storm: $(STAMP) ## Open 1,000 buckets at once, long form: the breaker trips, one page (about 3 minutes)
	$(BIN)/python -m pytest tests/acceptance/test_remediation_fight.py -m long

flood: $(STAMP) ## Flood the queue, long form: 10,000 messages, most of them bad
	$(BIN)/python -m pytest tests/acceptance/test_flood.py -m long

soak: $(STAMP) ## Watch the daemon under steady work, long form (SOAK_SECONDS, 600 unless told otherwise)
	$(BIN)/python -m pytest tests/acceptance/test_soak.py -m long

fuzz: $(STAMP) ## Exposure engine against a solver and a second evaluator: 100,000 policies, 1,000,000 requests (80 min)
	cd tests && ../$(BIN)/python -m long.exposure_fuzz

bench: $(STAMP) ## Print what the engine and the store cost, as ratios measured in one run
	$(BIN)/python -m benchmarks.exposure
	$(BIN)/python -m benchmarks.verdicts
	$(BIN)/python -m benchmarks.store

lint: $(STAMP) ## Check style, types, architecture and the lock files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@! grep -n '://' requirements/*.lock || { echo "a lock file carries an address: run 'make lock'"; exit 1; }

docs: $(STAMP) ## Make anew what is written from the code: the pages of the rules, the fields of own rules, the settings
	$(BIN)/python -m s3warden rules pages docs/rules
	$(BIN)/python -m s3warden rules fields > docs/own-rules-fields.md
	$(BIN)/python -m s3warden config example > config.example.toml
	$(BIN)/python -m s3warden config example --format markdown > docs/configuration.md

deploy-check: $(STAMP) ## Check the Dockerfile and what is under deploy/
	$(BIN)/python -m pytest tests/deploy

lock: ## Resolve the dependencies anew into requirements/*.lock
	$(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	    pyproject.toml -o requirements/runtime.lock
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	    pyproject.toml --group dev -o requirements/dev.lock

image: ## Build the container image
	docker build -t s3warden:dev .

clean: ## Remove what the other targets made
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

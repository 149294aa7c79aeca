# Everything one does with a checkout. Needs Python 3.11 or later and make, nothing else.
.DEFAULT_GOAL := help
.PHONY: help run test test-team dev check lint types rules audit fast frontend e2e bench docs openapi pocket ui clean

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# Number of tests run side by side: one more than the cores we count on, because many wait for other processes.
JOBS   ?= 3
# A file's tests stay together, files in the order of tests/conftest.py. What fails is tried once more: real processes,
# real time and a busy computer; what needed it is listed at the end and is to be mended.
SHARE  := --dist loadfile --no-loadscope-reorder --reruns 1

help: ## Show this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-10s %s\n", $$1, $$2}'

run: $(BIN)/.installed ui ## Set everything up and open the studio
	@$(BIN)/fluxtune serve

test: $(BIN)/.installed $(BIN)/.browser ## Set everything up and run all tests
	$(BIN)/python -m tools.frontend test
	$(BIN)/python -m pytest tests -n $(JOBS) $(SHARE)

test-team: $(BIN)/.installed ## The tests on PostgreSQL and an S3 server, both from the package index; no browser
	FLUXTUNE_TEST_DB=postgresql FLUXTUNE_TEST_STORE=s3 $(BIN)/python -m pytest tests -n $(JOBS) $(SHARE) \
		--ignore=tests/e2e --ignore=tests/engine --ignore=tests/architecture

dev: $(BIN)/.installed ui ## Run the studio and rebuild the browser UI on every change
	@$(BIN)/python -m tools.dev

check: lint types rules fast ## Lint, types, import rules and the fast tests; under three minutes

lint: $(BIN)/.installed ## Style of Python and TypeScript
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(BIN)/.installed ## Types of Python
	$(BIN)/mypy

rules: $(BIN)/.installed ## Who may import whom
	$(BIN)/lint-imports

audit: $(BIN)/.installed ## Known holes of what we are built with; asks PyPI and npm, exceptions are in tools/audit.toml
	$(BIN)/python -m tools.audit

fast: $(BIN)/.installed ## Tests without browser and training
	$(BIN)/python -m pytest tests -n $(JOBS) $(SHARE) --ignore=tests/e2e --ignore=tests/engine --ignore=tests/kill \
		--ignore=tests/cli/test_whole_way.py

frontend: $(BIN)/.installed ## Lint, types and tests of the browser UI
	$(BIN)/python -m tools.frontend

e2e: $(BIN)/.installed ui $(BIN)/.browser ## Browser tests only
	$(BIN)/python -m pytest tests/e2e

bench: $(BIN)/.installed ui ## Measure start time and memory of the studio
	$(BIN)/python -m benchmarks.serve

docs: $(BIN)/.installed ## Write the generated pages of docs/reference
	$(BIN)/python -m tools.reference

openapi: $(BIN)/.installed ## Write openapi.json from the code
	$(BIN)/python -m tools.openapi

pocket: $(BIN)/.installed ## Train the bundled base model anew (about six hours of CPU; resumable)
	$(BIN)/python -m tools.pocket

ui: $(BIN)/.installed ## Build the browser UI if its sources changed
	@$(BIN)/python hatch_build.py

clean: ## Remove the environment and everything built
	rm -rf $(VENV) frontend/node_modules src/fluxtune/web/dist build dist .mypy_cache .ruff_cache .pytest_cache

# The browser UI is built by the `ui` target, with its own stamps, so the editable install leaves it out.
$(BIN)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "fluxtune needs Python 3.11 or later, this is " + sys.version.split()[0])'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing fluxtune and what it needs into $(VENV): some minutes the first time."
	@FLUXTUNE_SKIP_UI=1 $(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[local,telemetry,dev]' -c constraints.txt
	@touch $@

$(BIN)/.browser: $(BIN)/.installed
	@$(BIN)/python -m tools.browser
	@touch $@

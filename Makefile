# The commands of this project; every one of them works on a machine with only Python >= 3.11, pip and make.
PYTHON ?= python3
BIN := .venv/bin
CLIENTS ?= 200000

.PHONY: help run-time install demo test test-long coverage check format bench tools description lock clean
help: ## list the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

# The lock is complete: --no-deps keeps a newer release of an unpinned extra from spoiling the install.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps
run-time: .venv/.run-time ## make .venv with what running takes, and the odometer command
.venv/.run-time: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(PIP) --require-hashes -r requirements.lock
	$(PIP) --no-build-isolation -e .
	@touch $@

install: .venv/.installed ## the same, and what tests, lint and types take
.venv/.installed: .venv/.run-time requirements-dev.lock
	$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@

demo: run-time ## load a sample product and serve it on http://127.0.0.1:8080
	exec env ODOMETER_DATA=$${ODOMETER_DATA:-./odometer-demo} $(BIN)/odometer demo

test: install ## run the whole test suite
	$(BIN)/python -m pytest --numprocesses=2 --dist=worksteal --durations=15

REQUESTS ?= 1000000
KILLS ?= 100
# So many times as many random worlds as `make test` tries, and others each time.
EXAMPLES ?= 20
MINUTES ?= 30
test-long: install ## what takes hours: fuzzed requests, kills, random worlds, soak (docs/reliability.md)
	$(BIN)/python -m tests.fuzz --requests $(REQUESTS)
	$(BIN)/python -m tests.long.kills --kills $(KILLS)
	TEST_EXAMPLES=$(EXAMPLES) $(BIN)/python -m pytest --numprocesses=2 tests/properties tests/store/test_bulk.py tests/test_oracle_events.py
	$(BIN)/python -m tests.long.soak --minutes $(MINUTES)

coverage: install ## the same, telling which lines no test reaches; takes twice as long
	$(BIN)/python -m pytest --cov --cov-report=term:skip-covered

check: install ## lint, format, types, import law, tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) test

format: install ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: install ## measure against the alternatives (CLIENTS=1000000 for the documented size)
	$(BIN)/python -m bench --clients $(CLIENTS)

# Programs of others that judge the API description, the Postman collection and pages; tests without them are skipped.
TOOLS := tests/tools
tools: $(TOOLS)/.venv-tools/.installed ## install test tools from npm and a Python environment of their own
$(TOOLS)/.venv-tools/.installed: $(TOOLS)/package-lock.json $(TOOLS)/requirements.lock
	cd $(TOOLS) && npm ci --ignore-scripts --no-audit --no-fund
	$(PYTHON) -m venv $(TOOLS)/.venv-tools
	$(TOOLS)/.venv-tools/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $(TOOLS)/requirements.lock
	@touch $@

description: install ## renew docs/openapi.json, docs/postman.json and docs/compatibility.md from the code
	$(BIN)/odometer openapi > docs/openapi.json.new && mv docs/openapi.json.new docs/openapi.json
	$(BIN)/odometer openapi --postman > docs/postman.json.new && mv docs/postman.json.new docs/postman.json
	$(BIN)/python -m odometer.compatibility_page > docs/compatibility.md.new && mv docs/compatibility.md.new docs/compatibility.md

# Nothing that was published in the last week: bad releases are found and taken back in days.
NOT_NEWER = $(shell $(PYTHON) -c "import datetime as d; print(d.date.today() - d.timedelta(7))")
LOCK = $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --no-header --quiet --no-annotate --exclude-newer $(NOT_NEWER)
lock: ## renew requirements.lock and requirements-dev.lock from pyproject.toml
	$(BIN)/python -m pip install --quiet uv
	$(LOCK) --extra build -o requirements.lock
	$(LOCK) --extra build --extra postgresql --extra dev -c requirements.lock -o requirements-dev.lock

clean: ## remove everything that make made, not your data
	rm -rf .venv build src/*.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

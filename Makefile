# One-Net Lakehouse. `make run` and `make test` do all their set-up; nothing is installed by hand.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= $(shell for p in python3.11 python3.12 python3; do $$p -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' 2>/dev/null && echo $$p && break; done)
UV := .tools/bin/uv
BIN := .venv/bin
SPARK_ENVIRONMENT := var/spark-venv
SET_UP := .venv/.set-up

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk 'BEGIN {FS = ":.*## "} {printf "  make %-12s %s\n", $$1, $$2}'

.PHONY: run
run: $(SET_UP) ## Set up, run the main job and serve every page until Ctrl-C
	@exec $(BIN)/park run

.PHONY: once
once: $(SET_UP) ## As run, then check every surface, print the table and end
	@exec $(BIN)/park once

.PHONY: stop
stop: $(SET_UP) ## End a platform that still runs
	@$(BIN)/park stop

.PHONY: test
test: $(SET_UP) ## All tests that need no browser and no Superset
	@$(BIN)/pytest -m "not browser and not superset and not spark"

.PHONY: test-all
test-all: $(SET_UP) ## All tests, with Superset and the browser
	@$(BIN)/pytest -m "not spark"

.PHONY: test-spark
test-spark: $(SET_UP) ## Spark judges telemetry as this machine does (needs Java; an environment of its own in var/)
	@command -v java >/dev/null || [ -n "$$JAVA_HOME" ] || { echo "Spark needs a Java runtime of version 17 or newer, such as: apt-get install default-jre-headless" >&2; exit 1; }
	@UV_PROJECT_ENVIRONMENT=$(SPARK_ENVIRONMENT) $(UV) sync --quiet --frozen --extra spark --python $(PYTHON)
	@$(SPARK_ENVIRONMENT)/bin/pytest -m spark tests/integration/telemetry

.PHONY: bench
bench: $(SET_UP) ## How fast it is here, beside bare DuckDB (SIZE=tiny|small|large|replay|nation, COLD=1, DOCS=1)
	@$(BIN)/python -m tests.benchmarks --size $(or $(SIZE),small) $(if $(COLD),--cold) $(if $(DOCS),--write-docs)

.PHONY: lint
lint: $(SET_UP) ## Style, types and naming
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

.PHONY: setup
setup: $(SET_UP) ## Only set up: tools, locked environment, keys, dbt manifest

.PHONY: doctor
doctor: $(SET_UP) ## What is missing for what
	@$(BIN)/park doctor

.PHONY: clean
clean: ## Delete all state (var/) and environments; the next run starts from nothing
	rm -rf var .venv .tools

$(SET_UP): pyproject.toml uv.lock bootstrap.py
	@if [ -z "$(PYTHON)" ]; then echo "Python 3.11 or 3.12 is needed and was not found; install one, or run 'make PYTHON=/path/to/python3.12 ...'." >&2; exit 1; fi
	@echo "准备工具与环境……"
	@$(PYTHON) bootstrap.py
	@$(UV) sync --quiet --frozen --python $(PYTHON) || { echo "The locked packages could not be installed (see above). If the machine has no network, connect it once or point UV_DEFAULT_INDEX to a mirror." >&2; exit 1; }
	@$(BIN)/park prepare
	@touch $@

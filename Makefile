# Every recipe sets up what it needs; there is no separate install step. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo test up down migrate check layers cases files chaos calibration bench refresh reprocess explain restatement prices quarantine replay backup restore env verify rebuild install manifest lock

VENV := .venv
PY := $(VENV)/bin/python
API_PORT ?= 8000
UI_PORT ?= 3000
PYTEST_ARGS ?=
# `make env HOME_DIR=.lakefolio/demo` (or up, down, refresh) means that state folder, whatever the shell has exported.
ifdef HOME_DIR
STATE := env -u DATABASE_URL -u DATABASE_ADMIN_URL -u DATABASE_SERVICES_URL -u LAKE_URI LAKEFOLIO_HOME="$(HOME_DIR)"
endif
OPS := $(STATE) $(PY) -m ops

help: ## this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

demo: install manifest ## the whole graph on the bundled market, and its report
	@$(OPS) demo

test: install manifest ## run the tests
	@env -u PYTHONDONTWRITEBYTECODE $(PY) -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

up: install manifest ## start the API on :8000, its worker and the Dagster UI on :3000 (API_PORT=, UI_PORT=)
	@$(OPS) up --api-port $(API_PORT) --ui-port $(UI_PORT)

down: install ## stop what `make up` started, and the embedded database
	@$(OPS) down

replay: install manifest ## give dead letters to their consumers again (CONSUMER=, EVENT=)
	@$(OPS) replay --consumer "$(CONSUMER)" --event "$(EVENT)"

explain: install manifest ## take a figure apart, with the API up (REF=; or PORTFOLIO=, TICKER=, DATE=)
	@$(OPS) explain --ref "$(REF)" --portfolio "$(PORTFOLIO)" --ticker "$(TICKER)" --date "$(DATE)"

restatement: install manifest ## say what is told otherwise than it was known, with the API up (PORTFOLIO=, SINCE=)
	@$(OPS) restatement --portfolio "$(PORTFOLIO)" --since "$(SINCE)"

quarantine: install manifest ## list bad prices, or let one pass (RELEASE=id WHY=reason)
	@$(OPS) run $(PY) -m pipelines.quality.quarantine $(if $(RELEASE),release $(RELEASE) --why "$(WHY)")

prices: install manifest ## say of each file in the folder of prices what goes in, and what does not and why
	@$(OPS) run $(PY) -m pipelines.ingestion.price_report

refresh: install manifest ## one refresh now
	@$(OPS) refresh

reprocess: install manifest ## make portfolios anew (PORTFOLIO=, SECURITY= or ROW=portfolio:seq; SINCE=)
	@$(OPS) run $(PY) -m pipelines.rebuild $(if $(PORTFOLIO),--portfolio "$(PORTFOLIO)") $(if $(SECURITY),--security "$(SECURITY)") \
	  $(if $(ROW),--row "$(ROW)") $(if $(SINCE),--since $(SINCE))

migrate: install ## bring the database's schema up to date, as `make up` does
	@$(OPS) migrate

env: install manifest ## print export lines: eval "$$(make -s env)"
	@$(OPS) env

verify: install ## recompute hashes, holdings and cash from the ledger; name the first wrong row
	@$(OPS) verify

rebuild: install ## write holdings and cash anew from the ledger
	@$(OPS) rebuild

backup: install ## the whole state into one file, while it runs (BACKUP=<file>)
	@$(OPS) backup $(if $(BACKUP),--file "$(BACKUP)")

restore: install ## bring back BACKUP=<file>; FORCE=1 moves a state that is there aside
	@$(OPS) restore --file "$(BACKUP)" $(if $(FORCE),--force)

check: install manifest ## lint, types, architecture
	@$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check . && \
	  $(VENV)/bin/pyrefly check --python-interpreter-path $(PY)
	@$(MAKE) --no-print-directory layers

layers: ## the contracts between packages, and between dbt's models
	@$(VENV)/bin/lint-imports
	@! grep -rl --include='*.sql' 'source(' dbt_project/models/intermediate dbt_project/models/marts || \
	  { echo "  only staging models read a source: a mart BROKEN this" >&2; exit 1; }

# Every module with a long form: those that ask tests/effort.py or the environment which form it is, or mark tests as long.
LONG_FORMS = tests/chaos $(shell grep -rlE "tests.effort|LAKEFOLIO_CHAOS|hypothesis|mark.long" tests --include="test_*.py" | grep -v ^tests/chaos)

chaos: install manifest ## the long forms: kills, races, storms, tampering (about half an hour; LAKEFOLIO_SEED=)
	@LAKEFOLIO_CHAOS=long $(PY) -m pytest $(LONG_FORMS) -s $(PYTEST_ARGS)

DIR ?= tests/cases
cases: install manifest ## judge case files of others, and run situations (DIR=<folder>)
	@$(PY) -m tests.yardsticks "$(DIR)"

files: DIR = tests/cases/files
files: install manifest ## run files of brokers with what they mean, over HTTP: right, wrong or refused (DIR=<folder>)
	@$(PY) -m tests.yardsticks.run_files "$(DIR)"

calibration: install ## simulate from every past month again, and write the track record (minutes)
	@$(PY) -m application.calibration

bench: install manifest ## measure, as ratios against named alternatives
	@$(PY) -m tests.benchmarks

manifest: dbt_project/target/manifest.json ## parse the dbt project

install: $(VENV)/.installed ## install the locked packages into .venv

lock: install ## rebuild requirements.lock from pyproject.toml
	@$(VENV)/bin/uv pip compile --quiet --universal --no-strip-extras --no-annotate --no-header --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-emit-find-links --group dev pyproject.toml -o requirements.lock

DBT_FILES := $(shell find dbt_project -path dbt_project/target -prune -o -type f \( -name '*.sql' -o -name '*.yml' \) -print 2>/dev/null)

dbt_project/target/manifest.json: $(VENV)/.installed $(DBT_FILES)
	@echo "  parsing the dbt project ..." >&2
	@cd dbt_project && rm -rf target.new && ../$(VENV)/bin/dbt --quiet parse --target-path target.new >&2 && mkdir -p target && \
	  mv -f target.new/partial_parse.msgpack target.new/manifest.json target/ && rm -rf target.new

# uv comes from the lock too; where it cannot do it (an index that only pip's own settings name), pip does.
PIP = $(PY) -m pip install -qq --disable-pip-version-check --no-deps
LOCKED = --require-hashes -r requirements.lock
# Compiled once rather than by three workers; not tests, nor packages of which we use little, which are compiled as imported.
COMPILE = { $(PY) -W ignore -m compileall -qq -j 0 -x '/tests?/|/site-packages/(moto|botocore|pip|setuptools|sklearn|schemathesis|dlt|sqlglot|openai|fontTools|pygments|prompt_toolkit|git|github3)/' \
  $(VENV)/lib/python3*/site-packages >/dev/null 2>&1 || true; }

$(VENV)/.installed: requirements.lock pyproject.toml
	@python=; for candidate in $(PYTHON) python3.11 python3.12 python3.13 python3.14 python3; do \
	  if $$candidate -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then python=$$candidate; break; fi; \
	done; \
	if [ -z "$$python" ]; then echo "error: Python 3.11 or newer (with venv) is not here; install it or set PYTHON=<path>" >&2; exit 1; fi; \
	echo "  installing the locked packages into $(VENV) with $$python (one or two minutes) ..." >&2; \
	{ $$python -m venv $(VENV) && \
	  { { sed -n '/^uv==/,/[^\\]$$/p' requirements.lock | $(PIP) --require-hashes -r /dev/stdin && \
	    $(VENV)/bin/uv pip install -q --python $(PY) --no-deps $(LOCKED) && $(COMPILE); } || $(PIP) $(LOCKED); } && \
	  $(PIP) --no-build-isolation --no-index -e .; } >&2 || \
	  { echo "error: the packages could not be installed; check that the package index can be reached, then run this again" >&2; exit 1; }; \
	touch $@

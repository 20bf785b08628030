# Everything sets itself up in .venv from the hashed lock files; nothing is installed elsewhere,
# except that `make test` installs the Debian servers it tests against when it may.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
SOURCES := $(shell find gong_exporter -type f ! -name '*.pyc')
PYTEST_ARGS ?=
STUDY_ARGS ?=
LOCK_ARGS ?=
SERVERS ?=
DASHBOARD_PREVIEW ?=

.PHONY: help demo demo-compose demo-dates demo-history install test lint format docs bench soak study screenshots lock copies image-test compose-test systemd-test install-test test-pythons dist clean

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: $(VENV)/.runtime ## The real exporter against the built-in simulator, on loopback
	@exec $(BIN)/python -m gong_exporter demo

demo-compose: ## The demo with Prometheus, Alertmanager and Grafana's dashboards, in containers
	@docker compose version >/dev/null 2>&1 || \
	  { echo "This needs Docker with Compose. Without: make demo, make demo-history" >&2; exit 1; }
	@exec docker compose --file deploy/compose/compose.yaml --profile demo up

demo-history: $(VENV)/.runtime ## The demo with 120 days of past, in a real Prometheus with the rules
	@tools/install-servers.sh prometheus
	@exec $(BIN)/python tools/demo_history.py

install: $(VENV)/.installed ## The exporter into .venv, without the tools to develop it

test: $(VENV)/.dev ## The whole suite; SERVERS=new: with the newest Prometheus, Alertmanager, VictoriaMetrics
	@SERVERS=$(SERVERS) tools/test.sh $(PYTEST_ARGS)

lint: $(VENV)/.dev ## Ruff, mypy --strict, the layers, plain English
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/check_prose.py

format: $(VENV)/.dev ## Format and fix what ruff can fix
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.dev ## Ratios against nginx, the client library and a real Prometheus
	@tools/install-servers.sh
	$(BIN)/python benchmarks/run.py

soak: $(VENV)/.dev ## An hour in every fault at once, every published number compared with the truth
	$(BIN)/python tools/soak.py --minutes 60

study: $(VENV)/.dev ## How often the alerts on activity are right, over two simulated years (STUDY_ARGS=...)
	$(BIN)/python -m tools.study $(STUDY_ARGS)

demo-dates: $(VENV)/.dev ## Whether the demo's drops alert on each of 400 dates (the suite tests some of them)
	EVERY_DATE=1 $(BIN)/python -m pytest -q tests/cli/test_demo_company.py

screenshots: $(VENV)/.dev ## Draw the dashboards again (DASHBOARD_PREVIEW=program that draws one)
	@test -n "$(DASHBOARD_PREVIEW)" || { echo "make screenshots DASHBOARD_PREVIEW=path/to/preview" >&2; exit 2; }
	$(BIN)/python -m tools.dashboards.build
	$(BIN)/python -m tools.screenshots $(DASHBOARD_PREVIEW)

docs: $(VENV)/.dev ## Write the generated parts of the docs again
	$(BIN)/python tools/docs_reference.py
	$(BIN)/python -m gong_exporter check --schema > config.schema.json

lock: $(VENV)/.dev ## Resolve the dependencies again, versions and hashes, no URLs (LOCK_ARGS=--upgrade: the newest)
	tools/lock.sh $(LOCK_ARGS)

copies: $(VENV)/.dev ## Bring what follows from rules, dashboards and routes up to date
	$(BIN)/python -m tools.grafana_alerts
	tools/copies.sh

image-test: $(VENV)/.dev ## Build the image and run it, with Docker or without
	tools/image-test.sh

compose-test: ## Walk deploy/compose with a real Docker Compose, with a Docker daemon or without
	tools/compose-test.sh

systemd-test: $(VENV)/.dev ## Boot a small Debian and install the service in it; as root
	tools/systemd-test.sh

install-test: $(VENV)/.dev ## The wheel in a clean environment of every supported Python at hand
	tools/pythons.sh install

test-pythons: $(VENV)/.dev ## The whole suite on every supported Python at hand
	tools/pythons.sh test

dist: $(VENV)/.dev ## sdist, wheel, chart and list of parts into dist/, with checksums
	tools/release.sh dist

clean: ## Remove the virtual environment and caches
	rm -rf $(VENV) .venv-pythons build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/.runtime: requirements.lock tools/venv.sh
	@tools/venv.sh $(VENV)
	@echo "Installing dependencies ..."
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.installed: $(VENV)/.runtime requirements-build.lock pyproject.toml README.md $(SOURCES)
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements-build.lock
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --force-reinstall .
	@touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml tools/venv.sh
	@tools/venv.sh $(VENV)
	@echo "Installing dependencies ..."
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@ $(VENV)/.runtime

# The entry points for people and CI. `make demo` and `make test` install what they need.
.PHONY: help setup demo test bench check format lock schema secrets clean
PYTHON ?= python3
BIN := .venv/bin

help:            ## this list
	@sed -n 's/^\([a-z]*\): .*## /\1\t/p' Makefile

setup:           ## create .venv with the locked dependencies
	@PYTHON="$(PYTHON)" scripts/setup

demo: setup      ## the whole chain on this machine (DEMO_SECONDS=60 for an unattended run)
	@$(BIN)/greenpark demo $(if $(DEMO_SECONDS),--seconds $(DEMO_SECONDS))

test: setup      ## the test suite on the embedded PostgreSQL and a real broker
	$(BIN)/python -m pytest $(ARGS)

bench: setup     ## how fast are collector, metering, simulator (ARGS=--quick; two need Mosquitto)
	$(BIN)/python bench/ingest.py $(ARGS)
	$(BIN)/python bench/metering.py $(ARGS)
	$(BIN)/python bench/simulate.py $(ARGS)
	$(BIN)/python bench/green.py $(ARGS)
	$(BIN)/python bench/indicators.py $(ARGS)
	$(BIN)/python bench/alerts.py $(ARGS)
	$(BIN)/python bench/forecast.py $(ARGS)

check: setup     ## lint, format, types, import contracts, spelling
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell

format: setup    ## repair what lint and format can repair
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

schema: setup    ## write the schema of park.yaml, the catalogue, the dashboards
	$(BIN)/greenpark schema --out docs/park.schema.json
	$(BIN)/greenpark indicators --page docs/catalogue.md
	$(BIN)/greenpark rules list --page docs/rules.md
	$(BIN)/greenpark dashboards build

lock: setup      ## renew requirements.lock (needs uv)
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
		--python-version 3.11 --group dev pyproject.toml -o requirements.lock

secrets:         ## random passwords for docker compose, in secrets/
	@docker/make-secrets.sh

clean:           ## remove what the demo and the tools made
	rm -rf demo-data .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info

# Two commands are enough: `make demo` and `make test`. Both set everything up inside this folder first.
.DEFAULT_GOAL := help
.PHONY: help setup setup-dev demo test test-full check format bench bench-history bench-scope bench-fuzz bench-soak licences sbom pictures mutants clean

PYTHON ?= python3
UV_VERSION := 0.13.9
# The lock is the truth: no command here resolves anything, and none touches a Python outside .venv.
UV = $(shell command -v uv 2>/dev/null || echo .venv/bin/uv)
export UV_PYTHON_DOWNLOADS = never

help:
	@echo "make demo    replay the incident on a local Slack page: http://127.0.0.1:8765"
	@echo "make test    linters, types and every test"
	@echo "make test-full  the same, with the whole crash matrix and 200 random kills"
	@echo "make setup   set up only; leaves .venv/bin/triage"
	@echo "make check   linters and types only"
	@echo "make bench   measure, and print the ratios of docs/benchmarks.md"
	@echo "make bench-scope     the theft told from 20 seeds: keys found, innocents named, alerts on ordinary days"
	@echo "make bench-history   load, size and answers of the history, with others beside it"
	@echo "make bench-fuzz      hostile input for every source's parser and the doors, SECONDS=300 each"
	@echo "make bench-soak      20 alerts/s for SECONDS=1800: memory, threads, descriptors, write-ahead log"
	@echo "make licences  rewrite docs/licences.md from uv.lock"
	@echo "make sbom    write sbom.cdx.json, a bill of materials in CycloneDX"
	@echo "make mutants  make small mistakes in who may change what, and see that tests fail; docs/mutation.md"
	@echo "make pictures  take the pictures of docs/images; needs chromium and an emoji font"

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "Python 3.11 or newer is needed: install it, or name it with 'make PYTHON=/path/to/python3.11 …'."; exit 1; }
	@$(PYTHON) -m venv .venv 2>/dev/null || \
	  { rm -rf .venv; echo "Python's venv module is missing: install it (Debian and Ubuntu: apt-get install python3-venv)."; exit 1; }

.venv/bin/uv: | .venv/bin/python
	@command -v uv >/dev/null 2>&1 || .venv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

setup: .venv/.runtime
.venv/.runtime: pyproject.toml uv.lock | .venv/bin/uv
	@$(UV) sync --quiet --frozen --inexact --extra demo --no-dev
	@touch $@

setup-dev: .venv/.dev
.venv/.dev: pyproject.toml uv.lock | .venv/bin/uv
	@$(UV) sync --quiet --frozen --inexact --extra demo
	@touch $@ .venv/.runtime

demo: setup
	@.venv/bin/triage demo

check: setup-dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

# A Slack that others wrote, for tests only. Without npm those tests are skipped and say so.
tests/npm/node_modules/.package-lock.json: tests/npm/package-lock.json
	@if command -v npm >/dev/null 2>&1; then npm ci --prefix tests/npm --ignore-scripts --no-audit --no-fund --silent; fi

test: check tests/npm/node_modules/.package-lock.json
	.venv/bin/python -m pytest

test-full: check tests/npm/node_modules/.package-lock.json
	.venv/bin/python -m pytest -m ""

format: setup-dev
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

bench: setup-dev
	.venv/bin/python -m tests.bench

bench-scope: setup-dev
	.venv/bin/python -m tests.bench.scope_seeds

EVENTS ?= 1000000
bench-history: setup-dev
	.venv/bin/python -m tests.bench.history $(EVENTS)

SECONDS ?= 300
bench-fuzz: setup-dev
	.venv/bin/python -m tests.fuzz $(SECONDS)

bench-soak: SECONDS = 1800
bench-soak: setup-dev
	.venv/bin/python -m tests.bench.load $(SECONDS)

licences: setup-dev
	.venv/bin/python -m tests.supply licences

sbom: setup-dev
	.venv/bin/python -m tests.supply sbom sbom.cdx.json

pictures: setup-dev
	.venv/bin/python -m tests.pictures

mutants: setup-dev
	.venv/bin/python -m tests.mutants

clean:
	rm -rf .venv

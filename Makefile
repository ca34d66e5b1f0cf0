# The verbs of this project. `make` alone lists them.
PY ?= python3.11
EXTRAS ?= dev
DATA ?=
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-privacy test lint format bench clean

help: ## list the verbs
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: .venv/.done-$(EXTRAS) ## make .venv with the command .venv/bin/xinqiao

.venv/.done-$(EXTRAS): pyproject.toml constraints.txt assets.txt
	@command -v $(PY) >/dev/null || { echo "需要 Python 3.11 / Python 3.11 is needed: make setup PY=/path/to/python3.11"; exit 1; }
	test -x $(BIN)/python || $(PY) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(EXTRAS)]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r assets.txt
	touch $@

demo: setup ## a generated city scored, and the four portals with people to sign in as
	$(BIN)/xinqiao demo

demo-privacy: setup ## seven nodes play every kind of joint computing over generated data (EXTRAS=dev,privacy is faster)
	$(BIN)/xinqiao demo-privacy

test: setup ## run all tests (real-data tests need XINQIAO_DATA)
	$(BIN)/python -m pytest -n logical --dist loadfile

lint: setup ## ruff, mypy strict, import layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup ## let ruff format and mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup ## side-by-side benchmarks, ratios printed
	$(BIN)/python -m benchmarks

clean: ## remove what the verbs made
	rm -rf .venv xinqiao-out .mypy_cache .ruff_cache .hypothesis

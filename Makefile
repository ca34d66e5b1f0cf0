# The verbs of this project. `make` alone lists them.
PY ?= python3.11
EXTRAS ?= dev
DATA ?=
BIN := .venv/bin
WORKERS ?= logical

.DEFAULT_GOAL := help
.PHONY: help setup engine demo demo-privacy test lint format bench clean

help: ## list the verbs
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: .venv/.done-$(EXTRAS) ## make .venv with the command .venv/bin/xinqiao

.venv/.done-$(EXTRAS): pyproject.toml constraints.txt assets.txt
	@command -v $(PY) >/dev/null || { echo "需要 Python 3.11 / Python 3.11 is needed: make setup PY=/path/to/python3.11"; exit 1; }
	test -x $(BIN)/python || $(PY) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(EXTRAS)]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r assets.txt
	touch $@

engine: .engine/.done ## the optional engine of joint computing in an environment of its own (about 1 GB)

.engine/.done: Makefile
	test -x .engine/bin/python || $(PY) -m venv .engine
	.engine/bin/python -m pip install --quiet --disable-pip-version-check spu==0.9.5
	touch $@

demo: setup ## a generated city scored, and the four portals with people to sign in as
	$(BIN)/xinqiao demo

demo-privacy: setup ## seven nodes play every kind of joint computing over generated data (EXTRAS=dev,privacy is faster)
	$(BIN)/xinqiao demo-privacy

test: setup ## run all tests (real-data tests need XINQIAO_DATA)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --durations=20

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
	rm -rf .venv .engine xinqiao-out .mypy_cache .ruff_cache .hypothesis

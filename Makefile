# Every target sets up what it needs; `make plan` and `make test` work on a fresh clone with Python 3.11 or later.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
CORE := $(VENV)/.core
READY := $(VENV)/.ready

unexport PYTHONDONTWRITEBYTECODE # commands that tests start find byte code, as in an installation

.PHONY: plan accounts test test-slow test-cluster fuzz scenarios play mutants lint types docs wheel check clean

$(CORE): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "carbonscaling needs Python 3.11 or later; set PYTHON=python3.x")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) --editable .
	touch $@

$(READY): $(CORE)
	$(PIP) --editable '.[dev]'
	touch $@

plan: $(CORE)  ## the main job: plan Llama-3.1-405B on H100
	$(BIN)/carbonscaling plan --model examples/llama-3.1-405b.json --tokens 15.6e12 --device h100-sxm --max-days 90 --region us-east5

accounts: $(CORE)  ## published carbon accounts beside our figures
	$(BIN)/carbonscaling accounts

test: $(READY)  ## the whole suite, two workers
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow and not cluster"

test-slow: $(READY)
	$(BIN)/python -m pytest -n 2 --dist worksteal -m slow

test-cluster: $(READY)  ## a study on a Ray cluster of this machine; installs Ray, 240 MB
	$(PIP) --editable '.[dev,cluster]'
	$(BIN)/python -m pytest -m cluster tests/test_sweep_ray.py

fuzz: $(READY)  ## two hundred thousand spoilt files, random questions and commands: none may crash
	PYTHONPATH=tests $(BIN)/python -m fuzz

scenarios: $(READY)  ## twenty thousand random scenarios: answers must agree with each other
	PYTHONPATH=tests $(BIN)/python -m metamorphic

play: $(READY)  ## README, start page and six how-tos, word for word, in a clone and an environment of their own
	PYTHONPATH=tests $(BIN)/python -m play

mutants: $(READY)  ## formulas changed in one place at a time: a test must notice (writes docs/mutation.md)
	PYTHONPATH=tests $(BIN)/python -m mutation --page docs/mutation.md

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

docs: $(READY)  ## generated pages are the ones committed; figures drawn (minutes); the site in docs/_build/html, warnings are errors
	$(BIN)/python -m pytest -q tests/test_cli_help.py
	cp docs/reproduction.md $(VENV)/reproduction.md
	$(BIN)/carbonscaling reproduce --page docs/reproduction.md
	cmp docs/reproduction.md $(VENV)/reproduction.md  # the committed page is the one that is made
	$(BIN)/python -m sphinx -W --keep-going -n -q -E docs docs/_build/html

wheel: $(READY)  ## wheel and source distribution; the wheel alone in a fresh environment runs the main job
	$(BIN)/python -m pytest -m slow -k "not extra" tests/test_wheel.py

check: lint types docs test

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .hypothesis

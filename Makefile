# Every target makes what it needs: `make run` on a fresh machine needs Python 3.11, pip and make.

PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3,$(shell command -v $(name))))
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: run test test-slow lint format mlflow viz install clean

run: install
	$(BIN)/kedro run

test: install
	$(BIN)/pytest -n 2 -m "not slow"

test-slow: install
	$(BIN)/pytest -m slow

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

mlflow: install
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/kedro mlflow ui --env development --host 127.0.0.1

viz: install
	$(BIN)/kedro viz run

install: $(STAMP)

# An editable install in the versions of constraints.txt; repeated when either file changes.
$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14) and 'Python 3.11, 3.12 or 3.13 is needed: make PYTHON=/path/to/python3.11')"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache

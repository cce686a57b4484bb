# Every target makes what it needs: `make run` on a fresh machine needs Python 3.11, pip and make.

PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3,$(shell command -v $(name))))
VENV := .venv
BIN := $(VENV)/bin
# What is installed: nothing, the project, with the service, with ZenML, with everything its tests need.
EMPTY := $(VENV)/.empty
BASE := $(VENV)/.base
SERVE := $(VENV)/.serve
ZENML := $(VENV)/.zenml
DEV := $(VENV)/.dev


.PHONY: run weekly zenml serve test test-slow benchmark benchmark-accuracy lint format advisories mlflow viz install clean

run: $(BASE)
	$(BIN)/kedro run

# After a delivery; DATA is the folder of the data, and PARAMS are more parameters.
weekly: $(BASE)
	$(BIN)/kedro run --pipeline weekly $(if $(DATA),--data-root "$(DATA)") $(if $(PARAMS),--params "$(PARAMS)")

zenml: $(ZENML)
	$(BIN)/kedro zenml run --stack local

serve: $(SERVE)
	$(BIN)/kedro serve

# Further threads of linear algebra wait for each other: beside other processes a test of seasons took
# twice as long with them.
test test-slow: export OPENBLAS_NUM_THREADS := 1

# One more process than CI has cores: some tests wait for servers, browsers and locks.
test: install
	$(BIN)/pytest -n 3 --dist worksteal -m "not slow"
	$(BIN)/pytest -n 2 --dist worksteal -m "not slow" zenml_runner

# A test that ends its process ends all: with a new process xdist would try it again, or wait for ever.
test-slow: install
	$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder --max-worker-restart 0 -m slow
	$(BIN)/pytest -n 2 --dist worksteal -m slow zenml_runner

benchmark: install
	$(PIP_INSTALL) ./zenml_runner --editable ".[benchmark]"
	$(BIN)/python -m benchmarks.everything

# DATA is a folder of panels outside of the project; without it only generated titles are used. A
# stopped benchmark resumes from the runs in WORK, by default build/accuracy; ARGS are more arguments.
benchmark-accuracy: install
	$(BIN)/python -m benchmarks.accuracy $(if $(DATA),--data "$(DATA)") $(if $(WORK),--work "$(WORK)") $(ARGS)

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Asks an advisory database for each pinned version, so that it needs a network.
advisories:
	$(PYTHON) -m venv build/advisories
	build/advisories/bin/python -m pip install --quiet pip-audit==2.10.1
	build/advisories/bin/pip-audit --strict --no-deps --disable-pip --requirement constraints.txt $(ARGS)

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

mlflow: $(BASE)
	@echo "Open http://127.0.0.1:5000/#/experiments/1/runs?workflowType=machine_learning"
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/kedro mlflow ui --env development --host 127.0.0.1

viz: $(BASE)
	$(BIN)/kedro viz run

install: $(DEV)

# Editable installs in the versions of constraints.txt; repeated when either file changes.
PIP_INSTALL = $(BIN)/python -m pip install --quiet --quiet --constraint constraints.txt --editable

$(EMPTY):
	$(PYTHON) -c "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14) and 'Python 3.11, 3.12 or 3.13 is needed: make PYTHON=/path/to/python3.11')"
	$(PYTHON) -m venv $(VENV)
	touch $@

$(BASE): pyproject.toml constraints.txt | $(EMPTY)
	$(PIP_INSTALL) .
	touch $@

$(SERVE): $(BASE)
	$(PIP_INSTALL) ".[serve]"
	touch $@

$(ZENML): $(BASE) zenml_runner/pyproject.toml
	$(PIP_INSTALL) ./zenml_runner --editable ".[zenml]"
	touch $@

# One call of pip: a second one resolves three hundred versions and builds the project again.
$(DEV): pyproject.toml constraints.txt zenml_runner/pyproject.toml | $(EMPTY)
	$(PIP_INSTALL) ./zenml_runner --editable ".[dev]"
	touch $(BASE) $(SERVE) $(ZENML) $@

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache

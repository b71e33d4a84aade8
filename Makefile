# Two commands matter: `make demo` and `make test`. Each sets up what it needs.
VENV   ?= .venv
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN    := $(VENV)/bin

.PHONY: demo test setup lint types imports unit lock clean

demo: setup
	$(BIN)/cdiscway build examples/ifm-2015-03

test: lint types imports unit

setup: $(VENV)/.ready

$(VENV)/.ready: requirements-dev.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

imports: setup
	$(BIN)/lint-imports

unit: setup
	$(BIN)/pytest --numprocesses 2 --dist loadgroup --cov --cov-report=term

# Writes the lock again from pyproject.toml: pinned, with hashes, without the address of any registry.
lock:
	$(BIN)/pip-compile --quiet --upgrade --allow-unsafe --strip-extras --generate-hashes --no-emit-index-url \
		--no-emit-find-links --no-emit-trusted-host --no-header --extra dev --extra results \
		--output-file requirements-dev.lock pyproject.toml

clean:
	rm -rf $(VENV) build *.egg-info .coverage .mypy_cache .ruff_cache .pytest_cache examples/*/build

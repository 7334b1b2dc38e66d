# One environment for everything, made from nothing: Python 3.11 or later and pip are all that is needed.
PYTHON ?= python3
VENV ?= .venv
# The CPU build where the index has one. On Linux elsewhere: make test PIP_ARGS="--extra-index-url https://download.pytorch.org/whl/cpu"
TORCH ?= torch==2.13.0
PIP_ARGS ?=
PIP = $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check $(PIP_ARGS)

.PHONY: quickstart test lint bench clean

quickstart: $(VENV)/installed
	$(VENV)/bin/dsbs quickstart

test: $(VENV)/installed lint
	$(VENV)/bin/python -m pytest

lint: $(VENV)/installed
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

$(VENV)/installed: pyproject.toml Makefile
	$(PYTHON) -m venv $(VENV)
	$(PIP) $(TORCH)
	$(PIP) -e '.[train,endpoint,plan,report,dev]'
	touch $@

clean:
	rm -rf $(VENV) build dist runs

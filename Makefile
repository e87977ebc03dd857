# One door for newcomers and for CI. `make help` lists what there is.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# Test processes side by side; `make test JOBS=0` runs in one process, as a debugger wants it.
JOBS   ?= 2

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1
# With several test processes, one thread each is faster than all threads for all of them.
TEST_ENV := OMP_NUM_THREADS=1 TOKENIZERS_PARALLELISM=false

HAVE_RUNTIME := $(VENV)/.have-runtime
HAVE_DEV     := $(VENV)/.have-dev
PIP_INSTALL  := $(BIN)/python -m pip install -qq --constraint constraints.txt

.DEFAULT_GOAL := help
.PHONY: help demo test check format lint types layers clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(HAVE_RUNTIME) ## two workers share a list of sums, then one model talks while it thinks
	$(BIN)/hogdsl run programs/solve_together.py --set problem="a:17+25 b:38+41 c:9+66 d:52+13" --pace 12
	$(BIN)/hogdsl run programs/talk_while_thinking.py --set question="17+25+38+41" --pace 12

test: $(HAVE_DEV) ## run the tests
	@$(TEST_ENV) $(BIN)/python -m pytest --numprocesses $(JOBS)

check: lint types layers test ## format, lint, types, layers and tests: what CI runs

lint: $(HAVE_DEV) ## check format and lint
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

types: $(HAVE_DEV) ## check types
	@$(BIN)/pyright

layers: $(HAVE_DEV) ## check which package may import which
	@$(BIN)/lint-imports --no-cache --no-logo

format: $(HAVE_DEV) ## write the code in the project's format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

clean: ## remove the environment and what the tools left
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis build dist

# ---------------------------------------------------------------- set-up, done once
# A stamp says what is installed; it is old when the project or the pinned versions change.

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "hogdsl needs Python 3.11 or newer; name one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo "making the virtual environment $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(HAVE_RUNTIME): pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing hogdsl and its runtime (torch among them; once, a minute or two)"
	@$(PIP_INSTALL) --editable '.[runtime]'
	@touch $@

$(HAVE_DEV): $(HAVE_RUNTIME)
	@echo "installing the tools for tests and checks"
	@$(PIP_INSTALL) --editable '.[runtime,dev]'
	@touch $@

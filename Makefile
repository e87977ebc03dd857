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
.PHONY: help demo test check format lint types layers clean gpu gpu-bench gpu-kernels gpu-compile gpu-site

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

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

# ---------------------------------------------------------------- on a GPU
# docs/gpu.md. They take a Python that has torch, not the environment above: a GPU machine has its own,
# for CUDA. What that Python lacks is in GPU_SITE, a folder of packages or what `make gpu-site` packs.

GPU_SITE ?=
GPU_JSON ?= build/gpu.json
ON_GPU   := PYTHON="$(PYTHON)" GPU_SITE="$(GPU_SITE)" benchmarks/gpu/run.sh
# Warnings of other versions of other people's packages are no failures there.
ON_GPU_TESTS := pytest -W default -p no:cacheprovider -o addopts= --import-mode=importlib -ra

gpu: gpu-kernels ## on a GPU: the tests that need one
	$(ON_GPU) $(ON_GPU_TESTS) -m gpu tests

gpu-bench: gpu-kernels ## on a GPU: what steps cost, in under ten minutes
	$(ON_GPU) benchmarks.gpu --json $(GPU_JSON)

gpu-kernels: ## compile the kernels for the GPU at hand, side by side; they are kept in build/gpu
	$(ON_GPU) benchmarks.gpu.kernels

gpu-compile: ## without a GPU: compile all kernels for one, in half an hour
	$(ON_GPU) $(ON_GPU_TESTS) -m compiles --durations=0 tests/gpu

gpu-site: ## pack what a GPU machine without package registries lacks
	$(PYTHON) -m benchmarks.gpu.pack build/gpu-site.tar.xz

# ----------------------------------------------------------------

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

# Everything a stranger needs: `make run` and `make test`. Python 3.11 to 3.13, git and a C++ compiler.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/ready
# The repository to open; without one, a small sample that is made in the user's cache.
REPO   ?=
# A GGUF file of your own, instead of the one that `make model` fetches.
MODEL  ?=

.PHONY: run setup model test redteam lint screenshots clean help

run: setup
	@$(BIN)/python scripts/ensure_model.py "$(MODEL)"
	@exec $(BIN)/workbench "$${REPO:-$$($(BIN)/python scripts/sample_repository.py)}"

help:
	@echo "make run [REPO=path] [MODEL=file.gguf]   set everything up and open Workbench"
	@echo "make test                                run every test"
	@echo "make redteam                             attack this installation, and say what held"
	@echo "make lint                                ruff, mypy, import contracts"
	@echo "make model                               fetch and register Qwen2.5-Coder-1.5B-Instruct"
	@echo "make screenshots                         make screenshots/ from the running program"
	@echo "make clean                               remove the virtual environment and caches of this checkout"

setup: $(READY)

# llama-cpp-python has no wheel on the index: it is compiled once and kept in the user's cache.
$(READY): pyproject.toml scripts/build_llama_wheel.py
	@$(PYTHON) scripts/check_tools.py
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@wheel=$$($(BIN)/python scripts/build_llama_wheel.py) \
	  && echo "Installing the rest ..." \
	  && $(BIN)/python -m pip install --quiet --disable-pip-version-check "$$wheel" -e '.[dev]'
	@$(BIN)/python -m compileall -q workbench
	@touch $@

model: setup
	@$(BIN)/python scripts/ensure_model.py --fetch

test: setup
	@$(BIN)/python scripts/test_models.py
	$(BIN)/python -m pytest

redteam: setup
	$(BIN)/workbench redteam

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

screenshots: setup
	$(BIN)/python scripts/screenshots.py

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	find . -name __pycache__ -prune -exec rm -rf {} +

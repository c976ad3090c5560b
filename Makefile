# make run    set up, then run the main job on the embedded panel
# make test   set up, then run the tests
#
# PYTHON=python3.12 chooses the Python; otherwise the first one of 3.11 or newer that is found.

VENV    := .venv
READY   := $(VENV)/ready
BIN     := $(VENV)/bin
WORKERS ?= auto
ARGS    ?=
# Files in their order: by default those of few tests come last, which are the long ones.
SHARED  := -n $(WORKERS) --dist loadfile --no-loadscope-reorder

# Programs that the tests have compiled serve the next run, where JAX finds them unchanged; about
# 150 MB for each state of the sources. `make clean` removes them.
test test-slow: export JAX_COMPILATION_CACHE_DIR := $(CURDIR)/$(VENV)/compiled

CANDIDATES := $(or $(PYTHON),python3 python python3.14 python3.13 python3.12 python3.11)

.PHONY: run test test-slow lint format docs bench lock clean help

help:
	@sed -n 's/^# //p' Makefile | head -2
	@echo 'make test-slow | lint | format | docs | bench | lock | clean'

run: $(READY)
	$(BIN)/hawkesjax demo $(ARGS)

test: $(READY)
	$(BIN)/python -m pytest $(SHARED) $(ARGS)

test-slow: $(READY)
	$(BIN)/python -m pytest $(SHARED) -m slow $(ARGS)

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright --pythonpath $(BIN)/python

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The site, in docs/_build/html; cells run again where they have changed, all after `make clean`.
docs: $(READY)
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html $(ARGS)

bench: $(READY)
	$(BIN)/python -m benchmarks.likelihood $(ARGS)
	$(BIN)/python -m benchmarks.mle $(ARGS)
	$(BIN)/python -m benchmarks.nuts $(ARGS)

# The one set-up; it is repeated when what it installs has changed.
$(READY): pyproject.toml requirements.lock .ci/bootstrap.py
	@for python in $(CANDIDATES); do \
	  if "$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    "$$python" .ci/bootstrap.py $(VENV) && touch $@; exit $$?; \
	  fi; \
	done; \
	echo "hawkesjax needs Python 3.11 or newer with venv (on Debian: python3-venv); tried: $(CANDIDATES)." >&2; \
	exit 1

# Re-resolves requirements.lock: hashes, no addresses, one file for all supported Pythons.
lock: $(READY)
	$(BIN)/python .ci/bootstrap.py --lock $(ARGS)

clean:
	rm -rf $(VENV) .uv .pytest_cache .ruff_cache .hypothesis build dist docs/_build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

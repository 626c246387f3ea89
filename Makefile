# All that a newcomer types: make demo, make up, make test. Everything lives in .venv and ./data.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
ARGS ?=
DB ?= sqlite
NAME ?=
T ?=

.PHONY: up demo fault test check bench pins clean

up: $(VENV)/.server
	@$(BIN)/watchpost up $(ARGS)

# A Django shop, Watchpost that watches it, and a menu of what to break. In another terminal: make fault NAME=site_down
demo: $(VENV)/.demo
	@$(BIN)/python -m patient demo $(ARGS)

fault: $(VENV)/.demo
	@$(BIN)/python -m patient fault $(NAME)

# Server, agent and patient are projects of their own, with settings of their own: three runs. T: only these tests.
# The patient's menus mostly wait for the next look: each has a shop of its own, and they run side by side.
test: $(VENV)/.dev
ifeq ($(T),)
	@DB=$(DB) $(BIN)/python -m pytest server
	@cd agent && DB=$(DB) ../$(BIN)/python -m pytest
	@cd patient && ../$(BIN)/python -m pytest -n 2 --dist loadfile
else ifneq ($(filter agent%,$(T)),)
	@cd agent && DB=$(DB) ../$(BIN)/python -m pytest $(patsubst agent/%,%,$(patsubst agent,.,$(T)))
else ifneq ($(filter patient%,$(T)),)
	@cd patient && ../$(BIN)/python -m pytest $(patsubst patient/%,%,$(patsubst patient,.,$(T)))
else
	@DB=$(DB) $(BIN)/python -m pytest $(T)
endif

check: $(VENV)/.dev
	@$(BIN)/ruff check server agent bench patient && $(BIN)/ruff format --check server agent bench patient
	@cd server/src && PYTHONPATH=../../agent/src ../../$(BIN)/lint-imports --config ../../pyproject.toml
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q server/tests/architecture

bench: $(VENV)/.dev
	@$(BIN)/python bench/run.py $(NAME)

pins: $(VENV)/bin/uv
	@for set in server demo dev "older --no-deps"; do $(UV) pip compile --quiet --generate-hashes --no-emit-index-url --no-header --no-annotate --universal --python-version 3.11 $$(expr "$$set" : '.*\(--no-deps\)') requirements/$${set%% *}.in -o requirements/$${set%% *}.txt; done

$(VENV)/bin/uv:
	@$(PYTHON) -c 'import sys; sys.exit("Watchpost needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Set PYTHON=/path/to/python3.11") if sys.version_info < (3, 11) else None'
	@$(PYTHON) -m venv $(VENV) || { echo "Python's venv module is missing: install it (Debian: apt install python3-venv)"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

$(VENV)/.server: requirements/server.txt pyproject.toml agent/pyproject.toml | $(VENV)/bin/uv
	@VIRTUAL_ENV=$(VENV) UV_PYTHON_DOWNLOADS=never $(UV) pip install --quiet --require-hashes -r requirements/server.txt
	@VIRTUAL_ENV=$(VENV) UV_PYTHON_DOWNLOADS=never $(UV) pip install --quiet --no-deps -e . -e agent
	@touch $@

$(VENV)/.demo: requirements/demo.txt $(VENV)/.server
	@VIRTUAL_ENV=$(VENV) UV_PYTHON_DOWNLOADS=never $(UV) pip install --quiet --require-hashes -r requirements/demo.txt
	@touch $@

$(VENV)/.dev: requirements/dev.txt requirements/older.txt $(VENV)/.server
	@VIRTUAL_ENV=$(VENV) UV_PYTHON_DOWNLOADS=never $(UV) pip install --quiet --require-hashes -r requirements/dev.txt
	@VIRTUAL_ENV=$(VENV) UV_PYTHON_DOWNLOADS=never $(UV) pip install --quiet --require-hashes --no-deps --target $(VENV)/older -r requirements/older.txt
	@touch $@

clean:
	rm -rf $(VENV)

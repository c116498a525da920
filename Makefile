# Works from a fresh clone on Debian and Ubuntu with Python >= 3.11, make and gcc.

PYTHON ?= python3
VENV ?= .venv
MUJOCO_GL ?= egl
export INSTRUCTION MUJOCO_GL

BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

DOCS := $(VENV)/.docs

.PHONY: help demo test test-fast lint docs libero reproduce venv clean

help:
	@echo "make demo [INSTRUCTION='...'] [CONSOLE=1]  the simulated arm carries an instruction out"
	@echo "make test                      linters, type check, import order and all tests"
	@echo "make test-fast                 the tests that need no model, simulation or real time"
	@echo "make lint                      the checks without the tests"
	@echo "make docs                      build the documentation into site/"
	@echo "make libero                    install LIBERO and show one task of each of its suites"
	@echo "make reproduce                 train a checkpoint like the shipped one from nothing"
	@echo "make venv                      only set up $(VENV)"
	@echo "make clean                     remove $(VENV) and everything built"

demo: venv
	$(BIN)/kinevla demo $(if $(INSTRUCTION),"$$INSTRUCTION") $(if $(CONSOLE),--console)

test: lint
	$(BIN)/pytest

test-fast: venv
	$(BIN)/pytest -m "not slow"

lint: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy kinevla_ros
	$(BIN)/lint-imports --no-logo

docs: $(DOCS)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build

libero: venv
	scripts/libero.sh "$(VENV)"
	$(BIN)/python examples/7_libero.py

reproduce: venv
	PATH="$(abspath $(BIN)):$$PATH" scripts/reproduce.sh

venv: $(INSTALLED)

$(INSTALLED): scripts/setup.sh setup.py pyproject.toml requirements.txt \
		kinevla_ros/rosidl_build.py $(wildcard msg/*.msg srv/*.srv action/*.action)
	scripts/setup.sh "$(VENV)" "$(PYTHON)"
	touch $@

$(DOCS): $(INSTALLED)
	$(BIN)/pip install --editable '.[docs]'
	touch $@

clean:
	rm -rf "$(VENV)" build dist install log site *.egg-info kinevla_ros/action kinevla_ros/msg kinevla_ros/srv kinevla_ros/*.so
	rm -rf .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

# Every target sets up .venv itself and can be repeated. `make` alone lists them.
PYTHON ?= python3
PY := .venv/bin/python

.PHONY: help demo test bench bench-quick lint docs clean venv
.DEFAULT_GOAL := help
.NOTPARALLEL:

help:
	@echo "make demo    factorise 400 photographs of faces; prints the path of the report"
	@echo "make test    run every test"
	@echo "make bench   time partwise against its rivals on real data; bench-quick: small data, under 5 minutes"
	@echo "make lint    run the checkers: ruff, mypy, import-linter"
	@echo "make docs    build the documentation into site/"
	@echo "make clean   remove .venv and what the targets built"

demo: install-demo
	@.venv/bin/partwise demo faces --out partwise-demo

test: install-test
	@$(PY) -m pytest -n auto --dist loadfile

bench: install-bench
	@$(PY) -m benchmarks all

bench-quick: install-bench
	@$(PY) -m benchmarks quick

lint: install-test
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check
	@.venv/bin/mypy
	@.venv/bin/lint-imports

docs: install-docs
	@$(PY) -m sphinx -q -W --keep-going -b html docs site
	@echo "$(CURDIR)/site/index.html"

clean:
	rm -rf .venv site partwise-demo .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

# An extra counts as installed only when pip has finished after the last change of pyproject.toml.
install-%: venv
	@test .venv/.stamp-$* -nt pyproject.toml || { \
		echo "Installing partwise[$*] into .venv …"; \
		$(PY) -m pip install --quiet --disable-pip-version-check --editable ".[$*]" && touch .venv/.stamp-$*; }

# A .venv that was interrupted while it was made, or whose Python has gone, cannot run pip: it is made anew.
venv:
	@$(PY) -c 'import sys, pip; assert sys.version_info >= (3, 11)' 2>/dev/null || { \
		$(check_python); \
		rm -rf .venv && $(PYTHON) -m venv .venv; }

define check_python
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	echo "partwise needs Python 3.11 or newer, which $(PYTHON) is not: install one and name it, for example" \
		"make demo PYTHON=python3.12." >&2; exit 1; }; \
$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	echo "partwise needs the venv module, which $(PYTHON) lacks: install it" \
		"(on Debian and Ubuntu: apt install python3-venv)." >&2; exit 1; }
endef

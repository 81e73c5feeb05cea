# chokepoint: two commands from a fresh clone, `make run` and `make test`.
#
#   make run        venv in .venv, pinned install, the history world, summary on screen, report in runs/history
#   make test       every test but the long suites (a seeded tenth of those), under ten minutes on two cores
#   make test-all   the long suites too, what is timed by itself, then the short ones again on Python 3.12 and 3.13 where present
#   make lint       ruff and mypy
#
# VENV=folder uses another venv; PYTHON=command makes it with another Python (3.11 or newer).

VENV ?= .venv
PYTHON ?= $(shell for p in python3.11 python3 python3.12 python3.13; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && break; done)

# What is installed is named by what asked for it, so a venv is filled once and again only when the lists change.
KEY := $(shell cat pyproject.toml constraints.txt | cksum | tr ' ' -)
FOR_RUN := $(VENV)/.installed-$(KEY)
FOR_TEST := $(VENV)/.installed-test-$(KEY)
PIP_INSTALL = $(VENV)/bin/python -m pip install --quiet --no-input --disable-pip-version-check -c constraints.txt

.PHONY: run install install-test test test-all test-other lint clean
.NOTPARALLEL:

run: $(FOR_RUN)
	@PYTHONDONTWRITEBYTECODE= $(VENV)/bin/chokepoint run history --out runs/history

install: $(FOR_RUN)

install-test: $(FOR_TEST)

test: $(FOR_TEST)
	@$(VENV)/bin/python -m pytest -m "not slow" -n 2 --dist loadfile -rs

test-all: $(FOR_TEST) lint
	@$(VENV)/bin/python -m pytest -m "not alone" -n 2 --dist loadfile -rs
	@$(VENV)/bin/python -m pytest -m alone -rs
	@for v in 3.12 3.13; do \
		p=$$(ls $$(command -v python$$v) $$HOME/.pyenv/versions/$$v*/bin/python$$v 2>/dev/null | while read -r p; do \
			$$p -c pass >/dev/null 2>&1 && echo $$p && break; done); \
		if [ -n "$$p" ]; then $(MAKE) --no-print-directory test-other VENV=.venv-$$v PYTHON=$$p || exit 1; \
		else echo "Python $$v is not on this machine: its tests were not run"; fi; done

test-other: $(FOR_TEST)
	@echo "Tests on $$($(VENV)/bin/python --version)"
	@$(VENV)/bin/python -m pytest -m "not slow and not browser" -n 2 --dist loadfile -rs

lint: $(FOR_TEST)
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/mypy

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "chokepoint needs Python 3.11 or newer; none was found. Name one: make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Making a venv in $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) || { echo "Python could not make a venv; on Debian or Ubuntu: apt-get install python3-venv"; exit 1; }

$(FOR_RUN): | $(VENV)/bin/python
	@echo "Installing chokepoint and its pinned libraries into $(VENV) (once; a minute or two)"
	@$(PIP_INSTALL) -e ".[viz,dask,analysis]"
	@touch $@

$(FOR_TEST): | $(VENV)/bin/python
	@echo "Installing chokepoint, its pinned libraries and the test tools into $(VENV) (once; a minute or two)"
	@$(PIP_INSTALL) -e ".[viz,dask,analysis,test]"
	@touch $@ $(FOR_RUN)

clean:
	rm -rf runs dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis

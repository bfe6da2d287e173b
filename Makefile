# Every target is one line that calls a script. Nothing is needed but make and Python 3.11 or later:
# the private environment in .venv/ makes itself.  Another Python: make PYTHON=python3.12 test

PYTHON ?= python3
RUN := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-upy lint bench soak fuzz powercut mutants manifests docs ram clean distclean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "%-11s %s\n", $$1, $$2}' Makefile

setup: .venv/ready ## make the private environment, nothing else

demo: .venv/ready ## watch an appliance live (PROFILE=energy ARGS="--seconds 20 --plain")
	@$(RUN) scripts/demo $(ARGS)

test: .venv/ready ## every test on both interpreters, with branch coverage
	@$(RUN) scripts/check $(ARGS)

test-upy: .venv/ready ## only what runs on real MicroPython
	@$(RUN) scripts/check --only micropython --only real $(ARGS)

lint: .venv/ready ## ruff, its formatter and codespell
	@$(RUN) scripts/lint $(ARGS)

bench: .venv/ready ## measure; writes bench/results.json
	@$(RUN) scripts/bench $(ARGS)

soak: .venv/ready ## 40 virtual days of dense random faults, shared among the profiles
	@$(RUN) scripts/soak $(ARGS)

fuzz: .venv/ready ## 20,000 hostile callers of the port of updates
	@$(RUN) scripts/fuzz $(ARGS)

powercut: .venv/ready ## cut the power at every change of the flash; no device may be lost
	@$(RUN) scripts/powercut $(ARGS)

mutants: .venv/ready ## prove that known bugs turn the suite red
	@$(RUN) scripts/mutants $(ARGS)

manifests: .venv/ready ## write manifest.mpf and manifest.ota from the imports of each main.py
	@$(RUN) scripts/manifests $(ARGS)

docs: .venv/ready ## write the generated pages of docs/
	@$(RUN) scripts/docs $(ARGS)

ram: .venv/ready ## heap per module of each profile, on MicroPython
	@$(RUN) scripts/ram $(ARGS)

clean: ## remove caches and reports; the environment and the fetched tools stay
	@$(PYTHON) scripts/clean

distclean: ## remove those too: back to a fresh clone
	@$(PYTHON) scripts/clean --all

.venv/ready: requirements.txt scripts/setup
	@$(PYTHON) scripts/setup

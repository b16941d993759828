# Everything that a person does with this checkout. Needs make, Python 3.11 or newer, and pip.
#   make run BOT_PYTHON=/path/to/python3.12     another interpreter
#   make run ARGS="--config bot.toml"           words for `bot run`
#   make test ARGS="-k approvals"               words for pytest

BOT_PYTHON ?=
UV ?= uv
# Tests wait for processes, deaths and disks three quarters of their time; more workers than
# processors fill it. Neighbours stay on one worker, which makes what they share (a browser, a
# database) once, and whoever is done takes half of what another has left.
WORKERS ?= $(shell echo $$(( $$(getconf _NPROCESSORS_ONLN) * 3 / 2 + 2 )))
SPREAD = -n $(WORKERS) --dist worksteal
ARGS ?=
PYTHON := $(or $(BOT_PYTHON),python3)
BIN := .venv/bin
export BOT_PYTHON

.DEFAULT_GOAL := help
.PHONY: help run test test-again test-long check bench lock setup setup-dev

help: ## what there is to make
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' Makefile | expand -t 20

run: setup ## install what is missing, then start the bot
	@exec $(BIN)/bot run $(ARGS)

setup: ## install what running needs, into .venv
	@$(PYTHON) .ci/install.py default

setup-dev: ## the same, and what testing needs
	@$(PYTHON) .ci/install.py dev

test: setup-dev ## all tests but the long ones
	@$(BIN)/python -m pytest $(SPREAD) $(ARGS)

test-again: setup-dev ## what failed in the last run, once more and alone
	@$(BIN)/python -m tests.again

test-long: setup-dev ## the long tests: more seeds, more kills
	@$(BIN)/python -m pytest $(SPREAD) -m long --timeout 3600 $(ARGS)

check: setup-dev ## style, types and floors
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

bench: setup-dev ## measure against the floors
	@$(BIN)/python -m bench $(ARGS)

# A release must have been public for two weeks before it is locked. Keeps the pins that still
# fit; `make lock UPGRADE=--upgrade` takes newer ones. Needs uv on this machine only.
COMPILE = $(UV) --no-config pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --only-binary :all: --exclude-newer "14 days" \
	--no-emit-index-url --no-header --no-annotate $(UPGRADE) pyproject.toml

lock: ## pin every package by hash again (needs uv)
	@command -v $(UV) >/dev/null || { echo "make lock needs uv: https://docs.astral.sh/uv/"; exit 1; }
	$(COMPILE) --extra default --extra dev -o requirements-dev.lock
	$(COMPILE) --extra default -c requirements-dev.lock -o requirements.lock
	$(COMPILE) -c requirements-dev.lock -o requirements-core.lock

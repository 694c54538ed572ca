# The developer's commands. `make` alone lists them.
SHELL := bash
.DEFAULT_GOAL := help
.PHONY: help setup dev demo serve eval test crash check-static check
bin := .venv/bin

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## make .venv, install the locked dependencies and a browser; then .venv/bin/vintedbot works
	@bash scripts/setup.sh run

demo: setup ## photos to listings on the bundled sandbox; with your own photos: make demo PHOTOS=~/Pictures/closet
	@$(bin)/vintedbot demo $${PHOTOS:+--photos "$${PHOTOS/#\~/$$HOME}"}

serve: setup ## the server, on port 5000; on another data folder: make serve DATA=~/closet
	@$(bin)/vintedbot $${DATA:+--data "$${DATA/#\~/$$HOME}"} serve

eval: setup ## how well photos are read, against DIR/truth.csv: make eval DIR=~/closet [TRUTH=FILE] [HTML=FILE]; the sample without DIR
	@$(bin)/vintedbot evaluate $${DIR:+"$${DIR/#\~/$$HOME}"} $$([ -n "$$DIR" ] || echo --sample) \
	  $${TRUTH:+--truth "$${TRUTH/#\~/$$HOME}"} $${HTML:+--html "$${HTML/#\~/$$HOME}"}

dev: ## like setup, with the tools for working on it
	@bash scripts/setup.sh dev

test: dev ## the whole test suite; a part of it: make test ARGS="tests/unit -k price"
	@$(bin)/pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

crash: dev ## kills the service around its publications and counts: make crash TRIALS=500
	@$(bin)/python -m tests.crash.harness --trials $(or $(TRIALS),20)

check-static: dev ## format, lint, types, layers
	@$(bin)/ruff format --check .
	@$(bin)/ruff check .
	@$(bin)/mypy
	@$(bin)/lint-imports

check: check-static test ## everything: what must pass before a commit is pushed

# Every target installs what it needs into .venv first; nothing else on the machine is touched.
# Variables work on the command line and in the environment: `make up PORT=8001 DATA_DIR=/srv/sms`.

PYTHON ?= python3
ARGS ?=
SEEDS ?= 200
SEED ?=
ROUNDS ?= 20
SECONDS ?= 60
RUN := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help up demo test sim crash load bench lint format provision pair hook phone clean

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: .venv/.runtime ## Start the whole service: PORT, BIND, DATA_DIR, DATABASE_URL… (docs/operating.md)
	@$(RUN) -m smsgate.up

demo: .venv/.runtime ## Show the main job end to end in a temporary folder
	@$(RUN) manage.py demo

test: .venv/.dev ## Run the tests on real servers; ARGS="-k name" picks some
	@tests/install_browser.sh
	@tests/dialects/clients/install_node.sh
	@tests/dialects/clients/install_java.sh
	@$(RUN) -m pytest -n 2 $(ARGS)

sim: .venv/.dev ## Play simulated worlds full of faults: SEEDS=1000, or one of them again: SEED=17
	@$(RUN) -m tests.simulation --seeds $(SEEDS) $(if $(SEED),--seed $(SEED))

crash: .venv/.dev ## Kill -9 of every process, again and again, under load: ROUNDS=100
	@$(RUN) -m tests.crash --rounds $(ROUNDS) $(if $(SEED),--seed $(SEED))

load: .venv/.dev ## 32 clients at full rate while PostgreSQL is restarted: SECONDS=60
	@$(RUN) -m tests.crash.load --seconds $(SECONDS)

bench: .venv/.dev ## Measure: figures beside the machine's limits; ROUNDS, ROWS, ONLY=bulk,drain
	@$(RUN) -m bench

# Django's settings want secrets and a database; the linters need neither, and must not make ./data.
lint: export SECRET_KEY = lint
lint: export PEPPER_1 = lint
lint: export DATABASE_URL = postgresql:///none?host=/nowhere
lint: export REDIS_URL = redis://127.0.0.1:1/0
lint: .venv/.dev ## Check style, types, imports and migrations
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy .
	.venv/bin/lint-imports
	$(RUN) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run

format: .venv/.dev ## Lay out the code as `make lint` wants it
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .

provision: .venv/.runtime ## Make an account and its keys: ARGS="NAME --json"
	@$(RUN) manage.py provision $(ARGS)

pair: .venv/.runtime ## Make a pairing code for a phone: ARGS="LICENSE_ID --json"
	@$(RUN) manage.py pair $(ARGS)

hook: .venv/.runtime ## Make a hook link, a URL that sends: ARGS="LICENSE_ID --json"
	@$(RUN) manage.py hook $(ARGS)

phone: .venv/.runtime ## Run the phone with a pretended SIM: ARGS="run"
	@$(RUN) manage.py phone $(ARGS)

clean: ## Remove .venv and the caches; your data stays
	rm -rf .venv tests/dialects/clients/node/node_modules tests/dialects/clients/java/lib .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -path ./data -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

# Stamps: an install runs again when its list has changed. What it says goes to standard error, so
# that `make provision` prints nothing but its answer.
.venv/.runtime: requirements.txt
	@PYTHON='$(PYTHON)' deploy/install.sh requirements.txt
	@touch $@

.venv/.dev: requirements-dev.txt requirements.txt
	@PYTHON='$(PYTHON)' deploy/install.sh requirements-dev.txt
	@touch .venv/.runtime $@

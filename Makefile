# Every target installs what it needs into .venv first; nothing else on the machine is touched.
# Variables work on the command line and in the environment: `make up PORT=8001 DATA_DIR=/srv/sms`.

PYTHON ?= python3
ARGS ?=
SEEDS ?= 200
SEED ?=
ROUNDS ?= 20
SECONDS ?= 60
PHONE ?= python
PHONE_JAR := android-agent/cli/target/phone.jar
RUN := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help up demo test sim crash load fuzz bench bench-keys lint format provision pair hook backup restore phone agent-test agent-crash apk clean

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: .venv/.runtime ## Start the whole service: PORT, BIND, DATA_DIR, DATABASE_URL… (docs/operating.md)
	@$(RUN) -m smsgate.up

demo: .venv/.runtime $(if $(filter kotlin,$(PHONE)),$(PHONE_JAR)) ## Show the main job end to end; PHONE=kotlin: with the agent
	@$(RUN) manage.py demo --phone $(PHONE)

test: .venv/.dev ## Run the tests on real servers; ARGS="-k name" picks some
	@tests/install_browser.sh
	@tests/dialects/clients/install_node.sh
	@tests/dialects/clients/install_java.sh
	@$(RUN) -m pytest -n 2 --dist worksteal $(ARGS)

sim: .venv/.dev ## Play simulated worlds full of faults: SEEDS=1000, or one of them again: SEED=17
	@$(RUN) -m tests.simulation --seeds $(SEEDS) $(if $(SEED),--seed $(SEED))

crash: .venv/.dev ## Kill -9 of every process, again and again, under load: ROUNDS=100
	@$(RUN) -m tests.crash --rounds $(ROUNDS) $(if $(SEED),--seed $(SEED))

load: .venv/.dev ## 32 clients at full rate while PostgreSQL is restarted: SECONDS=60
	@$(RUN) -m tests.crash.load --seconds $(SECONDS)

fuzz: .venv/.dev ## Let schemathesis loose on every route, as four callers: SECONDS=60 for each
	@FUZZ_SECONDS=$(SECONDS) $(RUN) -m pytest -n 2 tests/http_api/test_fuzz.py $(ARGS)

bench: .venv/.dev ## Measure: figures beside the machine's limits; ROUNDS, ROWS, ONLY=bulk,drain
	@$(RUN) -m bench

bench-keys: .venv/.runtime ## Measure whether the time of an answer tells known keys from unknown ones
	@$(RUN) -m bench.key_timing

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

backup: .venv/.runtime ## Write data and secrets into one file, also while it runs: ARGS="FILE"
	@$(RUN) -m smsgate.backup $(ARGS)

restore: .venv/.runtime ## Make an empty DATA_DIR from a backup; what may have been sent is held: ARGS="FILE"
	@$(RUN) -m smsgate.backup --restore $(ARGS)

phone: .venv/.runtime ## Run the phone with a pretended SIM: ARGS="run"
	@$(RUN) manage.py phone $(ARGS)

agent-test: .venv/.runtime ## Run the tests of the Android agent: core, laptop phone and app
	@android-agent/tools/maven.sh verify
	@$(RUN) android-agent/tools/crash_rounds.py --rounds 5

agent-crash: .venv/.runtime $(PHONE_JAR) ## Kill the agent at each step of its journal, on the live service: ROUNDS
	@$(RUN) android-agent/tools/crash_rounds.py --rounds $(ROUNDS)

$(PHONE_JAR): phone/journal.sql $(shell find android-agent -name pom.xml -o -path '*/src/main/*.kt' -not -path '*/app/*')
	@android-agent/tools/maven.sh package --projects cli --also-make -DskipTests
	@touch $@

apk: ## Build and sign the Android app: DATA_DIR/apk/smsgate.apk (docs/phone.md)
	@android-agent/tools/apk.sh

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

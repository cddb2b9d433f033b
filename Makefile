# Every target installs what it needs into .venv first; nothing else on the machine is touched.
# Variables work on the command line and in the environment: `make up PORT=8001 DATA_DIR=/srv/sms`.

PYTHON ?= python3
ARGS ?=
SEEDS ?= 200
SEED ?=
ONLY ?=
ALL ?=
ROUNDS ?= 20
ROWS ?= 1000000
SECONDS ?= 60
PHONE ?= python
APPS := smsgate http_api licenses members outbox messaging contacts companion_api webhooks privacy bitrix24 dialects console protocol
PHONE_JAR := android-agent/cli/target/phone.jar
RUN := .venv/bin/python
LOCKED := --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --custom-compile-command 'make lock'

.DEFAULT_GOAL := help
.PHONY: help up restart dev demo check test test-slow sim crash crash-import load pooler rolling failover noise network clients-test n8n-test pictures fuzz bench growth bench-keys containers fresh-machines lint lock format provision pair hook backup restore phone agent-test agent-crash apk clean

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: .venv/.runtime ## Start the whole service: PORT, BIND, DATA_DIR, DATABASE_URL… (docs/operating.md)
	@$(RUN) -m smsgate.supervisor.up

restart: .venv/.runtime ## Replace the processes that `make up` runs, after an upgrade or with other settings: no request fails
	@$(RUN) -m smsgate.supervisor.restart

dev: .venv/.dev ## As `make up`, and start anew whenever a file of the product has changed
	@.venv/bin/watchfiles --sigint-timeout 30 '$(RUN) -m smsgate.supervisor.up' $(APPS)

demo: .venv/.runtime $(if $(filter kotlin,$(PHONE)),$(PHONE_JAR)) ## Show the main job end to end; PHONE=kotlin: with the agent
	@$(RUN) manage.py demo --phone $(PHONE)

test: .venv/.dev ## Run the tests on real servers; ARGS="-k name" picks some
	@$(RUN) -m pytest $(if $(findstring -k,$(ARGS)),,-n 2 --dist worksteal) -m "not slow" $(ARGS)

test-slow: .venv/.dev ## Run the tests that take long: others' clients, crashes, backups, removed rules
	@$(RUN) -m pytest -n 2 --dist worksteal -m slow $(ARGS)

sim: .venv/.dev ## Play simulated worlds full of faults: SEEDS=1000, or one of them again: SEED=17
	@$(RUN) -m tests.simulation --seeds $(SEEDS) $(if $(SEED),--seed $(SEED))

crash: .venv/.dev ## Kill -9 of every process, again and again, under load: ROUNDS=100
	@$(RUN) -m tests.crash --rounds $(ROUNDS) $(if $(SEED),--seed $(SEED))

crash-import: .venv/.dev ## Kill -9 of the worker, again and again, while it imports a file: ROWS=100000
	@$(RUN) -m tests.crash.imports $(if $(filter command environment,$(firstword $(origin ROWS))),--rows $(ROWS)) $(if $(SEED),--seed $(SEED))

load: .venv/.dev ## 32 clients at full rate while PostgreSQL is restarted: SECONDS=60
	@$(RUN) -m tests.crash.load --seconds $(SECONDS)

pooler: .venv/.dev ## Run the tests of messages and phones, and `make load`, through PgBouncer in transaction mode
	@TESTS_POOLER=1 $(RUN) -m pytest -n 2 --dist worksteal -m "not slow" --reuse-db tests/companion_api tests/licenses tests/messaging tests/webhooks $(ARGS)
	@$(RUN) -m tests.crash.load --pooler --seconds $(SECONDS)

rolling: .venv/.dev ## Replace web processes under load, behind HAProxy and by `make restart`: no request may fail
	@$(RUN) -m tests.rolling

failover: .venv/.dev ## Kill, move and lose the primary of two PostgreSQL servers under Patroni, under load
	@$(RUN) -m tests.failover $(ARGS)

network: .venv/.dev ## Freeze, cut and refuse Redis and PostgreSQL over a network, and set the clock
	@$(RUN) -m pytest -n 2 --dist loadfile tests/network/*_stories.py $(ARGS)

clients-test: .venv/.dev ## Make clients of the OpenAPI document, run them against a live server, and lint it
	@$(RUN) -m pytest -rs tests/generated_clients/stories.py $(ARGS)

n8n-test: .venv/.dev ## Run the n8n node (n8n-node/) in the real n8n, against the service: fetches 3.5 GB
	@$(RUN) -m pytest -rs tests/n8n/stories.py $(ARGS)

containers: .venv/.dev ## Run the image and docker-compose.yml: kill, scale, upgrade, restore (as root, with podman)
	@$(RUN) -m tests.containers

fresh-machines: .venv/.dev ## Run demo and tests on Debian 12, 13 and sid (as root, with podman): ALL=1, ONLY=sid
	@ARGS='$(ARGS)' ONLY='$(ONLY)' ALL='$(ALL)' $(RUN) -m tests.containers.fresh

noise: .venv/.dev ## One caller makes all the noise it can; another account's send is timed
	@$(RUN) -m tests.noise

pictures: .venv/.dev ## Take the pictures of docs/console.md anew
	@$(RUN) -m pytest tests/console/pictures.py

fuzz: .venv/.dev ## Let schemathesis loose on every route, as four callers: SECONDS=60 for each
	@FUZZ_SECONDS=$(SECONDS) $(RUN) -m pytest -n 2 tests/http_api/test_fuzz.py $(ARGS)

bench: .venv/.dev ## Measure: figures beside the machine's limits; ROUNDS, ONLY=bulk,drain
	@$(RUN) -m bench

growth: .venv/.dev ## Measure each list, page and task while the messages grow: ROWS=10000000
	@ROWS='$(ROWS)' $(RUN) -m bench.growth

bench-keys: .venv/.runtime ## Measure whether the time of an answer tells known keys from unknown ones
	@$(RUN) -m bench.key_timing

# Django's settings want secrets and servers; here is neither, and ./data must not be made.
check lint: export SECRET_KEY = lint
check lint: export PEPPER_1 = lint
lint: export METRICS_TOKEN = lint
check lint: export DATABASE_URL = postgresql:///none?host=/nowhere
check lint: export REDIS_URL = redis://127.0.0.1:1/0
check: lint ## Run lint and the tests that need no server: what to run before a commit
	@$(RUN) -m pytest -q -n 2 --dist worksteal -m "pure and not slow" $(ARGS)

lint: .venv/.dev ## Check style, types, imports and migrations
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy .
	.venv/bin/lint-imports
	$(RUN) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run

lock: .venv/.dev ## Write the lists of packages, with all that they pull in and their hashes, from *.in
	.venv/bin/uv pip compile $(LOCKED) --output-file requirements.txt requirements.in
	.venv/bin/uv pip compile $(LOCKED) --output-file requirements-mcp.txt requirements-mcp.in
	.venv/bin/uv pip compile $(LOCKED) --output-file requirements-dev.txt requirements-dev.in
	cd tests/generated_clients/python && ../../../.venv/bin/uv pip compile $(LOCKED) --output-file requirements.txt requirements.in

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
	@$(RUN) -m smsgate.operations.backup $(ARGS)

restore: .venv/.runtime ## Make an empty DATA_DIR from a backup; what may have been sent is held: ARGS="FILE"
	@$(RUN) -m smsgate.operations.backup --restore $(ARGS)

phone: .venv/.runtime ## Run the phone with a pretended SIM: ARGS="run"
	@$(RUN) manage.py phone $(ARGS)

agent-test: .venv/.runtime ## Check the Android agent's style and run its tests: core, laptop phone and app
	@android-agent/tools/ktlint.sh
	@android-agent/tools/maven.sh verify
	@$(RUN) android-agent/tools/crash_rounds.py --rounds 5

agent-crash: .venv/.runtime $(PHONE_JAR) ## Kill the agent at each step of its journal, on the live service: ROUNDS
	@$(RUN) android-agent/tools/crash_rounds.py --rounds $(ROUNDS)

$(PHONE_JAR): protocol/journal.sql $(shell find android-agent -name pom.xml -o -path '*/src/main/*.kt' -not -path '*/app/*')
	@android-agent/tools/maven.sh package --projects cli --also-make -DskipTests
	@touch $@

apk: ## Build and sign the Android app: DATA_DIR/apk/smsgate.apk (docs/phone.md)
	@android-agent/tools/apk.sh

clean: ## Remove .venv and the caches; your data stays
	rm -rf .venv tests/generated_clients/node/node_modules tests/generated_clients/python/.venv tests/generated_clients/*/.cache n8n-node/node_modules n8n-node/dist tests/n8n/node_modules tests/dialects/clients/node/node_modules tests/dialects/clients/java/lib .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -path ./data -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

# Stamps: an install runs again when its list has changed. What it says goes to standard error, so
# that `make provision` prints nothing but its answer.
.venv/.runtime: requirements.txt
	@PYTHON='$(PYTHON)' deploy/install.sh requirements.txt
	@touch $@

.venv/.dev: requirements-dev.txt
	@PYTHON='$(PYTHON)' deploy/install.sh requirements-dev.txt
	@touch .venv/.runtime $@

# `make help` lists what this offers. Every target sets up what it needs: .venv, from the lock in requirements/.

PYTHON ?= python3
N ?= 20000

VENV := .venv
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup run demo test test-end-to-end test-all-others check package-check policy chaos bench asl deploy lock clean preflight smoke destroy

# The tools of .venv come first for everything that is started from here, `sam build` and its pip included.
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export SAM_CLI_TELEMETRY := 0
# Nobody's AWS profile has a part in the checks and tests.
OFFLINE := AWS_DEFAULT_REGION=us-east-1 AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_EC2_METADATA_DISABLED=true
# Some tests are named for a set, whose order must be the same in every process.
PYTEST := $(OFFLINE) PYTHONDONTWRITEBYTECODE=1 PYTHONHASHSEED=0 PYTHONUNBUFFERED=1 python -m pytest
COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras \
	--no-annotate --no-header $(if $(UPGRADE),--upgrade)
# The stamp carries the version of Python, so that another PYTHON= makes another .venv.
PYTHON_VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null || echo none)
READY := $(VENV)/.ready-$(PYTHON_VERSION)
CHECKOV := $(VENV)/checkov

help:  ## Show this list
	@echo "Usage: make <target> [PYTHON=python3.13]"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(READY)  ## Make .venv with all tools as locked (done by itself where needed)

$(READY): requirements/setup.txt requirements/dev.txt src/requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Python 3.11 or newer is needed; '$(PYTHON)' is $(PYTHON_VERSION). Say which: make $(or $(MAKECMDGOALS),setup) PYTHON=/path/to/python3.13" >&2; exit 1; }
	@echo "Setting up $(VENV) with Python $(PYTHON_VERSION)"
	@rm -rf $(VENV)
	@PATH="$${PATH#*:}" $(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/setup.txt
	@$(VENV)/bin/uv pip sync --quiet --python $(VENV)/bin/python --require-hashes requirements/setup.txt requirements/dev.txt
	@$(VENV)/bin/python -m pip download --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary :all: \
		--platform any --implementation py --abi none --python-version 3.11 \
		--dest $(VENV)/wheels --requirement src/requirements.txt
	@touch $@

run: $(READY)  ## Start everything on this machine, run one class before your eyes, stay up for yours
	@python -m local run

demo: $(READY)  ## Run one class from start to stop on this machine; exit 0 only if it was on time
	@python -m local demo

test: $(READY)  ## Run every test, the end-to-end ones on the emulator included
ifdef PYTEST_ARGS
	@$(PYTEST) $(PYTEST_ARGS)
else
	@$(MAKE) --no-print-directory --jobs=2 test-end-to-end test-all-others
endif

# Both at once: the end-to-end tests mostly wait, many at a time, on one stack. The others keep every core busy and give
# way to them (nice), so that what happens on the stack happens on time.
test-end-to-end: $(READY)
	@$(PYTEST) --numprocesses=6 tests/e2e $(call labelled,end to end)

test-all-others: $(READY)
	@nice env $(PYTEST) --numprocesses=auto --dist=worksteal --ignore=tests/e2e $(call labelled,all others)

# By the shell, line by line: awk and sed keep what they read until it is a block of it.
labelled = 2>&1 | while IFS= read -r line; do echo "$(1) | $$line"; done

check: $(READY) package-check policy  ## Lint, types, template, policies and packages
	ruff check .
	ruff format --check .
	mypy
	cfn-lint template.yaml
	$(OFFLINE) sam validate --lint

package-check: $(READY)  ## Prove that each built Lambda package imports with its own folder and boto3 alone
	python -m local packages

# checkov exits 0 with a template that it can't parse, although it has checked nothing.
policy: $(CHECKOV)/.ready  ## Hold the template to checkov's policies (.checkov.yaml), without asking the network
	$(OFFLINE) LOG_LEVEL=ERROR $(CHECKOV)/bin/checkov --config-file .checkov.yaml \
		| awk '{ print } /Parsing errors: / { failed = 1 } END { exit failed }'

$(CHECKOV)/.ready: requirements/checkov.txt $(READY)
	@uv venv --quiet --clear --python $(VENV)/bin/python $(CHECKOV)
	@uv pip sync --quiet --python $(CHECKOV)/bin/python --require-hashes requirements/checkov.txt
	@touch $@

chaos: $(READY)  ## Drive the simulated scheduler through N random, faulty days (N=20000 SEED=…)
	@PYTHONHASHSEED=0 PYTHONPATH=src python -m tests.simulation.chaos --examples $(N) $(if $(SEED),--seed $(SEED))

asl: $(READY)  ## Write the one-time scheduler's definition to build/, for the AWS CLI alone (FUNCTION_ARN=…)
	@python -m local.asl "$(FUNCTION_ARN)"

bench: $(READY)  ## Measure what docs/performance.md claims, and write it there (BENCH="cold_start cost" for some of it)
	@PYTHONPATH=src python -m benchmarks $(BENCH)

preflight: $(READY)  ## Look at the account, deploying nothing: what would stop or starve the stack (CONFIG_ENV=prod)
	@python -m operations preflight $(if $(CONFIG_ENV),--config-env "$(CONFIG_ENV)")

deploy: $(READY)  ## Build and deploy to AWS, asking for what it needs to know (CONFIG_ENV=prod)
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL sam build
	sam deploy --guided $(if $(CONFIG_ENV),--config-env "$(CONFIG_ENV)")
	@python -m operations protect $(if $(CONFIG_ENV),--config-env "$(CONFIG_ENV)")

smoke: $(READY)  ## Prove on a deployed, disposable stack what only AWS can show, in eight minutes (STACK=…)
	@python -m operations smoke "$(STACK)"

destroy: $(READY)  ## Take a stack away, its waiting executions included (STACK=…, YES=1 does not ask)
	@python -m operations destroy "$(STACK)" $(if $(YES),--yes)

lock: $(READY)  ## Lock the requirements again (UPGRADE=1 takes the newest versions)
	$(COMPILE) requirements/setup.in -o requirements/setup.txt
	$(COMPILE) requirements/dev.in -o requirements/dev.txt
	$(COMPILE) --no-deps -c requirements/dev.txt requirements/runtime.in -o src/requirements.txt
	$(COMPILE) requirements/checkov.in -o requirements/checkov.txt

clean:  ## Remove everything that was made here
	rm -rf $(VENV) .local .aws-sam build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -type d -name __pycache__ -prune -exec rm -rf {} +

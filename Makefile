# make demo: a virtual environment in .venv, rproxy in it, and the demo on 127.0.0.1:8080.
# make test: what tests need, then lint, format, types and tests. `make help` lists the rest.

# The first that is new enough. To choose another one: make demo PYTHON=python3.12
PYTHON ?= $(or $(shell for python in python3 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$python" && break; done),python3)
CONFIG ?= configs/demo.toml
TESTS ?=
TARGET ?= request response chunks proxy_header client_hello config
SECONDS ?= 60

BIN := $(CURDIR)/.venv/bin
# Managed backends are started as `python -m …`: with this PATH that is the Python of the environment, as in an
# activated one.
IN_VENV := PATH="$(BIN):$$PATH"

# program:package of Debian; the tests talk to these.
PROGRAMS := curl:curl openssl:openssl socat:socat zsh:zsh ffmpeg:ffmpeg wrk:wrk hey:hey h2load:nghttp2-client nginx:nginx haproxy:haproxy caddy:caddy slowhttptest:slowhttptest chromium:chromium chromedriver:chromium-driver \
	systemctl:systemd nsenter:util-linux promtool:prometheus beanstalkd:beanstalkd ruby:ruby

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo run install test check lint types tests fuzz format bench-tls programs clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*##/make \1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16

demo: install  ## install into .venv and run configs/demo.toml; Ctrl-C ends it
	@$(IN_VENV) exec rproxy --config configs/demo.toml

run: install  ## the same with another file: make run CONFIG=configs/tcp.toml
	@$(IN_VENV) exec rproxy --config $(CONFIG)

install: .venv/installed

# The stamps are older than pyproject.toml when what is installed may have changed.
.venv/installed: .venv/created pyproject.toml
	@echo "installing rproxy and the application servers of configs/ into .venv"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[servers]'
	@touch $@

.venv/installed-test: .venv/created pyproject.toml
	@echo "installing rproxy and what its tests need into .venv"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch .venv/installed $@

.venv/created:
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "rproxy needs Python 3.11 or newer, and $(PYTHON) is: $$("$(PYTHON)" --version 2>&1 | head -1)." >&2; \
		echo "Name another one: make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "making .venv with $$("$(PYTHON)" --version)"
	@"$(PYTHON)" -m venv .venv || { \
		echo "$(PYTHON) cannot make virtual environments; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@touch $@

test: programs .venv/installed-test  ## install what tests need, then lint, format, types, tests
	@$(MAKE) --no-print-directory check

check: lint types tests  ## the same without installing anything

lint:
	@test -x $(BIN)/ruff || { echo "the tools are not installed: make test does it" >&2; exit 1; }
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: lint
	$(BIN)/mypy

tests: types
	$(IN_VENV) python -m $(if $(TESTS),pytest $(TESTS),tests)

# What was found interesting is kept in .fuzz and used the next time.
fuzz:  ## random bytes into every parser: make fuzz TARGET=request SECONDS=600
	@test -x $(BIN)/ruff || { echo "the tools are not installed: make test does it" >&2; exit 1; }
	@for target in $(TARGET); do \
		echo "fuzzing $$target for $(SECONDS) s"; $(BIN)/python -m tests.fuzz $$target $(SECONDS) .fuzz || exit 1; done

format:  ## ruff: format, and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench-tls: .venv/installed-test  ## TLS beside nginx and HAProxy: CPU and rates; two CPUs, a few minutes
	@$(IN_VENV) python -m tests.bench.tls

programs:
	@missing=""; for pair in $(PROGRAMS); do \
		PATH="$$PATH:/usr/sbin:/sbin" command -v "$${pair%%:*}" >/dev/null || missing="$$missing $${pair##*:}"; done; \
	"$(PYTHON)" -c 'import ensurepip' 2>/dev/null || missing="$$missing python3-venv"; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "installing$$missing"; \
		apt-get update -qq; \
		DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends $$missing >/dev/null; \
	elif [ "$$CI" = true ]; then \
		echo "the tests need these programs:$$missing" >&2; exit 1; \
	else \
		echo "not installed, so some tests will be skipped:$$missing" >&2; \
		echo "on Debian and Ubuntu: sudo apt-get install$$missing" >&2; fi

clean:  ## remove .venv and everything that was made
	rm -rf .venv .fuzz build dist ./*.egg-info .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

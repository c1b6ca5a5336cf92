# `make` alone lists what can be done. The environment is made when first needed, and again when its description changes.

MODEL = vae
SET =
ARGS =
PYTHON ?=

BIN := .venv/bin
# Two stamps for one environment: what a run needs, and that with the test tools added. Inside .venv, so that they go with it.
READY := .venv/.ready
READY_FOR_TESTS := .venv/.ready-for-tests
DESCRIPTION := pyproject.toml uv.lock setup.py
# A Python named on the command line, an environment whose Python has gone, or one of another clone makes it anew.
ANEW := $(if $(filter command,$(origin PYTHON))$(if $(realpath $(BIN)/python),,gone)$(shell scripts/is_moved.sh && echo moved),anew)
SETTINGS = $(foreach setting,$(SET),--set '$(setting)')

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup run smoke test test-unit lint format doctor lock clean anew

help: ## Show this list
	@echo "make run          trains, judges and pushes a VAE on MNIST; everything else:"
	@echo
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

setup: $(READY) ## Make the environment .venv from uv.lock (PYTHON=python3.11 chooses the interpreter)

run: $(READY) ## Run the pipeline (MODEL=vae or ae, SET="trainer.epochs=3 trainer.seed=7" changes settings)
	@$(BIN)/tfx-vae run --config pipelines/configs/mnist_$(MODEL).yaml $(SETTINGS)

smoke: $(READY) ## Run the same pipeline on 2,000 images, in under two minutes
	@$(BIN)/tfx-vae run --config pipelines/configs/smoke.yaml $(SETTINGS)

doctor: $(READY) ## Say whether this machine can run it, and how to mend what stands in the way
	@$(BIN)/tfx-vae doctor

# The longest files first, so that neither process is left with one of them at the end.
test: $(READY_FOR_TESTS) ## Run all tests, within 15 minutes on two cores (ARGS="-k blessing" goes to pytest)
	@$(BIN)/python -m pytest tests/e2e tests/component tests/unit --numprocesses=2 --dist=loadfile --no-loadscope-reorder $(ARGS)

test-unit: $(READY_FOR_TESTS) ## Run the tests that need no pipeline, in under a minute
	@$(BIN)/python -m pytest tests/unit $(ARGS)

test test-unit: export TF_CPP_MIN_LOG_LEVEL = 3
test test-unit: export CUDA_VISIBLE_DEVICES = -1

lint: $(READY_FOR_TESTS) ## Check style, formatting, imports between packages, and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/mypy

format: $(READY_FOR_TESTS) ## Mend style and formatting
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: ## Bring uv.lock up to date with pyproject.toml (ARGS=--upgrade takes newer versions)
	scripts/uv.sh lock $(ARGS)

clean: ## Remove all that can be made again: environment, caches, build products; runs/ stays
	rm -rf .venv .tools build *.egg-info .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Once the test tools are there they stay, so that run and test do not undo each other's environment.
$(READY): $(DESCRIPTION) $(ANEW)
	@PYTHON='$(PYTHON)' scripts/setup.sh $(if $(wildcard $(READY_FOR_TESTS)),--extra dev)
	@touch $@ $(wildcard $(READY_FOR_TESTS))

$(READY_FOR_TESTS): $(DESCRIPTION) $(ANEW)
	@PYTHON='$(PYTHON)' scripts/setup.sh --extra dev
	@touch $(READY) $@

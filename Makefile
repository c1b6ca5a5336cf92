# `make` lists the targets. The environment is made when a target needs it, and updated when its description changes.

MODEL = vae
SET =
ARGS =
PYTHON ?=
GPU =

BIN := .venv/bin
# Two stamps for one environment: with the packages for a run, and also with the test tools. They are deleted with .venv.
READY := .venv/.ready
READY_FOR_TESTS := .venv/.ready-for-tests
DESCRIPTION := pyproject.toml uv.lock setup.py
# Make the environment again if PYTHON is given, if its Python no longer exists, or if the clone was moved or copied.
ANEW := $(if $(filter command,$(origin PYTHON))$(if $(realpath $(BIN)/python),,gone)$(shell scripts/is_moved.sh && echo moved),anew)
SETTINGS = $(foreach setting,$(SET),--set '$(setting)')

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup gpu run smoke test test-unit lint format doctor docs notebook lock wheel clean anew

help: ## Show this list
	@echo "make run          trains and evaluates a VAE on MNIST, and pushes it if it is good enough; all targets:"
	@echo
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

setup: $(READY) $(if $(GPU),gpu) ## Make the environment .venv from uv.lock (PYTHON=python3.11 chooses the interpreter, GPU=1 adds CUDA)

# In the versions that TensorFlow requires. Without --no-config the overrides in pyproject.toml would remove the extra.
gpu: $(READY) ## Add CUDA's libraries to the environment, 3 GB, as make setup GPU=1 does
	scripts/uv.sh pip install --no-config --python $(BIN)/python "tensorflow[and-cuda]"

run: $(READY) ## Run the pipeline (MODEL=vae or ae, SET="trainer.epochs=3 trainer.seed=7" changes settings)
	@$(BIN)/tfx-vae run --config pipelines/configs/mnist_$(MODEL).yaml $(SETTINGS)

smoke: $(READY) ## Run the same pipeline on 2,000 images, in under two minutes
	@$(BIN)/tfx-vae run --config pipelines/configs/smoke.yaml $(SETTINGS)

doctor: $(READY) ## Check whether this machine can run the pipeline, and say how to fix problems
	@$(BIN)/tfx-vae doctor

docs: $(READY_FOR_TESTS) ## Make the site of the documentation: build/site/index.html
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "The site is in build/site. To read it, and to search: python3 -m http.server --directory build/site"

notebook: $(READY_FOR_TESTS) ## Run notebooks/vae.ipynb, the tutorial, with the models in runs/, and keep its pictures in it
	@$(BIN)/jupyter-execute --inplace notebooks/vae.ipynb

# The slowest files first, so that both processes end at about the same time.
test: $(READY_FOR_TESTS) ## Run all tests, in about 25 minutes on two cores (ARGS="-k blessing" is passed to pytest)
	@$(BIN)/python -m pytest tests/e2e tests/component tests/unit --numprocesses=2 --dist=loadfile --no-loadscope-reorder $(ARGS)

test-unit: $(READY_FOR_TESTS) ## Run only the unit tests, in about two minutes
	@$(BIN)/python -m pytest tests/unit $(ARGS)

test test-unit: export TF_CPP_MIN_LOG_LEVEL = 3
test test-unit: export CUDA_VISIBLE_DEVICES = -1

lint: $(READY_FOR_TESTS) ## Check style, formatting, imports between packages, and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/mypy

format: $(READY_FOR_TESTS) ## Fix style and formatting
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: ## Update uv.lock after a change of pyproject.toml (ARGS=--upgrade takes newer versions)
	scripts/uv.sh lock $(ARGS)

wheel: ## Make dist/: a wheel, and requirements.txt, the exact packages that it needs
	rm -rf build dist
	scripts/uv.sh build --wheel --quiet --out-dir dist
	rm -rf build *.egg-info
	scripts/uv.sh export --frozen --no-emit-project --no-dev --no-hashes --no-annotate --quiet $(ARGS) --output-file dist/requirements.txt

clean: ## Delete the environment, caches and build products; runs/ stays
	rm -rf .venv .tools build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# If the test tools are installed, they stay, so that run and test do not change each other's environment.
$(READY): $(DESCRIPTION) $(ANEW)
	@PYTHON='$(PYTHON)' scripts/setup.sh $(if $(wildcard $(READY_FOR_TESTS)),--extra dev)
	@touch $@ $(wildcard $(READY_FOR_TESTS))

$(READY_FOR_TESTS): $(DESCRIPTION) $(ANEW)
	@PYTHON='$(PYTHON)' scripts/setup.sh --extra dev
	@touch $(READY) $@

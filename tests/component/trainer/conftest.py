"""Digits in every normalisation, transformed once for all tests of this folder, and a Python for their processes."""

import functools
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.digits import MODELS, PROJECT, Fitted, Trained, Transformed, fit, train, transform
from support.forked_python import forked_python


@pytest.fixture(scope="session")
def symmetric(digit_splits: dict[str, list[bytes]], tmp_path_factory: pytest.TempPathFactory) -> Transformed:
    """Digits normalised to [-1, 1]."""
    return transform(digit_splits, tmp_path_factory.mktemp("symmetric"), "symmetric")


@pytest.fixture(scope="session")
def standardized(digit_splits: dict[str, list[bytes]], tmp_path_factory: pytest.TempPathFactory) -> Transformed:
    """Digits normalised to mean 0 and variance 1."""
    return transform(digit_splits, tmp_path_factory.mktemp("standardize"), "standardize")


@pytest.fixture(scope="session")
def trained(standardized: Transformed, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Trained]:
    """Trains a model of `MODELS` on standardized digits, each once."""

    @functools.cache
    def train_once(kind: str) -> Trained:
        return train(standardized, tmp_path_factory.mktemp(kind), MODELS[kind], {"epochs": 4, "batch_size": 25})

    return train_once


@pytest.fixture(scope="session")
def fitted(transformed: Transformed, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Fitted]:
    """Trains a small model with settings as `fit` does, each combination once."""
    known: dict[str, Fitted] = {}

    def fit_once(model: dict[str, Any] | None = None, trainer: dict[str, Any] | None = None) -> Fitted:
        key = json.dumps([model, trainer])
        if key not in known:
            known[key] = fit(transformed, tmp_path_factory.mktemp("fitted"), model, trainer)
        return known[key]

    return fit_once


@pytest.fixture(scope="session")
def python() -> Iterator[Path]:
    """A Python that has imported all that a training needs, and knows the project and `support`."""
    modules = ["support.digits", "pipelines.kubeflow.workers"]
    with forked_python(modules, {**os.environ, "PYTHONPATH": f"{PROJECT}:{PROJECT / 'tests'}"}) as executable:
        yield executable

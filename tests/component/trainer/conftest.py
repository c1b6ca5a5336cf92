"""Digits in every normalisation, transformed once for all tests of this folder."""

import functools
import json
from collections.abc import Callable
from typing import Any

import pytest
from support.digits import Fitted, Trained, Transformed, fit, train, transform


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
    """Trains a small `vae`, with a mixture as its prior, or `ae` on standardized digits, each once."""

    @functools.cache
    def train_once(kind: str) -> Trained:
        prior = {"prior": "mixture", "prior_components": 3} if kind == "vae" else {}
        model, trainer = {"kind": kind, "latent_dim": 4, **prior}, {"epochs": 4, "batch_size": 25}
        return train(standardized, tmp_path_factory.mktemp(kind), model, trainer)

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

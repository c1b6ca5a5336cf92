"""Digits in every normalisation, transformed once for all tests of this folder."""

import functools
from collections.abc import Callable

import numpy as np
import pytest
from support.digits import SIZES, Trained, Transformed, raw_examples, read_digits, train, transform

from components.artifacts.features import SPLITS


@pytest.fixture(scope="session")
def digit_splits() -> dict[str, list[bytes]]:
    images = read_digits(sum(SIZES.values()))
    ends = np.cumsum(list(SIZES.values()))
    return {split: raw_examples(images[end - SIZES[split] : end]) for split, end in zip(SPLITS, ends, strict=True)}


@pytest.fixture(scope="session")
def transformed(digit_splits: dict[str, list[bytes]], tmp_path_factory: pytest.TempPathFactory) -> Transformed:
    """Digits normalised to [0, 1]."""
    return transform(digit_splits, tmp_path_factory.mktemp("unit"))


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

import numpy as np
import pytest
from support.model_fixtures import make_images, make_model, make_noise

__all__ = ["make_images", "make_model", "make_noise"]


@pytest.fixture
def random():
    """Numpy's generator of random numbers, the same for every test."""
    return np.random.default_rng(0)

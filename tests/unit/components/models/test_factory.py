import itertools

import numpy as np
import pytest

from components.models.autoencoder import Autoencoder
from components.models.vae import VariationalAutoencoder


@pytest.mark.parametrize(("kind", "expected"), [("ae", Autoencoder), ("vae", VariationalAutoencoder)])
def test_the_kind_names_the_class(make_model, kind, expected):
    assert type(make_model(kind=kind)) is expected


@pytest.mark.parametrize("network", ["dense", "conv"])
def test_the_same_seed_gives_the_same_weights(make_model, network):
    first, second = make_model(network=network, seed=5), make_model(network=network, seed=5)
    for one, other in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("network", ["dense", "conv"])
def test_another_seed_gives_other_weights_in_every_layer(make_model, network):
    first, second = make_model(network=network, seed=5), make_model(network=network, seed=6)
    kernels = [(one, other) for one, other in zip(first.variables, second.variables, strict=True) if one.name == "kernel"]
    assert len(kernels) >= 6
    for one, other in kernels:
        assert not np.any(one.numpy() == other.numpy())


def test_layers_of_one_shape_start_with_different_weights(make_model):
    model = make_model(hidden_units=(6, 6, 6))
    kernels = [variable.numpy() for variable in model.variables if variable.shape == (6, 6)]
    assert len(kernels) == 4
    for one, other in itertools.combinations(kernels, 2):
        assert not np.any(one == other)

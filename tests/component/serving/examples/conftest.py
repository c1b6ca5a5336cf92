"""A model of the size that the examples in serving/ are for, and what each signature should answer to them."""

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from support.digits import PROJECT, Transformed, train
from support.local_server import NAME, LocalServer, push, serving
from support.modules import load_script
from support.prediction_service import PredictionServer, predicting

from components.artifacts.loaded_model import LoadedModel
from tfx_vae.serving.server.limits import Limits

SERVING = PROJECT / "serving"
VERSION = 7
LATENT_DIM = 32


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """curl and gRPC go straight to this machine."""
    for name in ("no_proxy", "no_grpc_proxy"):
        monkeypatch.setenv(name, "localhost,127.0.0.1")


@pytest.fixture(scope="session")
def exported(transformed: Transformed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A VAE of digits with as many latent dimensions as the MNIST pipelines have."""
    return train(transformed, tmp_path_factory.mktemp("exported"), {"latent_dim": LATENT_DIM}, {"epochs": 1}).serving_model


@pytest.fixture(scope="session")
def model(exported: Path) -> LoadedModel:
    return LoadedModel(exported)


@pytest.fixture(scope="session")
def rest_server(exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """The server of `tfx-vae serve` over the model."""
    directory = tmp_path_factory.mktemp("serving")
    push(directory, exported, VERSION)
    with serving(directory, Limits()) as server:
        yield server


@pytest.fixture(scope="session")
def grpc_server(exported: Path) -> Iterator[PredictionServer]:
    """TensorFlow Serving's gRPC service over the model."""
    with predicting(NAME, VERSION, exported) as server:
        yield server


@pytest.fixture(scope="session")
def grpc_client() -> ModuleType:
    return load_script(SERVING / "grpc_client.py")

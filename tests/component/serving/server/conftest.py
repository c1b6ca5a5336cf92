"""A small model of digits and its server, and tiny models that can be told apart."""

import base64
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from support.digits import Trained, raw_examples, read_digits
from support.local_server import LocalServer, push, serving
from support.tiny_models import TinyModel

from components.artifacts.loaded_model import LoadedModel
from tfx_vae.serving.server.limits import Limits

VERSION = 7


@pytest.fixture(scope="session")
def model(exported: Trained) -> LoadedModel:
    """The model itself, for what it should answer."""
    return LoadedModel(exported.serving_model)


@pytest.fixture(scope="session")
def server(exported: Trained, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """Serves the model of digits as version 7, with small limits."""
    directory = tmp_path_factory.mktemp("digits")
    push(directory, exported.serving_model, VERSION)
    with serving(directory, Limits(body_bytes=2**20, threads=2, waiting=3)) as server:
        yield server


@pytest.fixture
def client(server: LocalServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.address, timeout=60) as client:
        yield client


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """The directory of a tiny model that is so many times as bright."""
    root, saved = tmp_path_factory.mktemp("tiny"), dict[int, Path]()

    def save(brightness: int) -> Path:
        if brightness not in saved:
            saved[brightness] = TinyModel(brightness).save(root / str(brightness))
        return saved[brightness]

    return save


@pytest.fixture(scope="session")
def pixels() -> np.ndarray:
    """Three digits, float32 [3, 28, 28, 1] in [0, 1]."""
    return (read_digits(3) / 255.0).astype(np.float32)


@pytest.fixture(scope="session")
def examples() -> list[bytes]:
    """The same digits as serialized tf.Examples."""
    return raw_examples(read_digits(3))


@pytest.fixture(scope="session")
def examples_in_json(examples: list[bytes]) -> list[object]:
    """The same as JSON."""
    return [{"b64": base64.b64encode(example).decode()} for example in examples]

"""A Kubeflow on loopback, and a pipeline that is compiled."""

import inspect
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.kubeflow_server import KubeflowServer, kubeflow_server

from pipelines.config import PipelineConfig, load_config

PROJECT = Path(__file__).parents[3]
SMOKE = PROJECT / "pipelines" / "configs" / "smoke.yaml"


@pytest.fixture(autouse=True, scope="module")
def logging_as_it_was() -> Iterator[None]:
    """Restores logging, which a step takes over for its process; here other tests follow in it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)


@pytest.fixture(autouse=True, scope="session")
def short_stacks() -> None:
    """Tells `inspect` that the frames below pytest belong to no module.

    KFP asks for the whole stack 45 times a compilation. For every frame without a file, `inspect` would look through all
    modules, which are thousands: a compilation would take five seconds instead of a third of one.
    """
    frame = sys._getframe()
    while frame.f_back is not None:
        frame = frame.f_back
        inspect.modulesbyfile.setdefault(inspect.getabsfile(frame), "")
        inspect.modulesbyfile.setdefault(frame.f_code.co_filename, "")


@pytest.fixture
def server() -> Iterator[KubeflowServer]:
    with kubeflow_server() as started:
        yield started


@pytest.fixture(scope="session")
def smoke() -> PipelineConfig:
    """As the commands load it: relative paths are the image's."""
    return load_config(SMOKE, ["kubeflow.image=registry.example/python-tfx-vae:1", "kubeflow.steps.Trainer.gpu=1"], base=Path())


@pytest.fixture(scope="session")
def golden() -> Path:
    """The smoke pipeline, compiled."""
    return Path(__file__).parent / "mnist-smoke.yaml"

"""Workplaces for whole pipelines."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from support.forked_python import forked_python
from support.workplace import Workplace

MODULES = [
    "pipelines.pipeline", "pipelines.local.runner", "tfx.dsl.compiler.compiler", "components.transform.executor",
    "components.trainer.run", "components.evaluator.executor", "components.report.executor", "tensorflow_datasets",
    "pipelines.kubeflow.compile", "pipelines.kubeflow.node", "kfp.dsl.executor_main",
]  # fmt: skip


@pytest.fixture(scope="session")
def new_workplace(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Workplace]:
    """Makes workplaces whose runs share one prepared copy of MNIST, and nothing else."""
    base = tmp_path_factory.mktemp("e2e")

    def make() -> Workplace:
        number = len(list(base.glob("home-*")))
        home = base / f"home-{number}"
        home.mkdir()
        return Workplace(base / f"runs-{number}", home)

    return make


@pytest.fixture(scope="module")
def workplace(new_workplace: Callable[[], Workplace]) -> Workplace:
    """A workplace for the tests of one file."""
    return new_workplace()


@pytest.fixture(scope="session")
def python(new_workplace: Callable[[], Workplace]) -> Iterator[Path]:
    """A Python with the slow imports done."""
    environment = new_workplace().environment(TF_CPP_MIN_LOG_LEVEL="3", GRPC_VERBOSITY="ERROR")
    with forked_python(MODULES, environment) as executable:
        yield executable


@pytest.fixture(scope="module")
def quick(workplace: Workplace, python: Path) -> Workplace:
    """The same workplace, for commands of which no test looks at how their process begins: they save ten seconds each."""
    return replace(workplace, program=(str(python), "-m", "tfx_vae"))

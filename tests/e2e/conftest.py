"""Workplaces for whole pipelines."""

from collections.abc import Callable

import pytest
from support.workplace import Workplace


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

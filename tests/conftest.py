"""How `make test` shares the tests between its processes."""

from typing import Any

import pytest


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With `--dist=loadfile`, what goes to one process is a whole folder, whose files share models and runs.

    Each file of tests/e2e goes alone: it has a workplace of its own, and takes minutes.
    """
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class FolderScheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = str(super()._split_scope(nodeid))
            return file if file.startswith("tests/e2e/") else file.rpartition("/")[0]

    return FolderScheduling(config, log)

"""Checks whether this machine can run the pipeline, and says how to fix what is missing.

Imports neither tensorflow nor tfx, so that it answers at once, even if one of those is broken.
"""

from pathlib import Path

from components.example_gen.config import DataConfig
from tfx_vae.doctor.check import Check, Status, passed, render
from tfx_vae.doctor.dataset import check_dataset, check_schema_file
from tfx_vae.doctor.installation import check_bytecode, check_packages, check_pip
from tfx_vae.doctor.machine import (
    check_devices,
    check_disk,
    check_glibc,
    check_memory,
    check_platform,
    check_python,
    check_writable,
)

__all__ = ["Check", "Status", "passed", "render", "run_checks"]


def run_checks(data: DataConfig, root: Path, project: Path) -> list[Check]:
    """Looks at everything a run needs.

    Args:
      data: The dataset that is to be read.
      root: The directory that runs are kept in (`runtime.root`); it need not exist.
      project: The clone, whose uv.lock says what should be installed.

    Returns:
      One finding for each thing looked at; `passed` says whether all is well.
    """
    return [
        check_python(),
        check_platform(),
        check_glibc(),
        check_packages(project),
        check_bytecode(),
        check_pip(),
        check_memory(),
        check_devices(),
        check_disk(root),
        check_writable(root),
        check_schema_file(data),
        check_dataset(data, root),
    ]

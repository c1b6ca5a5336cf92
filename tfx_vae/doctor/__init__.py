"""Whether this machine can run the pipeline, and how to mend what stands in the way.

Imports neither tensorflow nor tfx, so that it answers at once, and also where those are what is broken.
"""

from pathlib import Path

from components.example_gen.config import DataConfig
from tfx_vae.doctor.check import Check, Status, passed
from tfx_vae.doctor.dataset import check_dataset
from tfx_vae.doctor.environment import check_bytecode, check_packages, check_pip
from tfx_vae.doctor.machine import check_disk, check_glibc, check_memory, check_platform, check_python, check_writable
from tfx_vae.doctor.screen import render

__all__ = ["Check", "Status", "passed", "render", "run_checks"]


def run_checks(data: DataConfig, root: Path, lock: Path) -> list[Check]:
    """Looks at everything a run needs.

    Args:
      data: The dataset that is to be read.
      root: The directory that runs are kept in (`runtime.root`); it need not exist.
      lock: The uv.lock to compare the installed packages with; it need not exist.

    Returns:
      One finding for each thing looked at; `passed` says whether all is well.
    """
    return [
        check_python(),
        check_platform(),
        check_glibc(),
        check_packages(lock),
        check_bytecode(),
        check_pip(),
        check_memory(),
        check_disk(root),
        check_writable(root),
        check_dataset(data, root),
    ]

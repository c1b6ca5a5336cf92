"""Python, the operating system, memory, disk and GPUs."""

import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from packaging.specifiers import SpecifierSet

from components.free_space import closest_existing, free_disk, free_memory
from tfx_vae.doctor.check import Check, failure, ok, short, warning

GIGABYTE: Final = 1e9

SUPPORTED_PYTHONS: Final = ">=3.11,<3.14"
"""As requires-python in pyproject.toml, which an installed package does not have."""

FREE_DISK: Final = 1 * GIGABYTE
"""Bytes that a default run may need in the runs directory: the prepared dataset, the artifacts, checkpoints, logs."""

FREE_MEMORY: Final = 4 * GIGABYTE
"""Bytes that a default run may need: TensorFlow, Beam in process, the training images."""

GLIBC_OF_PYTHON_312: Final = (2, 38)
"""The wheels of ml-metadata and tensorflow-data-validation for Python 3.12 and newer need it."""


def check_python(version: str | None = None) -> Check:
    """The interpreter's version."""
    version = version or platform.python_version()
    if SpecifierSet(SUPPORTED_PYTHONS).contains(version, prereleases=True):
        return ok("Python", version)
    return failure(
        "Python",
        f"{version}, but {SUPPORTED_PYTHONS} is needed",
        "install Python 3.11, then: rm -r .venv; make setup PYTHON=python3.11",
    )


def check_platform(system: str | None = None, machine: str | None = None) -> Check:
    """The operating system and processor, for which TFX must have wheels."""
    system, machine = system or platform.system(), machine or platform.machine()
    if (system, machine) == ("Linux", "x86_64"):
        return ok("Platform", f"{system} {machine}")
    return failure(
        "Platform",
        f"{system} {machine}, but TFX has wheels for Linux x86_64 only",
        "use a Linux x86_64 machine, or an emulated one: docker run --platform linux/amd64 ...",
    )


def check_glibc(libc: tuple[str, str] | None = None, python: tuple[int, int] | None = None) -> Check:
    """The C library, which Python 3.12 and newer ask more of than 3.11."""
    name, version = libc or platform.libc_ver()
    python = python or sys.version_info[:2]
    if name != "glibc":
        return failure("C library", f"{name or 'not glibc'} {version}".strip(), "use a distribution with glibc, such as Debian")
    if python < (3, 12) or tuple(int(part) for part in version.split(".")[:2]) >= GLIBC_OF_PYTHON_312:
        return ok("C library", f"glibc {version}")
    needed = ".".join(map(str, GLIBC_OF_PYTHON_312))
    return failure(
        "C library",
        f"glibc {version}, but Python {python[0]}.{python[1]} needs {needed}: ml-metadata has no older wheel",
        "use Python 3.11, which runs on every glibc: rm -r .venv; make setup PYTHON=python3.11",
    )


def check_memory(free: float | None = None, needed: float = FREE_MEMORY) -> Check:
    """Free memory, in bytes."""
    free = free_memory() if free is None else free
    if free >= needed:
        return ok("Memory", f"{_gigabytes(free)} free")
    return failure(
        "Memory",
        f"{_gigabytes(free)} free, but a run needs {_gigabytes(needed)}",
        "end other programs, or give the container more",
    )


def check_disk(root: Path, needed: float = FREE_DISK) -> Check:
    """Free space where runs are kept, in bytes."""
    free = free_disk(root)
    if free >= needed:
        return ok("Disk", f"{_gigabytes(free)} free")
    return failure(
        "Disk",
        f"{_gigabytes(free)} free, but a run needs {_gigabytes(needed)}",
        f"free some space, or set runtime.root to a larger disk than that of {short(root)}",
    )


def check_writable(root: Path) -> Check:
    """Whether the directory that runs are kept in can be made and written."""
    existing = closest_existing(root)
    try:
        with tempfile.TemporaryFile(dir=existing) as probe:
            probe.write(b"probe")
    except OSError as error:
        return failure(
            "Runs",
            f"{short(root)} cannot be written: {error.strerror}",
            "set runtime.root to a directory of your own, or fix its permissions",
        )
    return ok("Runs", f"{short(root)} can be written")


_COUNT_GPUS: Final = "import tensorflow as tf; print(len(tf.config.list_physical_devices('GPU')))"
_SECONDS: Final = 120


def check_devices(devices: Path = Path("/dev"), seen: Callable[[], int] | None = None) -> Check:
    """What TensorFlow can train on. It is asked only on a machine with an NVIDIA GPU, because that takes seconds."""
    found = len(list(devices.glob("nvidia[0-9]*")))
    if not found:
        return ok("Devices", "the processor; there is no NVIDIA GPU")
    count = (seen or _gpus_of_tensorflow)()
    if count == found:
        return ok("Devices", f"the processor and NVIDIA GPUs: {found}")
    return warning(
        "Devices",
        f"TensorFlow sees {count} of {found} NVIDIA GPUs",
        "make setup GPU=1 installs CUDA's libraries; if the environment variable CUDA_VISIBLE_DEVICES hides GPUs, unset it",
    )


def _gpus_of_tensorflow() -> int:
    done = subprocess.run([sys.executable, "-c", _COUNT_GPUS], capture_output=True, text=True, timeout=_SECONDS, check=False)
    return int(done.stdout or 0) if done.returncode == 0 else 0


def _gigabytes(size: float) -> str:
    return f"{size / GIGABYTE:.1f} GB"

"""What is installed, and whether it is what the lock says."""

import importlib.metadata
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from packaging.version import Version

from tfx_vae.doctor.check import Check, failure, ok, short, warning
from tfx_vae.doctor.lock import locked_versions, read_lock

SLOW_TO_IMPORT: Final = ("tensorflow", "tfx", "apache_beam", "tensorflow_model_analysis")
"""Packages whose missing bytecode costs most: 39 s against 13 s to import tfx with all that it needs, on two cores."""

_NAMED_MISMATCHES: Final = 3

_INSTALL_AGAIN: Final = "rm -f .venv/.ready*; make setup"


def check_packages(lock: Path) -> Check:
    """The installed versions, against a uv.lock."""
    try:
        versions = locked_versions(read_lock(lock))
    except FileNotFoundError:
        return warning("Packages", f"{short(lock)} is not there to compare with", "run this in a clone of the project")
    except (OSError, ValueError) as error:
        return failure("Packages", f"{short(lock)} cannot be read: {error}", f"git checkout {short(lock)}")
    mismatches = [
        f"{name} {installed or 'missing'} ({locked} locked)"
        for name, locked in sorted(versions.items())
        if (installed := _installed_version(name)) is None or Version(installed) != Version(locked)
    ]
    if not mismatches:
        return ok("Packages", f"all {len(versions)} as in {lock.name}")
    more = f" and {len(mismatches) - _NAMED_MISMATCHES} more" if len(mismatches) > _NAMED_MISMATCHES else ""
    return failure("Packages", f"not as in {lock.name}: {', '.join(mismatches[:_NAMED_MISMATCHES])}{more}", _INSTALL_AGAIN)


def check_bytecode(packages: Sequence[str] = SLOW_TO_IMPORT) -> Check:
    """Whether the large packages were compiled, which makes every start three times as fast."""
    sources = [source for package in packages if (source := _source(package))]
    missing = [source for source in sources if not Path(importlib.util.cache_from_source(str(source))).is_file()]
    if not missing:
        return ok("Bytecode", "compiled")
    names = ", ".join(source.parent.name for source in missing)
    return warning(
        "Bytecode",
        f"not compiled: {names}; every start takes about 26 s longer",
        f"{short(Path(sys.executable))} -m compileall -q -j 0 {short(missing[0].parent.parent)}",
    )


def check_pip() -> Check:
    """Pip, which the tfx command line calls."""
    version = _installed_version("pip")
    if version is None:
        return failure("pip", "missing, but the tfx command line calls it", _INSTALL_AGAIN)
    return ok("pip", version)


def _installed_version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _source(package: str) -> Path | None:
    """The package's __init__.py, found without importing it."""
    spec = importlib.util.find_spec(package)
    return Path(spec.origin) if spec and spec.origin else None

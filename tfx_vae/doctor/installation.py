"""What is installed, and whether it is what uv.lock says."""

import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement

from tfx_vae.doctor.check import Check, failure, ok, short, warning

SLOW_TO_IMPORT: Final = ("tensorflow", "tfx", "apache_beam", "tensorflow_model_analysis")
"""Packages whose missing bytecode costs most: 39 s against 13 s to import tfx with all that it needs, on two cores."""

_NAMED_MISMATCHES: Final = 3
_INSTALL_AGAIN: Final = "rm -f .venv/.ready*; make setup"
_INSTALL_WHEEL: Final = "pip install --no-deps -r requirements.txt, with the file of make wheel (docs/operations.md)"
_COMPARE: Final = "sync --check --frozen --inexact --no-install-project --offline --no-cache --no-progress --color never"
"""Changes nothing, needs no network, and takes 40 ms."""


def check_packages(project: Path, environment: str = sys.prefix) -> Check:
    """The installed packages, against the project's uv.lock; without one, against what this package requires.

    Args:
      project: The clone, or the directory that the package is installed in.
      environment: The prefix of the Python environment.
    """
    if not (project / "uv.lock").is_file():
        return check_requirements()
    uv = shutil.which("uv", path=f"{project / '.tools/uv/bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}")
    if uv is None:
        return warning("Packages", "there is no uv to compare them with uv.lock", "scripts/uv.sh --version installs it")
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("UV_", "VIRTUAL_ENV"))}
    variables |= {"UV_PROJECT_ENVIRONMENT": environment, "UV_PYTHON_DOWNLOADS": "never"}
    done = subprocess.run([uv, *_COMPARE.split()], cwd=project, env=variables, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return ok("Packages", "all as in uv.lock")
    return _explain_difference(done.stderr)


def check_requirements(package: str = "tfx-vae") -> Check:
    """The installed versions, against the bounds of an installed package.

    Args:
      package: The package; what it requires only for an extra is not looked at.
    """
    required = [Requirement(text) for text in importlib.metadata.requires(package) or ()]
    required = [one for one in required if one.marker is None or one.marker.evaluate({"extra": ""})]
    named = [f"{one.name} {version} ({one.specifier} required)" for one in required if (version := _unfit_version(one))]
    if named:
        return failure("Packages", _listed(f"not as {package} requires", named), _INSTALL_WHEEL)
    return ok("Packages", f"{len(required)} that {package} requires, in versions that fit")


def _unfit_version(required: Requirement) -> str | None:
    try:
        version = importlib.metadata.version(required.name)
    except importlib.metadata.PackageNotFoundError:
        return "missing"
    return None if required.specifier.contains(version, prereleases=True) else version


def _listed(what: str, named: Sequence[str]) -> str:
    more = f" and {len(named) - _NAMED_MISMATCHES} more" if len(named) > _NAMED_MISMATCHES else ""
    return f"{what}: {', '.join(named[:_NAMED_MISMATCHES])}{more}"


def _explain_difference(printed: str) -> Check:
    found = re.findall(r"^ ([-+]) (\S+)==(\S+)", printed, re.MULTILINE)
    installed = {name: version for sign, name, version in found if sign == "-"}
    locked = {name: version for sign, name, version in found if sign == "+"}
    if not locked:
        reason = " ".join(printed.split("error: ", 1)[-1].split())
        return failure("Packages", f"uv.lock cannot be read: {reason}", "git checkout uv.lock")
    named = [f"{name} {installed.get(name, 'missing')} ({version} locked)" for name, version in locked.items()]
    return failure("Packages", _listed("not as in uv.lock", named), _INSTALL_AGAIN)


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
    """pip, which the tfx command line calls."""
    try:
        return ok("pip", importlib.metadata.version("pip"))
    except importlib.metadata.PackageNotFoundError:
        return failure("pip", "missing, but the tfx command line calls it", _INSTALL_AGAIN)


def _source(package: str) -> Path | None:
    """The package's __init__.py, found without importing it."""
    spec = importlib.util.find_spec(package)
    return Path(spec.origin) if spec and spec.origin else None

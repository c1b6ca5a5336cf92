"""Which versions uv.lock asks for on this Python."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from packaging.markers import Marker


def read_lock(path: Path) -> dict[str, Any]:
    """The lock's tables.

    Raises:
      OSError: There is none, or it cannot be read.
      ValueError: It is not TOML.
    """
    with path.open("rb") as file:
        return tomllib.load(file)


def locked_versions(lock: Mapping[str, Any], environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """What a base install, without extras, takes from the lock.

    Walks from the project along those dependencies whose marker holds: a lock may name one package in several versions, each
    for other Pythons.

    Args:
      lock: As read by `read_lock`.
      environment: Marker variables that differ from this interpreter's, e.g. ``{"python_full_version": "3.13.0"}``.

    Returns:
      Versions by normalised package name.

    Raises:
      ValueError: The lock holds no project, or not all that it refers to.
    """
    packages = lock.get("package", ())
    project = next((package for package in packages if {"editable", "virtual"} & package["source"].keys()), None)
    if project is None:
        raise ValueError("it holds no project")
    versions: dict[str, str] = {}
    seen: set[tuple[str, str, str]] = set()
    pending = list(project.get("dependencies", ()))
    while pending:
        dependency = pending.pop()
        if "marker" in dependency and not Marker(dependency["marker"]).evaluate(dict(environment or {})):
            continue
        package = _find(packages, dependency)
        versions[package["name"]] = package["version"]
        # The empty extra stands for the package itself.
        for extra in ("", *dependency.get("extra", ())):
            if (key := (package["name"], package["version"], extra)) not in seen:
                seen.add(key)
                pending += package.get("optional-dependencies", {}).get(extra, ()) if extra else package.get("dependencies", ())
    return versions


def _find(packages: Sequence[Mapping[str, Any]], dependency: Mapping[str, Any]) -> Mapping[str, Any]:
    """The package that a dependency means: the lock gives its version where there are several."""
    for package in packages:
        if package["name"] == dependency["name"] and dependency.get("version", package["version"]) == package["version"]:
            return package
    raise ValueError(f"it refers to {dependency['name']} but does not hold it")

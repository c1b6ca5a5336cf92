"""A digest of source code, for the cache keys of components whose work is named rather than passed.

TFX decides from a component's inputs and execution properties whether it must run again. Code that is named (a `run_fn`, a
`preprocessing_fn`, an executor) is neither, so its digest has to be one of the properties, or an edit is served stale.
"""

import hashlib
from importlib.util import find_spec
from pathlib import Path


def source_digest(*names: str) -> str:
    """Digests the Python source of packages and modules without importing them (only the packages around them are).

    Args:
      *names: Dotted names, e.g. ``"components.trainer"`` (a package: every ``.py`` file below it) or
        ``"components.artifacts.features"`` (a module: its own file). Neither their order nor where they
        are installed matters.

    Returns:
      64 hexadecimal digits: sha256 over the files' names, relative to their package, and their contents.

    Raises:
      ModuleNotFoundError: If a name has no Python source.
    """
    digest = hashlib.sha256()
    for name in sorted(set(names)):
        for relative, path in _source_files(name):
            content = path.read_bytes()
            digest.update(f"{name}/{relative} {len(content)}\n".encode())
            digest.update(content)
    return digest.hexdigest()


def _source_files(name: str) -> list[tuple[str, Path]]:
    """The ``.py`` files of one package or module, each with its name relative to the package's folder, in order."""
    spec = find_spec(name)
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        raise ModuleNotFoundError(f"there is no Python source to digest for {name!r}", name=name)
    origin = Path(spec.origin)
    if spec.submodule_search_locations is None:
        return [(origin.name, origin)]
    folder = origin.parent
    return sorted((path.relative_to(folder).as_posix(), path) for path in folder.rglob("*.py"))

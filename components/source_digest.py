"""A digest of source code, for the cache keys of components whose work is named rather than passed.

TFX decides from a component's inputs and execution properties whether it must run again. The code that it runs (an executor, a
`run_fn`, a `preprocessing_fn`) is neither, so a digest of it has to be one of the properties, or TFX serves the result of the
code before an edit.
"""

import ast
import hashlib
import re
import symtable
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

_OURS: Final = ("components", "pipelines", "tfx_vae")
_DOTTED: Final = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)+")
_NOT_DATA: Final = {".py", ".pyc", ".pyi"}


def source_digest(*names: str, root: Path | None = None) -> str:
    """Digests the files that named code depends on. Nothing is imported.

    Args:
      *names: As for `reached_files`.
      root: As for `reached_files`.

    Returns:
      64 hexadecimal digits: SHA-256 over the names and contents of the files. It does not depend on where they are installed.

    Raises:
      ModuleNotFoundError: There is no Python source for a name.
    """
    digest = hashlib.sha256()
    for name, content in sorted(reached_files(*names, root=root).items()):
        digest.update(f"{name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def reached_files(*names: str, root: Path | None = None) -> dict[str, bytes]:
    """Follows the imports of named code within this repository.

    It follows every import statement, wherever it is in a module, and every string that is the dotted name of a module or of
    something in one, as in `python -m NAME`, unless the string is a docstring. It does not see a name that is put together at
    run time. With each module come the packages around it and the files beside it that are not Python, such as templates.

    Args:
      *names: Dotted names of modules, or of functions or classes in them, e.g. ``"components.trainer.run.run_fn"``. If they are
        in another top-level package than this repository's, imports are followed in that package too.
      root: The folder that contains the top-level packages; None finds them where Python does.

    Returns:
      Contents by file name, e.g. ``"components/trainer/run.py"``.

    Raises:
      ModuleNotFoundError: There is no Python source for a name.
    """
    folders = _folders({*_OURS, *(name.partition(".")[0] for name in names)}, root)
    pending = [_entry(name, folders) for name in names]
    files: dict[str, bytes] = {}
    seen: set[str] = set()
    while pending:
        module = pending.pop()
        if not module or module in seen:
            continue
        seen.add(module)
        package = module.rpartition(".")[0]
        pending.append(package)
        folder = folders[module.partition(".")[0]]
        for path in _data_files(folder.joinpath(*module.split("."))):
            files[path.relative_to(folder).as_posix()] = path.read_bytes()
        code = _file(module, folders)
        if code is not None:
            source = code.read_bytes()
            files[code.relative_to(folder).as_posix()] = source
            imports, strings = _names_in(source, module if code.name == "__init__.py" else package)
            pending.extend(_module(name, folders) for name in imports)
            pending.extend(_named_module(name, folders) for name in strings)
    return files


def _folders(packages: set[str], root: Path | None) -> dict[str, Path]:
    """The folder that contains each top-level package or module, where it is known."""
    if root is not None:
        return dict.fromkeys(packages, root)
    folders = dict.fromkeys(_OURS, Path(__file__).parents[1])
    for package in packages - folders.keys():
        spec = find_spec(package)  # imports nothing: only a dotted name would import the packages around it
        if spec is not None and spec.submodule_search_locations:
            folders[package] = Path(spec.submodule_search_locations[0]).parent
        elif spec is not None and spec.has_location and spec.origin:
            folders[package] = Path(spec.origin).parent
    return folders


def _entry(name: str, folders: Mapping[str, Path]) -> str:
    module = _named_module(name, folders)
    if not module:
        raise ModuleNotFoundError(f"there is no Python source to digest for {name!r}", name=name)
    return module


def _named_module(name: str, folders: Mapping[str, Path]) -> str:
    """The module that has exactly this name, or that defines something of this name; empty if there is none."""
    module = _module(name, folders)
    path = _file(module, folders)
    if path is None or module == name:
        return module
    attribute = name.removeprefix(f"{module}.").partition(".")[0]
    table = symtable.symtable(path.read_text(encoding="utf-8"), str(path), "exec")
    return module if attribute in table.get_identifiers() and table.lookup(attribute).is_local() else ""


def _module(name: str, folders: Mapping[str, Path]) -> str:
    """The longest beginning of a dotted name that is a module with source here; empty if there is none."""
    while name and _file(name, folders) is None:
        name = name.rpartition(".")[0]
    return name


def _file(module: str, folders: Mapping[str, Path]) -> Path | None:
    folder = folders.get(module.partition(".")[0])
    if folder is None:
        return None
    stem = folder.joinpath(*module.split("."))
    candidates = (stem / "__init__.py", stem.with_suffix(".py"))
    return next((path for path in candidates if path.is_file()), None)


def _data_files(folder: Path) -> Iterator[Path]:
    """What is not Python in a package's folder, and in folders below it that are no packages; nothing if there is no folder."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name.startswith(".") or path.name == "__pycache__" or (path / "__init__.py").is_file():
            continue
        if path.is_dir():
            yield from _data_files(path)
        elif path.suffix not in _NOT_DATA:
            yield path


@cache
def _names_in(source: bytes, package: str) -> tuple[frozenset[str], frozenset[str]]:
    """The dotted names that code imports, and its strings that look like one.

    Args:
      source: Of a module. It is parsed once in a process for all components.
      package: The package that it is in, or is.
    """
    imports: set[str] = set()
    strings: set[str] = set()
    pending: list[ast.AST] = [ast.parse(source)]
    while pending:
        node = pending.pop()
        match node:
            case ast.Expr(value=ast.Constant()):  # a docstring
                continue
            case ast.Import():
                imports.update(alias.name for alias in node.names)
            case ast.ImportFrom():
                parents = package.split(".")[: -(node.level - 1) or None] if node.level else []
                base = ".".join([*parents, *([node.module] if node.module else [])])
                imports.update(f"{base}.{alias.name}" for alias in node.names)
            case ast.Constant(value=str(text)) if _DOTTED.fullmatch(text):
                strings.add(text)
        pending.extend(ast.iter_child_nodes(node))
    return frozenset(imports), frozenset(strings)

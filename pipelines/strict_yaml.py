"""YAML as a configuration may be written: what JSON can hold, within bounds, and no key twice."""

import io
import os
import re
import select
from pathlib import Path
from typing import Any, ClassVar, Final, NamedTuple

import yaml

_BYTES: Final = 2**18
_DEPTH: Final = 20
_VALUES: Final = 10_000
_DIGITS: Final = 300
_SECONDS: Final = 5
"""How long to wait for a pipe that nothing is written to."""

_TAG: Final = "tag:yaml.org,2002:"
_KINDS: Final = ("null", "bool", "int", "float", "str", "seq", "map")
_INT: Final = re.compile(r"[-+]?(0b[01_]+|0x[\da-fA-F_]+|0[0-7_]*|[1-9][\d_]*)$", re.ASCII)
_FLOAT: Final = re.compile(
    r"[-+]?(\d[\d_]*\.[\d_]*|\.\d[\d_]*)([eE][-+]?\d+)?$|[-+]?\d[\d_]*[eE][-+]?\d+$|[-+]?\.(inf|Inf|INF)$|\.(nan|NaN|NAN)$",
    re.ASCII,
)

_RESOLVERS: Final = {
    first: [
        (tag, {f"{_TAG}int": _INT, f"{_TAG}float": _FLOAT}.get(tag, pattern))
        for tag, pattern in found
        if tag not in (f"{_TAG}timestamp", f"{_TAG}value")
    ]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class YamlError(Exception):
    """Why a text is refused, worded to follow its name: "is not valid YAML: ..."."""


def read_yaml(path: Path) -> Any:
    """Reads a file; see `parse_yaml`.

    Raises:
      YamlError: It is refused; it is larger than 256 KiB, or a pipe that nothing is written to.
      OSError: It cannot be read.
    """
    try:
        return parse_yaml(_read(path).decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise YamlError(f"is not valid YAML: byte {error.start + 1} is not UTF-8.") from error


def parse_yaml(text: str) -> Any:
    """Reads YAML 1.1 without what JSON does not have.

    Keys are text, as written. So are dates, and times such as `12:30`; `3e-3` is a number, as in YAML 1.2.

    Returns:
      None, a truth value, a number, a text, or a list or dictionary of these. A float may be infinite or NaN.

    Raises:
      YamlError: It is not YAML, has a key twice, nests deeper than 20 levels, or has more than 10,000 values, of which one that
        an alias repeats counts as often as it is used.
    """
    try:
        return yaml.load(text, _Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise YamlError(f"is not valid YAML{place}: {' '.join(filter(None, (error.context, error.problem)))}.") from error
    except yaml.YAMLError as error:
        raise YamlError(f"is not valid YAML: {getattr(error, 'reason', error)}.") from error


def write_yaml(value: Any) -> str:
    """Writes what `parse_yaml` reads back as it was."""
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False)
    return text


def _read(path: Path) -> bytes:
    """Reads up to the limit, and waits up to the limit: `path` may be a pipe or a device."""
    content = bytearray()
    with io.FileIO(os.open(path, os.O_RDONLY | os.O_NONBLOCK)) as file:
        while select.select([file], [], [], _SECONDS)[0]:
            part = file.read(_BYTES)
            if part == b"":
                return bytes(content)
            content += part or b""
            if len(content) > _BYTES:
                raise YamlError(f"is larger than {_BYTES // 1024} KiB, so it is no configuration.")
    raise YamlError(f"is a pipe that nothing was written to for {_SECONDS} seconds.")


class _Dumper(yaml.SafeDumper):
    """Quotes the text `1e5`, which YAML 1.1 need not."""

    yaml_implicit_resolvers = {  # noqa: RUF012 (PyYAML's)
        first: [*found, (f"{_TAG}float", _FLOAT)] for first, found in yaml.SafeDumper.yaml_implicit_resolvers.items()
    }


class _Extent(NamedTuple):
    """Of a node, with its aliases expanded."""

    depth: int
    values: int


class _Loader(yaml.SafeLoader):
    """Refuses while it composes, so that neither recursion nor the expansion of aliases goes out of bounds."""

    yaml_constructors: ClassVar = {f"{_TAG}{kind}": yaml.SafeLoader.yaml_constructors[f"{_TAG}{kind}"] for kind in _KINDS}
    yaml_implicit_resolvers = _RESOLVERS

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0
        self._extents: dict[yaml.Node, _Extent] = {}

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        is_alias = self.check_event(yaml.AliasEvent)
        self._depth += 1
        self._refuse_beyond(self._depth, 0)
        node = super().compose_node(parent, index)
        self._depth -= 1
        if node is not None and not is_alias:
            self._check(node)
        elif node is not None and node not in self._extents:
            raise YamlError(f"holds something that contains itself, {_place(node)}.")
        return node

    def _check(self, node: yaml.Node) -> None:
        match node:
            case yaml.ScalarNode():
                children: list[yaml.Node] = []
                self._check_scalar(node)
            case yaml.SequenceNode():
                children = node.value
            case yaml.MappingNode():
                children = [child for pair in node.value for child in pair]
                _check_keys(node)
        if node.tag.removeprefix(_TAG) not in (*_KINDS, "merge"):
            name = node.tag.replace(_TAG, "!!")
            raise YamlError(f"has a value of the type {name}, {_place(node)}, which a configuration cannot have.")
        extents = [self._extents[child] for child in children]
        depth = 1 + max((extent.depth for extent in extents), default=0)
        values = 1 + sum(extent.values for extent in extents)
        self._refuse_beyond(depth, values)
        self._extents[node] = _Extent(depth, values)

    def _check_scalar(self, node: yaml.ScalarNode) -> None:
        kind = node.tag.removeprefix(_TAG)
        if kind in ("int", "float") and len(node.value) > _DIGITS:
            raise YamlError(f"has a number of {len(node.value):,} digits, {_place(node)}.")
        if kind in ("null", "bool", "int", "float") and self._kind(node.value) != kind:
            raise YamlError(f"has {node.value!r} marked as !!{kind}, {_place(node)}, which it is not.")
        if re.search("[\0\ud800-\udfff]", node.value):
            raise YamlError(f"has a text with a character that no file can hold, {_place(node)}.")

    def _kind(self, text: str) -> str:
        """What an unmarked scalar is taken for."""
        tag: str = self.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
        return tag.removeprefix(_TAG)

    @staticmethod
    def _refuse_beyond(depth: int, values: int) -> None:
        if depth > _DEPTH:
            raise YamlError(f"nests deeper than {_DEPTH} levels.")
        if values > _VALUES:
            raise YamlError(f"has more than {_VALUES:,} values, aliases expanded.")


def _check_keys(node: yaml.MappingNode) -> None:
    """Makes every key a text, as written, and refuses one that is there twice."""
    lines: dict[str, int] = {}
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise YamlError(f"has a key that is a list or a mapping, {_place(key)}.")
        if key.tag == f"{_TAG}merge":
            continue
        line = key.start_mark.line + 1
        if key.value in lines:
            raise YamlError(f"has the key {key.value} twice, in line {lines[key.value]} and in line {line}: join them.")
        lines[key.value] = line
        key.tag = f"{_TAG}str"


def _place(node: yaml.Node) -> str:
    return f"in line {node.start_mark.line + 1}"

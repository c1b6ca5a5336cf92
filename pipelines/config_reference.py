"""Writes docs/configuration.md, the reference of all settings, from the configuration's own descriptions.

python -m pipelines.config_reference > docs/configuration.md
"""

import ast
import inspect
import itertools
import json
import textwrap
from collections.abc import Iterator
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from components.settings import Section
from pipelines.config import PipelineConfig

_INTRODUCTION = """# Configuration

Every setting of a run, with its default. Put it into a YAML file like those in `pipelines/configs/`
(`--config FILE`), or on the command line (`--set SECTION.KEY=VALUE`), which wins:

    tfx-vae run --config pipelines/configs/mnist_vae.yaml --set trainer.epochs=3 --set data.dataset=fashion_mnist
    tfx-vae config --config pipelines/configs/mnist_vae.yaml    # prints the whole configuration, defaults included

Only `name` is required. A wrong key, type or range, or a key that is there twice, is refused before anything runs. Relative
paths start from the working directory (under `tfx run create`: from the project).

This page is generated: `python -m pipelines.config_reference > docs/configuration.md`.
"""


def reference() -> str:
    """The whole page, in Markdown."""
    return _INTRODUCTION + "".join(_section_tables(PipelineConfig, ""))


def descriptions(section: type[Section]) -> dict[str, str]:
    """The docstring below each field that has one, by the field's name."""
    found = {}
    for class_ in (one for one in reversed(section.mro()) if issubclass(one, Section)):
        [definition] = ast.parse(textwrap.dedent(inspect.getsource(class_))).body
        assert isinstance(definition, ast.ClassDef)
        for statement, following in itertools.pairwise(definition.body):
            match statement, following:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                    found[name] = text
    return found


def _section_tables(section: type[Section], prefix: str) -> Iterator[str]:
    values = {name: field for name, field in section.model_fields.items() if _subsection(field) is None}
    if values:
        title = f"`{prefix.removesuffix('.')}`" if prefix else "Top level"
        yield f"\n## {title}\n\n{_one_line(section.__doc__)}\n\n| key | default | meaning |\n| --- | --- | --- |\n"
        meanings = descriptions(section)
        for name, field in values.items():
            yield f"| `{prefix}{name}` | {_default(field)} | {_one_line(meanings[name])} |\n"
    for name, field in section.model_fields.items():
        if (subsection := _subsection(field)) is not None:
            yield from _section_tables(subsection, f"{prefix}{name}.")


def _subsection(field: FieldInfo) -> type[Section] | None:
    annotation: Any = field.annotation
    return annotation if isinstance(annotation, type) and issubclass(annotation, Section) else None


def _default(field: FieldInfo) -> str:
    default = field.get_default(call_default_factory=True, validated_data={})
    if default is PydanticUndefined:
        return "required"
    return f"`{json.dumps(default, default=_as_json)}`"


def _as_json(value: Any) -> Any:
    return value.model_dump(mode="json", exclude_none=True) if isinstance(value, Section) else str(value)


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")


if __name__ == "__main__":
    print(reference(), end="")  # noqa: T201 (its output is the page)

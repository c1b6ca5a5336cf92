"""Writes the reference of every setting, docs/configuration.md, out of the configuration itself.

python -m pipelines.config_reference > docs/configuration.md
"""

import json
from collections.abc import Iterator
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from components.settings import Section
from pipelines.config import PipelineConfig

_INTRODUCTION = """# Configuration

A run is described by one YAML file, such as those in `pipelines/configs/`, and by `--set SECTION.KEY=VALUE` on the command
line, which wins. Every key is optional but `name`. A wrong key, type or range is refused before anything runs. `tfx-vae config`
prints what a file and `--set` amount to, defaults included.

Relative paths start from the working directory (under `tfx run create`: from the project). This page is made from the code by
`python -m pipelines.config_reference > docs/configuration.md`, and a test holds it to that.
"""


def reference() -> str:
    """The whole page, in Markdown."""
    return _INTRODUCTION + "".join(_section_tables(PipelineConfig, ""))


def _section_tables(section: type[Section], prefix: str) -> Iterator[str]:
    values = {name: field for name, field in section.model_fields.items() if _subsection(field) is None}
    if values:
        title = f"`{prefix.removesuffix('.')}`" if prefix else "Top level"
        yield f"\n## {title}\n\n{_one_line(section.__doc__)}\n\n| key | default | meaning |\n| --- | --- | --- |\n"
        for name, field in values.items():
            yield f"| `{prefix}{name}` | {_default(field)} | {_one_line(field.description)} |\n"
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

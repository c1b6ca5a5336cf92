"""docs/configuration.md says of every setting what the code does."""

from collections.abc import Iterator
from pathlib import Path

from components.settings import Section
from pipelines.config import PipelineConfig
from pipelines.config_reference import descriptions, reference

PAGE = Path(__file__).parents[3] / "docs" / "configuration.md"


def test_the_page_is_up_to_date():
    assert PAGE.read_text() == reference(), "run: python -m pipelines.config_reference > docs/configuration.md"


def test_every_setting_has_a_meaning():
    assert list(_without_description(PipelineConfig)) == []


def _without_description(section: type[Section]) -> Iterator[str]:
    described = descriptions(section)
    for name, field in section.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            yield from _without_description(field.annotation)
        elif not described.get(name):
            yield f"{section.__name__}.{name}"

"""docs/configuration.md says of every setting what the code does."""

from pathlib import Path

from components.settings import Section
from pipelines.config import PipelineConfig
from pipelines.config_reference import reference

PAGE = Path(__file__).parents[3] / "docs" / "configuration.md"


def test_the_page_is_up_to_date():
    assert PAGE.read_text() == reference(), "run: python -m pipelines.config_reference > docs/configuration.md"


def test_every_setting_has_a_meaning():
    def without_description(section: type[Section]) -> list[str]:
        missing = [name for name, field in section.model_fields.items() if not field.description]
        nested = [field.annotation for field in section.model_fields.values()]
        return missing + [
            name
            for kind in nested
            if isinstance(kind, type) and issubclass(kind, Section)
            for name in without_description(kind)
        ]

    sections = {"data", "transform", "model", "trainer", "evaluator", "pusher", "runtime"}
    assert set(without_description(PipelineConfig)) <= sections

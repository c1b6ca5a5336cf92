"""Which spans of a pattern are found."""

from pathlib import Path

import pytest

from components.errors import ConfigurationError
from components.example_gen.image_spans import latest_spans


def make(root: Path, *names: str) -> None:
    for name in names:
        (root / name).mkdir(parents=True)


def test_every_span_is_found_in_its_latest_version_the_oldest_first(tmp_path: Path):
    make(tmp_path, "span-02/v1", "span-02/v10", "span-10/v2", "span-9/v3", "other")
    found = latest_spans(f"{tmp_path}/span-{{SPAN}}/v{{VERSION}}/*.png", 0)
    assert found == [
        (f"{tmp_path}/span-02/v10/*.png", 2, 10), (f"{tmp_path}/span-9/v3/*.png", 9, 3),
        (f"{tmp_path}/span-10/v2/*.png", 10, 2),
    ]  # fmt: skip
    assert latest_spans(f"{tmp_path}/span-{{SPAN}}/v{{VERSION}}/*.png", 2) == found[1:]


def test_dates_are_days_since_1970(tmp_path: Path):
    make(tmp_path, "1970/01/02", "1970/02/01")
    assert latest_spans(f"{tmp_path}/{{YYYY}}/{{MM}}/{{DD}}", 0) == [
        (f"{tmp_path}/1970/01/02", 1, None), (f"{tmp_path}/1970/02/01", 31, None),
    ]  # fmt: skip


def test_a_pattern_without_placeholders_is_the_only_span():
    assert latest_spans("/data/*.png", 0) == [("/data/*.png", 0, None)]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("day-{SPAN}", "no span matches"),
        ("{SPAN}", "no span matches .* from .*span-a"),
        ("span-{YYYY}", "no span matches .* date spec"),
        ("span-a/{DAY}", "no span matches"),
    ],
)
def test_what_is_no_span_is_refused(tmp_path: Path, pattern: str, message: str):
    make(tmp_path, "span-a")
    with pytest.raises(ConfigurationError, match=rf"data\.images: {message}"):
        latest_spans(f"{tmp_path}/{pattern}", 1)

"""Values as ML Metadata stores them, and ages as users write them."""

from datetime import timedelta
from typing import Any

import pytest

from components.errors import ConfigurationError
from tfx_vae.metadata.gc.protection import parse_age
from tfx_vae.metadata.reader import parsed, property_value

# Copied from a database: what StatisticsGen wrote as sample_rate_by_split.
STRUCT = "mlmd-struct::CjcKCV9fdmFsdWVfXxIqGih7ImV2YWwiOiAxLjAsICJ0ZXN0IjogMS4wLCAidHJhaW4iOiAxLjB9"


@pytest.mark.parametrize(
    ("columns", "value"),
    [
        (("mnist", None, None, None), "mnist"),
        (("", None, None, None), ""),
        (("é".encode(), None, None, None), "é"),
        ((None, 0, None, None), 0),
        ((None, None, 1.5, None), 1.5),
        ((None, None, None, 1), True),
        ((None, None, None, None), None),
        ((STRUCT, None, None, None), {"eval": 1.0, "test": 1.0, "train": 1.0}),
    ],
)
def test_a_property_has_the_value_of_its_one_column(columns: tuple[Any, ...], value: Any):
    assert property_value(*columns) == value


def test_json_within_json_is_read_to_its_bottom():
    assert parsed('{"model": "{\\"kind\\": \\"vae\\"}", "epochs": 3}') == {"model": {"kind": "vae"}, "epochs": 3}
    assert parsed("[1, 2]") == [1, 2]
    assert parsed("{not json") == "{not json"
    assert parsed("3") == "3"


@pytest.mark.parametrize(("text", "days"), [("30d", 30), ("2w", 14), ("12h", 0.5), ("90m", 1 / 16), (" 0d", 0)])
def test_an_age_is_a_number_and_a_unit(text: str, days: float):
    assert parse_age(text) == timedelta(days=days)


@pytest.mark.parametrize("text", ["30", "d", "-1d", "1.5d", "30 days", "", "99999999999999w", "9" * 5_000 + "d"])
def test_anything_else_is_refused(text: str):
    with pytest.raises(ConfigurationError, match="age"):
        parse_age(text)

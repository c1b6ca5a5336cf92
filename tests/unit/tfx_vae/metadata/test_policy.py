"""How old is old."""

from datetime import timedelta

import pytest

from components.errors import ConfigurationError
from tfx_vae.metadata.gc.policy import parse_age


@pytest.mark.parametrize(("text", "days"), [("30d", 30), ("2w", 14), ("12h", 0.5), ("90m", 1 / 16), (" 0d", 0)])
def test_an_age_is_a_number_and_a_unit(text: str, days: float):
    assert parse_age(text) == timedelta(days=days)


@pytest.mark.parametrize("text", ["30", "d", "-1d", "1.5d", "30 days", "", "99999999999999w"])
def test_anything_else_is_refused(text: str):
    with pytest.raises(ConfigurationError, match=r"age|longer"):
        parse_age(text)

"""What a configuration file may hold, and that anything else is refused at once."""

import math
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipelines import strict_yaml
from pipelines.strict_yaml import YamlError, parse_yaml, read_yaml, write_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ('a: 1\nb: {c: [1, 2.5, true, ~, x, "y"]}', {"a": 1, "b": {"c": [1, 2.5, True, None, "x", "y"]}}),
        ("[3e-3, 1.e5, .5, -1.5E+2, -.inf]", [0.003, 1e5, 0.5, -150.0, -math.inf]),
        ("[0x1F, 010, 0b11, 1_000, -7]", [31, 8, 3, 1000, -7]),
        ("name: 2026-01-01", {"name": "2026-01-01"}),
        ("day: 2026-13-45", {"day": "2026-13-45"}),
        ("2026-01-01: x", {"2026-01-01": "x"}),
        ("[12:30, 12:30:01.5]", ["12:30", "12:30:01.5"]),
        ("{1: a, yes: b, ~: c, 1.5: d}", {"1": "a", "yes": "b", "~": "c", "1.5": "d"}),
        ("a: &a {x: 1, y: 2}\nb: {<<: *a, x: 3}", {"a": {"x": 1, "y": 2}, "b": {"x": 3, "y": 2}}),
        ("a: &a [1]\nb: *a", {"a": [1], "b": [1]}),
        ("\ufeffa: 1", {"a": 1}),
    ],
)
def test_what_json_can_hold_is_read(text: str, value: Any):
    assert parse_yaml(text) == value


def aliases(first: str, rest: str) -> str:
    """Ten levels, each of which has the one before ten times."""
    return f"a0: &a0 {first}\n" + "".join(f"a{n}: &a{n} {rest.format(','.join([f'*a{n - 1}'] * 10))}\n" for n in range(1, 10))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: [", "is not valid YAML, line 1, column 5: "),
        ("a: *b", "is not valid YAML, line 1, column 4: found undefined alias"),
        ("a: \x07", "is not valid YAML: special characters are not allowed"),
        ("--- a\n--- b", "is not valid YAML, line 2, column 1: "),
        ("a: 1\nb: 2\na: 3", "has the key a twice, in line 1 and in line 3: join them"),
        ("b:\n  a: 1\n  'a': 3", "has the key a twice, in line 2 and in line 3"),
        ("a: !!binary aGk=", "has a value of the type !!binary, in line 1, which a configuration cannot have"),
        ("a: !!set {b, c}", "has a value of the type !!set"),
        ("a: !!timestamp 2026-13-45", "has a value of the type !!timestamp"),
        ("a: !!python/object/apply:os.getcwd []", "has a value of the type !!python/object/apply:os.getcwd"),
        ("a: !!bool maybe", "has 'maybe' marked as !!bool, in line 1, which it is not"),
        ("a: !!int ten", "has 'ten' marked as !!int"),
        ("? [a]\n: 1", "has a key that is a list or a mapping, in line 1"),
        ("a: &a [*a]", "holds something that contains itself, in line 1"),
        ("a: &a {b: *a}", "holds something that contains itself"),
        ("a: " + "1" * 5000, "has a number of 5,000 digits, in line 1"),
        ("a: " + "[" * 1000 + "]" * 1000, "nests deeper than 20 levels"),
        ("[" * 100_000, "nests deeper than 20 levels"),
        ("? " * 100_000, "nests deeper than 20 levels"),
        ("a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 3000)), "nests deeper than 20 levels"),
        (aliases("[x, x]", "[{}]"), "has more than 10,000 values, aliases expanded"),
        (aliases("{x: 1, y: 2}", "{{<<: [{}]}}"), "has more than 10,000 values, aliases expanded"),
        ('a: "\\0"', "has a text with a character that no file can hold, in line 1"),
        ('a: "\\ud800"', "has a text with a character that no file can hold"),
    ],
)
def test_all_else_is_refused_at_once_and_says_where(text: str, reason: str):
    began = time.monotonic()
    with pytest.raises(YamlError) as refusal:
        parse_yaml(text)
    assert reason in str(refusal.value)
    assert time.monotonic() - began < 10


TEXTS = st.text(st.characters(codec="utf-8"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXTS, inner, max_size=5),
    max_leaves=20,
)
SNIPPETS = st.sampled_from([
    "a", "b: ", "- ", "? ", "{", "}", "[", "]", ", ", "\n", "\n  ", "&x ", "*x ", "<<: ", "|", ">", "#", "'", '"', "\\", "\t",
    "\0", "!!int ", "!!bool ", "!!float ", "!!null ", "!!set ", "!!omap ", "!t ", "%YAML 1.1\n", "---\n", "...", "=", "1:2:3",
    "0x", "0b", "1e9", ".inf", "2026-01-01", "~",
])  # fmt: skip


def has_nul(value: Any) -> bool:
    if isinstance(value, dict):
        return any(has_nul(key) or has_nul(inner) for key, inner in value.items())
    return any(map(has_nul, value)) if isinstance(value, list) else isinstance(value, str) and "\0" in value


@given(JSON)
@example("1e5")
@example({"2026-01-01": "=", "<<": "0o7"})
@settings(max_examples=200, deadline=None)
def test_whatever_json_holds_comes_back_as_it_was_written(value: Any):
    text = write_yaml(value)
    if has_nul(value):
        with pytest.raises(YamlError):
            parse_yaml(text)
    else:
        assert parse_yaml(text) == value


@given(st.text() | st.lists(SNIPPETS, max_size=30).map("".join))
@settings(max_examples=1000, deadline=None)
@example("!!float 1:1:" + "1:" * 300 + "1.0")
def test_any_text_is_read_or_refused(text: str):
    try:
        value = parse_yaml(text)
    except YamlError as error:
        assert "\n" not in str(error)
    else:
        write_yaml(value)


def test_what_is_not_utf_8_is_refused(tmp_path: Path):
    (tmp_path / "c.yaml").write_bytes(b"name: caf\xe9")
    with pytest.raises(YamlError, match="byte 10 is not UTF-8"):
        read_yaml(tmp_path / "c.yaml")


def test_a_file_without_end_is_refused():
    with pytest.raises(YamlError, match="is larger than 256 KiB"):
        read_yaml(Path("/dev/zero"))


def test_a_pipe_that_nothing_is_written_to_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(strict_yaml, "_SECONDS", 0.1)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(YamlError, match="is a pipe that nothing was written to"):
        read_yaml(tmp_path / "pipe")


def test_a_pipe_is_read_to_its_end(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")

    def write() -> None:
        with (tmp_path / "pipe").open("w") as pipe:
            for part in ("a: 1\n", "b: 2\n"):
                pipe.write(part)
                pipe.flush()
                time.sleep(0.1)

    writer = threading.Thread(target=write)
    writer.start()
    assert read_yaml(tmp_path / "pipe") == {"a": 1, "b": 2}
    writer.join()

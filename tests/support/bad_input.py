"""Makes bad input from a seed: values, texts, files, bodies, arguments of commands, databases."""

import io
import json
import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click
import numpy as np
from PIL import Image

from pipelines.config import PipelineConfig
from pipelines.strict_yaml import write_yaml

VALUES: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 1, 3, 255, 2**31, -(2**31), 2**63, 2**64, 10**30, 0.0, -0.0, 0.5, 1e-320, 1e308, float("inf"),
    float("-inf"), float("nan"), "", " ", "a", "~", "~nosuchuser/x", "..", "/", "/proc/1/x", "/dev/null/x", "x" * 300,
    "y/" * 2000, "2026-13-45", "{dataset}", "{run_date}", "{x", "%s", "%00", "ß", "\u202e", "\x1b[31m", "a\nb", "a b", "-1",
    "[red]", "'", '"', "\\", "*", "sqlite:///", "sqlite:////dev/null", "mysql://", "mysql://u@127.0.0.1:1/d", "gs://", "http://[::1",
    "postgresql://u@127.0.0.1:1/d", [], [[]], [1, "a", None], [0], {}, {"a": 1}, {"a": {"b": []}}, [None] * 50, "FnApiRunner",
    "train[:-1]", "train[99%:", "vae", "mnist", "0x1F", "1e5", "nan",
)  # fmt: skip
_SNIPPETS: Final = (
    "", "\n", ":", ": ", "- ", "? ", "{", "}", "[", "]", "&a ", "*a", "<<: *a", "!!binary aa", "!!set {a}", "!",  "|", ">",
    "#", "%YAML 9.9\n---\n", "---\n", "...\n", "\t", "\r", '"', "'", "\x00", "\x07", "\u2028", "1" * 400, "[" * 30,
    "a: 1\na: 2",
)  # fmt: skip
_BYTES: Final = (
    b"",
    b"\x00",
    b"\xff\xfe",
    b"\x80",
    b"\xed\xa0\x80",
    b"PK\x03\x04",
    b"\x89PNG\r\n\x1a\n",
    b"<svg/>",
    b"\x1f\x8b\x08",
)
_FORMATS: Final = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "ICO", "TGA", "PCX", "SGI", "JPEG2000")
_MODES: Final = ("1", "L", "P", "RGB", "RGBA", "LA", "CMYK", "I;16", "F")


def mangled(content: bytes, rng: random.Random) -> bytes:
    """Bytes of which some are changed, left out, repeated or put in."""
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 5, 30))):
        at = rng.randrange(len(changed) + 1)
        end = at + rng.choice((1, 4, 100))
        match rng.randrange(6):
            case 0:
                del changed[at:]
            case 1:
                del changed[at:end]
            case 2:
                changed[at:at] = rng.choice(_BYTES)
            case 3:
                changed[at:end] = rng.randbytes(end - at)
            case 4:
                changed[at:at] = changed[:at][-100:]
            case 5 if at < len(changed):
                changed[at] ^= 1 << rng.randrange(8)
    return bytes(changed)


def keys() -> list[str]:
    """Every setting, by its full name."""
    return list(_flat(PipelineConfig(name="x").model_dump(mode="json"), ""))


def _flat(values: dict[str, Any], prefix: str) -> Iterator[str]:
    for key, value in values.items():
        yield f"{prefix}{key}"
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")


def configuration(rng: random.Random) -> bytes:
    """A file in YAML: of values that do not fit, of text that is no YAML, of bytes that are no text."""
    values = PipelineConfig(name="x").model_dump(mode="json")
    for _ in range(rng.randint(1, 3)):
        section = values
        *path, last = rng.choice(keys()).split(".")
        for key in path:
            section = section[key] if isinstance(section.get(key), dict) else values
        section[rng.choice((last, last, last, f"{last}s", ""))] = rng.choice(VALUES)
    text = write_yaml(values)
    if rng.random() < 0.4:
        for _ in range(rng.randint(1, 3)):
            at = rng.randrange(len(text))
            text = text[:at] + rng.choice(_SNIPPETS) + text[at + rng.randrange(3) :]
    content = text.encode("utf-8", "surrogatepass")
    return mangled(content, rng) if rng.random() < 0.2 else content


def setting(rng: random.Random) -> str:
    """What may stand after `--set`."""
    key = rng.choice((*keys(), *keys(), "", ".", "a..b", "trainer.", "x" * 500, "data.splits.extra", "trainer.epochs.more"))
    value = rng.choice((write_yaml(rng.choice(VALUES)).removesuffix("\n...\n"), rng.choice(_SNIPPETS), str(rng.choice(VALUES))))
    return rng.choice((f"{key}={value}", f"{key}={value}", f"{key}={value}", key, f"{key}:{value}")).replace("\0", "\\0")


def arguments(command: click.Command, rng: random.Random) -> list[str]:
    """Words after a command: some of its options and arguments, with values that may fit, and some that it does not have."""
    words: list[str] = []
    for parameter in command.params:
        value = str(rng.choice((*VALUES, "latest", "1", "d.png", "2d"))).replace("\0", "")
        if isinstance(parameter, click.Argument) and rng.random() < 0.9:
            words += [value] * (1 if parameter.nargs == 1 else rng.randint(0, 2))
        elif isinstance(parameter, click.Option) and rng.random() < 0.25:
            name = rng.choice(parameter.opts)
            words += [name] if parameter.is_flag or rng.random() < 0.05 else [name, value]
    if rng.random() < 0.1:
        words.insert(rng.randrange(len(words) + 1), rng.choice(("--", "-", "--no-such-option", "-x", "--config=", "--set=")))
    return words


def image(rng: random.Random) -> bytes:
    """An image file with damage, or something else."""
    if rng.random() < 0.1:
        return rng.choice(_BYTES) + rng.randbytes(rng.choice((0, 3, 100)))
    size = rng.choice(((1, 1), (28, 28), (3, 50), (200, 1)))
    picture = Image.fromarray(np.frombuffer(rng.randbytes(size[0] * size[1]), np.uint8).reshape(size[::-1]))
    for mode in (rng.choice(_MODES), "RGB", "L"):
        file = io.BytesIO()
        try:
            picture.convert(mode).save(file, rng.choice(_FORMATS))
        except (OSError, ValueError, KeyError):  # not every format has every mode
            continue
        return mangled(file.getvalue(), rng)
    return mangled(b"P5 2 2 255\nabcd", rng)


def body(rng: random.Random, examples: list[bytes]) -> bytes:
    """The body of a request."""
    if rng.random() < 0.4:
        return mangled(rng.choice(examples), rng)
    value: Any = rng.choice(VALUES)
    for level in range(rng.choice((0, 1, 3, 40))):
        name = rng.choice(("x", "image", "count", "seed", "b64"))
        value = rng.choice(([value], [value, 1], [value] * (3 if level < 5 else 1), {name: value}))
    document = {
        "signature_name": rng.choice(("reconstruct", "generate", "", value)),
        rng.choice(("instances", "inputs", "x")): value,
    }
    return json.dumps(document).encode()


def damage(database: Path, rng: random.Random) -> None:
    """Changes a SQLite database, below SQL or with it."""
    if rng.random() < 0.4:
        content = bytearray(database.read_bytes())
        for _ in range(rng.choice((1, 10, 1000))):
            content[rng.randrange(len(content))] = rng.randrange(256)
        database.write_bytes(content if rng.random() < 0.7 else content[: rng.randrange(len(content))])
        return
    connection = sqlite3.connect(database)
    names = sorted(name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'"))
    for _ in range(rng.randint(1, 3)):
        table = rng.choice(names)
        columns = [column[1] for column in connection.execute(f"PRAGMA table_info(`{table}`)")]
        column, value = rng.choice(columns or ["id"]), rng.choice(VALUES)
        value = (
            json.dumps(value) if isinstance(value, list | dict) or (isinstance(value, int) and abs(value) >= 2**63) else value
        )
        statements = {
            f"DROP TABLE `{table}`": (),
            f"DELETE FROM `{table}`": (),
            f"DELETE FROM `{table}` WHERE rowid % 3 = 0": (),
            f"ALTER TABLE `{table}` RENAME COLUMN `{column}` TO other": (),
            f"UPDATE OR IGNORE `{table}` SET `{column}` = ?": (value,),
            f"UPDATE OR IGNORE `{table}` SET `{column}` = ? WHERE rowid % 5 = 1": (value,),
            f"UPDATE OR IGNORE `{table}` SET `{column}` = CAST(? AS BLOB)": (rng.randbytes(5),),
            f"UPDATE OR IGNORE `{table}` SET `{column}` = `{column}` + ?": (rng.randint(-3, 3),),
        }
        statement = rng.choice(list(statements))
        try:
            connection.execute(statement, statements[statement])
        except sqlite3.Error:  # an earlier change has left nothing to change
            continue
    connection.commit()
    connection.close()

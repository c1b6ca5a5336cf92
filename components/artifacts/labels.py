"""The names of labels, which travel with the examples: `label` is an index into them."""

import json
from collections.abc import Sequence
from typing import Final

LABELS_FILE: Final = "labels.json"
"""In the directory of the examples, beside the splits."""


def write_label_names(uri: str, names: Sequence[str]) -> None:
    """Writes the names of labels 0, 1, ... beside the examples.

    Args:
      uri: Of the Examples artifact.
      names: At least one.
    """
    from tfx.dsl.io import fileio

    with fileio.open(f"{uri}/{LABELS_FILE}", "w") as file:
        file.write(json.dumps(list(names), ensure_ascii=False, indent=1))


def read_label_names(uri: str) -> list[str] | None:
    """The names of labels 0, 1, ...; None if the labels are plain numbers or there are none.

    Args:
      uri: Of the Examples artifact.
    """
    from tfx.dsl.io import fileio

    path = f"{uri}/{LABELS_FILE}"
    if not fileio.exists(path):
        return None
    with fileio.open(path, "r") as file:
        return [str(name) for name in json.loads(file.read())]

"""The names of labels: `label` of an example is an index into them. They travel on to the transform graph and to the model."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import tensorflow as tf
from pydantic import TypeAdapter, ValidationError

from components.errors import DataError

LABELS_FILE: Final = "labels.json"
"""In the directory of the examples, beside the splits, and in that of the transform graph."""
EXPORTED_LABELS_FILE: Final = f"assets.extra/{LABELS_FILE}"
"""In the directory of the SavedModel: the labels that it can draw, with their names."""

_LABELS: Final = TypeAdapter(dict[int, str])


def write_label_names(uri: str, names: Sequence[str]) -> None:
    """Writes the names of labels 0, 1, ... into an artifact.

    Args:
      uri: Of Examples or a TransformGraph.
      names: At least one.
    """
    _write(f"{uri}/{LABELS_FILE}", list(names))


def read_label_names(uri: str) -> list[str] | None:
    """The names of labels 0, 1, ...; None if the labels are plain numbers or there are none.

    Args:
      uri: Of Examples or a TransformGraph.
    """
    path = f"{uri}/{LABELS_FILE}"
    if not tf.io.gfile.exists(path):
        return None
    with tf.io.gfile.GFile(path) as file:
        return [str(name) for name in json.loads(file.read())]


def shared_label_names(uris: Iterable[str]) -> list[str]:
    """The names of labels in all spans, each of which adds its new names to those before; none if they are plain numbers."""
    return max((read_label_names(uri) or [] for uri in uris), key=len)


def write_exported_labels(saved_model: str, labels: Mapping[int, str]) -> None:
    """Writes the names of the labels that a model can draw into its SavedModel's directory."""
    path = f"{saved_model.rstrip('/')}/{EXPORTED_LABELS_FILE}"
    tf.io.gfile.makedirs(path.rpartition("/")[0])
    _write(path, labels)


def read_exported_labels(saved_model: str) -> dict[int, str]:
    """What `write_exported_labels` wrote; nothing if the model can draw no labels.

    Raises:
      DataError: The file is cut short or corrupt.
    """
    path = f"{saved_model.rstrip('/')}/{EXPORTED_LABELS_FILE}"
    if not tf.io.gfile.exists(path):
        return {}
    with tf.io.gfile.GFile(path, "rb") as file:
        content = file.read()
    try:
        return _LABELS.validate_json(content)
    except ValidationError as error:
        raise DataError(f"{path} is cut short or corrupt: train the model again, or restore the file.") from error


def _write(path: str, content: object) -> None:
    with tf.io.gfile.GFile(path, "w") as file:
        file.write(json.dumps(content, ensure_ascii=False, indent=1))

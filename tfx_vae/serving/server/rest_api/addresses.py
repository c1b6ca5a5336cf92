"""Which model, version and method a request is for (http_rest_api_util.cc)."""

import re
from typing import Final, NamedTuple
from urllib.parse import unquote

from tfx_vae.serving.server.rest_api.errors import invalid

_VERSION: Final = r"(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
_POST: Final = re.compile(
    rf"/v1/models/(?P<model>[^/:]+){_VERSION}:(?P<method>classify|regress|predict)", re.IGNORECASE | re.ASCII
)
_GET: Final = re.compile(rf"/v1/models(?:/(?P<model>[^/:]+))?{_VERSION}(?:/(?P<method>metadata))?", re.IGNORECASE | re.ASCII)
_LARGEST_VERSION: Final = 2**63 - 1

STATUS: Final = "status"
METADATA: Final = "metadata"
PREDICT: Final = "predict"
_METHODS: Final = {"GET": (METADATA,), "POST": ("classify", "regress", PREDICT)}


class Address(NamedTuple):
    """What a request is for.

    Attributes:
      model: Its name.
      version: None for the newest.
      label: A name for a version.
      method: `status`, `metadata`, `predict`, `classify` or `regress`.
    """

    model: str
    version: int | None
    label: str | None
    method: str


def parse_address(http_method: str, path: str) -> Address:
    """Reads a path as it was sent, with its percent signs.

    Raises:
      RestError: It is none of TensorFlow Serving's.
    """
    malformed = invalid(f"Malformed request: {http_method} {path}")
    if http_method not in _METHODS:
        raise malformed
    found = (_GET if http_method == "GET" else _POST).fullmatch(path)
    if found is None:
        raise malformed
    method = found["method"] if found["method"] in _METHODS[http_method] else STATUS
    if http_method == "POST" and method == STATUS:
        raise malformed
    if found["model"] is None:
        raise invalid("Missing model name in request.")
    version = None if found["version"] is None else int(found["version"])
    if version is not None and version > _LARGEST_VERSION:
        raise invalid(f"Failed to convert version: {found['version']} to numeric.")
    return Address(unquote(found["model"]), version, None if found["label"] is None else unquote(found["label"]), method)

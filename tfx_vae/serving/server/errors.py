"""What a request can be refused with."""

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType


class RestError(Exception):
    """A request is refused, and the message says why; the client gets both.

    Attributes:
      status: The HTTP status.
      headers: What the answer says besides.
    """

    def __init__(self, status: HTTPStatus, message: str, headers: Mapping[str, str] = MappingProxyType({})) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers


def invalid(message: str) -> RestError:
    """The request is wrong: 400, TensorFlow's INVALID_ARGUMENT."""
    return RestError(HTTPStatus.BAD_REQUEST, message)


def not_found(message: str) -> RestError:
    """What is asked for is not there: 404, TensorFlow's NOT_FOUND."""
    return RestError(HTTPStatus.NOT_FOUND, message)

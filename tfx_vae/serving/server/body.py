"""Reads what a client sends, and no more of it than is allowed."""

import asyncio
import zlib
from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

from tfx_vae.serving.server.rest_api.errors import RestError, invalid

_ANY_GZIP_WINDOW: Final = zlib.MAX_WBITS | 16


async def read_body(scope: Scope, receive: Receive, limit: int, seconds: float) -> bytes:
    """Reads the body of a request.

    Args:
      scope: The request, by ASGI.
      receive: Gives its parts.
      limit: Bytes.
      seconds: In which it must have arrived.

    Raises:
      RestError: It is too large, whether it says so first or not, or too slow.
      ClientDisconnect: The client went away.
    """
    announced = Headers(scope=scope).get("content-length", "")
    if announced.isdigit() and int(announced) > limit:
        raise _too_large(limit)
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(seconds):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if size > limit:
                    raise _too_large(limit)
                if not message.get("more_body", False):
                    return b"".join(parts)
    except TimeoutError as error:
        sentence = f"The body of the request did not arrive within {seconds:g} seconds."
        raise RestError(HTTPStatus.REQUEST_TIMEOUT, sentence) from error


def decoded(scope: Scope, body: bytes, limit: int) -> bytes:
    """Unpacks a body that was compressed with gzip, which TensorFlow Serving takes too.

    Raises:
      RestError: It would be too large, or is not gzip.
    """
    if "gzip" not in Headers(scope=scope).get("content-encoding", ""):
        return body
    unpacking = zlib.decompressobj(_ANY_GZIP_WINDOW)
    try:
        unpacked = unpacking.decompress(body, limit + 1)
    except zlib.error as error:
        raise invalid(f"The body of the request is not gzip, as its Content-Encoding says: {error}.") from error
    if len(unpacked) > limit:
        raise _too_large(limit)
    if not unpacking.eof:
        raise invalid("The body of the request ends in the middle of its gzip data.")
    return unpacked


def _too_large(limit: int) -> RestError:
    message = f"The body of the request is larger than the {limit / 2**20:g} MB that this server takes (--max-body-mb)."
    return RestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, message)

"""What one request, and all of them together, may take.

Reads what a client sends, and no more of it than is allowed.

A few threads that compute, and a bounded number of requests that wait for them.
"""

import asyncio
import os
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Final, NamedTuple, TypeVar

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

from tfx_vae.serving.server.errors import RestError, invalid


class Limits(NamedTuple):
    """The bounds of a server.

    Attributes:
      body_bytes: Of one request.
      body_seconds: In which a body must have arrived.
      threads: Requests that are computed at a time.
      waiting: Requests that may wait meanwhile.
      pixels: In all images that one request may send or ask for, at the model's size.
      encoded_pixels: In all images that one request may send as files, at their own size.
    """

    body_bytes: int = 16 * 2**20
    body_seconds: float = 30.0
    threads: int = max(2, os.cpu_count() or 1)
    waiting: int = 32
    pixels: int = 2**21
    encoded_pixels: int = 2**26


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


_Result = TypeVar("_Result")


class Workers:
    """Computes in threads, so that the event loop stays free. For the event loop's thread alone."""

    def __init__(self, threads: int, waiting: int) -> None:
        """Starts none yet.

        Args:
          threads: Requests that are computed at a time.
          waiting: Requests that may wait meanwhile.
        """
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="compute")
        self._threads = threads
        self._waiting = waiting
        self._taken = 0

    @contextmanager
    def place(self) -> Iterator[None]:
        """Takes a place for a request, from before its body is read until it is answered.

        Raises:
          RestError: There is none.
        """
        if self._taken >= self._threads + self._waiting:
            message = f"{self._waiting} requests wait already, and no more may (--max-waiting): try again later."
            raise RestError(HTTPStatus.SERVICE_UNAVAILABLE, message, {"Retry-After": "1"})
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1

    async def run(self, work: Callable[[], _Result], receive: Receive) -> _Result:
        """Computes as soon as a thread is free.

        Args:
          work: What to compute.
          receive: Tells when the client goes away.

        Raises:
          ClientDisconnect: The client went away before it was its turn. What was begun is brought to its end.
        """
        future = self._pool.submit(work)
        done = asyncio.wrap_future(future)
        if self._taken > self._threads:
            gone = asyncio.ensure_future(_disconnection(receive))
            either: set[asyncio.Future[Any]] = {done, gone}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if gone.done() and future.cancel():
                raise ClientDisconnect
            gone.cancel()
        return await done

    def close(self) -> None:
        """Waits for what is being computed, and starts nothing more."""
        self._pool.shutdown(cancel_futures=True)


async def _disconnection(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass

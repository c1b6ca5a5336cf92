"""The limits of requests: the size and duration of their bodies, and how many are computed or wait."""

import asyncio
import os
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Final, NamedTuple, TypeVar

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Receive

from tfx_vae.serving.server.errors import invalid

_Result = TypeVar("_Result")

_ANY_GZIP_WINDOW: Final = zlib.MAX_WBITS | 16


class Limits(NamedTuple):
    """The limits of a server.

    Attributes:
      body_bytes: Of one request.
      body_seconds: Until a body must have arrived.
      threads: Requests that are computed at the same time.
      waiting: Requests that may wait meanwhile.
      waiting_bytes: Of the bodies of all requests that are computed or wait.
      pixels: Of all images that one request sends or asks for, at the model's size.
      encoded_pixels: Of all images that one request sends as files, at their own size.
    """

    body_bytes: int = 16 * 2**20
    body_seconds: float = 30.0
    threads: int = max(2, os.cpu_count() or 1)
    waiting: int = 1000
    waiting_bytes: int = 2**28
    pixels: int = 2**21
    encoded_pixels: int = 2**26


class Workers:
    """Computes in threads, so that the event loop stays free. To be used from the event loop's thread only.

    Not AnyIO's CapacityLimiter: with the task group that drops a waiting request when its client leaves, it takes 130
    microseconds a request where this takes 45, or 30 with 64 requests at once (2026-11-26, two cores of a shared AMD EPYC), and
    the code is no shorter, since exceptions come out of a task group in groups.
    """

    def __init__(self, limits: Limits) -> None:
        """Starts no thread yet."""
        self._pool = ThreadPoolExecutor(limits.threads, thread_name_prefix="compute")
        self._limits = limits
        self._taken = 0
        self._bytes = 0

    @property
    def computing(self) -> int:
        """Requests that have a thread, or could have one."""
        return min(self._taken, self._limits.threads)

    @property
    def waiting(self) -> int:
        """Requests that wait for a thread."""
        return self._taken - self.computing

    @contextmanager
    def place(self) -> Iterator[Callable[[int], None]]:
        """Takes a place for a request, from before its body is read until it is answered.

        Yields:
          A function that takes room for so many bytes of its body; it raises as this one does.

        Raises:
          HTTPException: All places are taken, or the bodies of all requests together are too large.
        """
        if self._taken >= self._limits.threads + self._limits.waiting:
            raise _busy(f"{self._limits.waiting} requests are waiting, the limit of this server (--max-waiting)")
        held = 0

        def hold(size: int) -> None:
            nonlocal held
            held += size
            self._bytes += size
            if self._bytes > self._limits.waiting_bytes:
                raise _busy(f"the waiting requests have {self._limits.waiting_bytes / 2**20:g} MB, the limit of this server")

        self._taken += 1
        try:
            yield hold
        finally:
            self._taken -= 1
            self._bytes -= held

    async def run(self, work: Callable[[], _Result], receive: Receive) -> _Result:
        """Computes as soon as a thread is free.

        Args:
          work: The computation.
          receive: Tells when the client disconnects.

        Raises:
          ClientDisconnect: The client left before the computation began. One that has begun is completed.
        """
        future = self._pool.submit(work)
        done = asyncio.wrap_future(future)
        if self.waiting:
            gone = asyncio.ensure_future(_disconnection(receive))
            either: set[asyncio.Future[Any]] = {done, gone}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if gone.done() and future.cancel():
                raise ClientDisconnect
            gone.cancel()
        return await done

    def close(self) -> None:
        """Waits for running computations, and starts no others."""
        self._pool.shutdown(cancel_futures=True)


async def _disconnection(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def read_body(receive: Receive, headers: Headers, limits: Limits, hold: Callable[[int], None]) -> bytes:
    """Reads the body of a request.

    Args:
      receive: Gives its parts.
      headers: Of the request.
      limits: Of its size and duration.
      hold: Takes room for a part.

    Raises:
      HTTPException: It is too large, whether its length was announced or not, or too slow.
      ClientDisconnect: The client left.
    """
    limit, seconds = limits.body_bytes, limits.body_seconds
    announced = headers.get("content-length", "")
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
                hold(len(parts[-1]))
                if not message.get("more_body", False):
                    return b"".join(parts)
    except TimeoutError as error:
        sentence = f"The body of the request did not arrive within {seconds:g} seconds."
        raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, sentence) from error


def decompressed(body: bytes, headers: Headers, limit: int) -> bytes:
    """Decompresses a body with `Content-Encoding: gzip`.

    Raises:
      HTTPException: It becomes too large, or is not gzip.
    """
    if "gzip" not in headers.get("content-encoding", ""):
        return body
    decompressor = zlib.decompressobj(_ANY_GZIP_WINDOW)
    try:
        content = decompressor.decompress(body, limit + 1)
    except zlib.error as error:
        raise invalid(f"The body of the request is not gzip, as its Content-Encoding says: {error}.") from error
    if len(content) > limit:
        raise _too_large(limit)
    if not decompressor.eof:
        raise invalid("The body of the request ends in the middle of its gzip data.")
    return content


def _busy(reason: str) -> HTTPException:
    return HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, f"Try again later: {reason}.", {"Retry-After": "1"})


def _too_large(limit: int) -> HTTPException:
    message = f"The body of the request is larger than {limit / 2**20:g} MB, the limit of this server (--max-body-mb)."
    return HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, message)

"""A few threads that compute, and a bounded number of requests that wait for them."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from tfx_vae.serving.server.rest_api.errors import RestError

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

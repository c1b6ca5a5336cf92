"""Requests that wait, whose clients leave, or that are being computed."""

import asyncio
import contextlib
import threading
from functools import partial
from typing import Any

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Message

from tfx_vae.serving.server.limits import Limits, Workers


async def never() -> Message:
    """A client that stays."""
    await asyncio.Event().wait()
    raise AssertionError


async def gone() -> Message:
    """A client that goes away at once."""
    return {"type": "http.disconnect"}


def test_a_client_that_leaves_while_waiting_frees_its_place_and_is_not_computed():
    workers = Workers(Limits(threads=1, waiting=1))
    may_end = threading.Event()
    computed: list[str] = []

    def compute(name: str) -> None:
        may_end.wait(30)
        computed.append(name)

    async def ask(name: str, receive: Any) -> None:
        with workers.place():
            await workers.run(partial(compute, name), receive)

    async def everything() -> None:
        first = asyncio.create_task(ask("first", never))
        await asyncio.sleep(0.05)
        with pytest.raises(ClientDisconnect):
            await ask("gone", gone)
        third = asyncio.create_task(ask("third", never))
        await asyncio.sleep(0.05)
        with pytest.raises(HTTPException, match="1 requests are waiting"):
            await ask("too many", never)
        may_end.set()
        await asyncio.gather(first, third)

    asyncio.run(everything())
    workers.close()
    assert computed == ["first", "third"]


def test_a_computation_that_has_begun_is_completed_although_the_client_left():
    workers = Workers(Limits(threads=1, waiting=1))
    has_begun, is_noticed = threading.Event(), threading.Event()

    def work() -> int:
        has_begun.set()
        return 5 if is_noticed.wait(30) else 0

    async def gone_meanwhile() -> Message:
        while not has_begun.is_set():
            await asyncio.sleep(0.01)
        asyncio.get_running_loop().call_later(0.1, is_noticed.set)
        return {"type": "http.disconnect"}

    async def everything() -> int:
        # With two requests for one thread, the client is watched.
        with workers.place(), workers.place():
            return await workers.run(work, gone_meanwhile)

    assert asyncio.run(everything()) == 5
    workers.close()


def test_an_exception_of_the_computation_is_raised():
    workers = Workers(Limits(threads=1, waiting=1))

    async def ask() -> None:
        with workers.place():
            await workers.run(lambda: 1 // 0, never)

    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            asyncio.run(ask())
    workers.close()


def test_the_bodies_of_all_requests_together_have_a_limit():
    workers = Workers(Limits(waiting_bytes=100))
    with workers.place() as hold:
        hold(60)
        with workers.place() as hold_more:
            hold_more(40)
            with pytest.raises(HTTPException, match="the waiting requests have") as refused:
                hold_more(1)
    assert (refused.value.status_code, refused.value.headers) == (503, {"Retry-After": "1"})
    with workers.place() as hold:
        hold(100)
    workers.close()


@pytest.mark.parametrize("waiting", [0, 2])
def test_places_are_threads_and_waiting_requests(waiting: int):
    workers = Workers(Limits(threads=3, waiting=waiting))
    with contextlib.ExitStack() as stack:
        for _ in range(3 + waiting):
            stack.enter_context(workers.place())
        assert (workers.computing, workers.waiting) == (3, waiting)
        with pytest.raises(HTTPException, match=f"{waiting} requests are waiting"):
            stack.enter_context(workers.place())
    assert (workers.computing, workers.waiting) == (0, 0)
    workers.close()

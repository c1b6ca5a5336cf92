"""Who waits, who goes away, and what is brought to its end."""

import asyncio
import threading

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message

from tfx_vae.serving.server.errors import RestError
from tfx_vae.serving.server.limits import Workers


async def never() -> Message:
    """A client that stays."""
    await asyncio.Event().wait()
    raise AssertionError


async def gone() -> Message:
    """A client that goes away at once."""
    return {"type": "http.disconnect"}


def test_who_goes_away_while_waiting_is_not_computed_and_frees_the_place():
    workers = Workers(threads=1, waiting=1)
    may_end = threading.Event()
    computed: list[str] = []

    async def ask(name: str, receive: object) -> None:
        with workers.place():
            await workers.run(lambda: (may_end.wait(30), computed.append(name)), receive)

    async def everything() -> None:
        first = asyncio.create_task(ask("first", never))
        await asyncio.sleep(0.05)
        with pytest.raises(ClientDisconnect):
            await ask("gone", gone)
        third = asyncio.create_task(ask("third", never))
        await asyncio.sleep(0.05)
        with pytest.raises(RestError, match="1 requests wait already"):
            await ask("too many", never)
        may_end.set()
        await asyncio.gather(first, third)

    asyncio.run(everything())
    workers.close()
    assert computed == ["first", "third"]


def test_what_was_begun_is_brought_to_its_end_although_the_client_is_gone():
    workers = Workers(threads=1, waiting=1)
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
        # Of two requests one may have to wait, so it is watched whether the client stays.
        with workers.place(), workers.place():
            return await workers.run(work, gone_meanwhile)

    assert asyncio.run(everything()) == 5
    workers.close()


def test_an_error_is_the_askers_own():
    workers = Workers(threads=1, waiting=1)

    async def ask() -> None:
        with workers.place():
            await workers.run(lambda: 1 // 0, never)

    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            asyncio.run(ask())
    workers.close()

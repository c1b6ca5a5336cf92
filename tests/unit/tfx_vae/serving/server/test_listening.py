"""How a server ends."""

import os
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from starlette.applications import Starlette

from tfx_vae.serving.server.listening import run


@asynccontextmanager
async def interrupted_at_once(_application: Starlette) -> AsyncIterator[None]:
    os.kill(os.getpid(), signal.SIGINT)
    yield


@pytest.fixture(params=[signal.default_int_handler, signal.SIG_IGN], ids=["at a terminal", "in the background of a script"])
def inherited_handler(request: pytest.FixtureRequest) -> Iterator[None]:
    previous = signal.signal(signal.SIGINT, request.param)
    yield
    signal.signal(signal.SIGINT, previous)


@pytest.mark.usefixtures("inherited_handler")
def test_a_signal_ends_the_server_with_an_interruption():
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(KeyboardInterrupt):
        run(Starlette(lifespan=interrupted_at_once), listener)

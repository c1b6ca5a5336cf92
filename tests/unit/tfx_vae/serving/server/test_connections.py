"""Clients that send nothing, send half a request or do not read, and more connections than file descriptors."""

import asyncio
import contextlib
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from support.local_server import wait_until

from tfx_vae.serving.server import connections
from tfx_vae.serving.server.listening import make_server

SECONDS = 0.4
LARGE = 2**24
REQUEST = b"GET /%s HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def answer(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("done")


async def answer_slowly(_request: Request) -> PlainTextResponse:
    await asyncio.sleep(3 * SECONDS)
    return PlainTextResponse("done")


async def answer_much(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("x" * LARGE)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[uvicorn.Server]:
    """With time limits of less than a second."""
    monkeypatch.setattr(connections, "HEAD_SECONDS", SECONDS)
    monkeypatch.setattr(connections, "READ_SECONDS", SECONDS)
    routes = [Route("/", answer), Route("/slow", answer_slowly), Route("/large", answer_much)]
    with running(routes) as server:
        yield server


@contextlib.contextmanager
def running(routes: list[Route]) -> Iterator[uvicorn.Server]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = make_server(Starlette(routes=routes))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        wait_until(lambda: server.started)
        yield server
        server.should_exit = True
        thread.join()


@pytest.fixture
def connect(server: uvicorn.Server) -> Iterator[Callable[[], socket.socket]]:
    with contextlib.ExitStack() as stack:
        address = server.servers[0].sockets[0].getsockname()
        yield lambda: stack.enter_context(socket.create_connection(address, timeout=30))


def is_answered(connection: socket.socket, path: bytes = b"") -> bool:
    connection.sendall(REQUEST % path)
    return receives_answer(connection)


def receives_answer(connection: socket.socket) -> bool:
    received = b""
    while not received.endswith(b"\r\n\r\ndone"):
        part = connection.recv(4096)
        if not part:
            return False
        received += part
    return True


def seconds_until_closed(connection: socket.socket) -> float:
    start = time.monotonic()
    with contextlib.suppress(ConnectionResetError):
        assert connection.recv(1) == b""
    return time.monotonic() - start


@pytest.mark.parametrize("sent", [b"", b"GET", b"GET / HTTP/1.1\r\nHost: lo"])
def test_a_connection_without_a_whole_head_is_closed(connect: Callable[[], socket.socket], sent: bytes):
    first = connect()
    first.sendall(sent)
    assert seconds_until_closed(first) < 10

    later = connect()
    assert is_answered(later)
    later.sendall(sent)
    assert not sent or seconds_until_closed(later) < 10


def test_a_head_that_arrives_byte_by_byte_is_not_waited_for(connect: Callable[[], socket.socket]):
    connection = connect()
    start = time.monotonic()
    with pytest.raises(ConnectionError):
        for byte in (REQUEST % (b"x" * 1000))[:-1]:
            connection.sendall(bytes([byte]))
            time.sleep(SECONDS / 10)
    assert time.monotonic() - start < 10


def test_a_head_without_end_is_not_read(connect: Callable[[], socket.socket]):
    connection = connect()
    connection.sendall(b"GET / HTTP/1.1\r\n")
    with pytest.raises(ConnectionError):
        for _ in range(100):
            connection.sendall(b"X-More: %s\r\n" % (b"x" * 2**16))
    assert is_answered(connect())


def test_a_slow_answer_is_waited_for(connect: Callable[[], socket.socket]):
    connection = connect()
    for path in (b"", b"slow", b""):
        connection.sendall(b"GET /")
        time.sleep(SECONDS / 4)
        connection.sendall((REQUEST % path)[5:])
        assert receives_answer(connection)


def test_a_connection_may_be_idle_between_two_requests(connect: Callable[[], socket.socket]):
    connection = connect()
    assert is_answered(connection)
    time.sleep(3 * SECONDS)
    assert is_answered(connection)


def test_a_client_that_does_not_read_its_answer_is_disconnected(server: uvicorn.Server, connect: Callable[[], socket.socket]):
    for head in (REQUEST, REQUEST[:-2] + b"Connection: close\r\n\r\n"):
        connection = connect()
        connection.sendall(head % b"large")
        wait_until(lambda: len(server.server_state.connections) == 1)
        wait_until(lambda: not server.server_state.connections)
        with contextlib.suppress(ConnectionResetError):
            assert sum(map(len, iter(partial(connection.recv, 2**20), b""))) < LARGE


def test_a_client_that_reads_slowly_gets_its_whole_answer(connect: Callable[[], socket.socket]):
    connection = connect()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**16)
    connection.sendall(REQUEST % b"large")
    received, start = 0, time.monotonic()
    while received < LARGE:
        part = connection.recv(2**18)
        assert part
        received += len(part)
        time.sleep(0.005)
    assert time.monotonic() - start > 2 * SECONDS


SERVER_WITH_FEW_DESCRIPTORS = """
import resource, socket
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

resource.setrlimit(resource.RLIMIT_NOFILE, (128, 256))
from tfx_vae.serving.server.listening import run

async def answer(request):
    return PlainTextResponse("done")

with socket.create_server(("127.0.0.1", 0)) as listener:
    print(f"port {listener.getsockname()[1]}.", flush=True)
    run(Starlette(routes=[Route("/", answer)]), listener)
"""


def test_more_idle_connections_than_descriptors_block_no_client_and_do_not_fill_the_log(tmp_path):
    log = tmp_path / "log"
    with log.open("w") as file:
        process = subprocess.Popen([sys.executable, "-c", SERVER_WITH_FEW_DESCRIPTORS], stdout=file, stderr=file)
    with contextlib.ExitStack() as stack:
        stack.callback(process.wait)
        stack.callback(process.kill)
        wait_until(lambda: re.search(r"port \d+\.", log.read_text()) is not None)
        address = ("127.0.0.1", int(re.findall(r"port (\d+)\.", log.read_text())[0]))
        wait_until(lambda: socket.socket().connect_ex(address) == 0)
        first = stack.enter_context(socket.create_connection(address))
        assert is_answered(first)
        for number in range(300):
            idle = stack.enter_context(socket.create_connection(address))
            idle.sendall(REQUEST[: number % 20])
        start = time.monotonic()
        for _ in range(20):
            assert is_answered(stack.enter_context(socket.create_connection(address, timeout=30)))
        assert time.monotonic() - start < 5
        assert len(log.read_text()) < 1000, log.read_text()[:3000]

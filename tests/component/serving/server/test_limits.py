"""The limits of requests, in memory, number and time.

The server of these tests takes bodies of 1 MB, computes two requests at a time and lets three wait.
"""

import asyncio
import contextlib
import gzip
import json
import socket
from collections.abc import Iterator

import httpx
import pytest
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import Message
from support.local_server import HOST, MODEL, PREDICT, LocalServer, wait_until

from tfx_vae.serving.server.limits import Limits, read_body

MEGABYTE = 2**20
TOO_LARGE = {"error": "The body of the request is larger than 1 MB, the limit of this server (--max-body-mb)."}
GOOD = b'{"signature_name": "decode", "inputs": [[0, 0, 0, 0]]}'


@contextlib.contextmanager
def begun(server: LocalServer, head: str, body: bytes = b"") -> Iterator[socket.socket]:
    """A request whose body has begun to arrive."""
    with socket.create_connection((HOST, server.port), timeout=30) as connection:
        connection.sendall(f"POST {PREDICT} HTTP/1.1\r\nHost: localhost\r\n{head}\r\n\r\n".encode() + body)
        yield connection


def status(connection: socket.socket) -> int:
    return int(connection.recv(4096).split()[1])


def test_a_body_with_too_large_a_content_length_is_not_read(server: LocalServer):
    with begun(server, f"Content-Length: {MEGABYTE + 1}") as connection:
        assert status(connection) == 413


def test_a_body_without_content_length_is_refused_once_it_is_too_large(server: LocalServer):
    with begun(server, "Transfer-Encoding: chunked", b"%x\r\n" % (MEGABYTE + 1) + b" " * (MEGABYTE + 1)) as connection:
        assert status(connection) == 413


def test_the_largest_body_is_taken_in_either_way(client: httpx.Client):
    body = GOOD + b" " * (MEGABYTE - len(GOOD))
    for content in (body, iter([body[:1000], body[1000:]])):
        assert client.post(PREDICT, content=content).status_code == 200
    for content in (body + b" ", iter([body, b" "])):
        answer = client.post(PREDICT, content=content)
        assert (answer.status_code, answer.json()) == (413, TOO_LARGE)


def test_a_body_may_not_become_too_large_when_it_is_decompressed(client: httpx.Client):
    packed = {"Content-Encoding": "gzip"}
    answer = client.post(PREDICT, content=gzip.compress(b" " * (200 * MEGABYTE)), headers=packed)

    assert (answer.status_code, answer.json()) == (413, TOO_LARGE)
    assert "not gzip" in client.post(PREDICT, content=GOOD, headers=packed).json()["error"]
    assert "middle of its gzip data" in client.post(PREDICT, content=gzip.compress(GOOD)[:-9], headers=packed).json()["error"]


def test_a_request_without_a_place_is_refused_until_another_leaves(server: LocalServer, client: httpx.Client):
    places = 2 + 3
    with contextlib.ExitStack() as stack:
        others = [stack.enter_context(begun(server, f"Content-Length: {len(GOOD)}", GOOD[:9])) for _ in range(places)]

        wait_until(lambda: client.post(PREDICT, content=GOOD).status_code == 503)
        refused = client.post(PREDICT, content=GOOD)
        assert refused.json() == {"error": "Try again later: 3 requests are waiting, the limit of this server (--max-waiting)."}
        assert refused.headers["retry-after"] == "1"
        # What costs nothing is answered all the same.
        assert client.get(MODEL).status_code == 200

        others[0].close()
        wait_until(lambda: client.post(PREDICT, content=GOOD).status_code == 200)
        # Those who began first are not forgotten.
        for connection in others[1:]:
            connection.sendall(GOOD[9:])
        assert [status(connection) for connection in others[1:]] == [200] * (places - 1)


def test_a_body_must_arrive_in_time():
    async def receive() -> Message:
        await asyncio.sleep(60)
        raise AssertionError("It waited.")

    with pytest.raises(HTTPException, match=r"did not arrive within 0\.05 seconds") as refused:
        asyncio.run(read_body(receive, Headers(), Limits(body_seconds=0.05), lambda _size: None))
    assert refused.value.status_code == 408


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8501", "127.0.0.1.evil.example", ""])
def test_a_foreign_host_name_is_refused(client: httpx.Client, host: str):
    for answer in (client.get("/", headers={"Host": host}), client.post(PREDICT, content=GOOD, headers={"Host": host})):
        assert (answer.status_code, answer.text) == (400, "Invalid host header")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8501", "127.0.0.1:9", "[::1]:8501"])
def test_the_names_of_this_machine_are_accepted(client: httpx.Client, host: str):
    assert client.post(PREDICT, content=GOOD, headers={"Host": host}).status_code == 200


def test_many_clients_at_once_each_get_their_own_answer(server: LocalServer):
    """Four at a time: as many as find a place for certain."""

    async def ask_all() -> None:
        async with httpx.AsyncClient(base_url=server.address, timeout=60) as client:
            turn = asyncio.Semaphore(4)

            async def ask(number: int) -> None:
                body = {"signature_name": "generate", "inputs": {"count": number % 5 + 1, "seed": [number, 0]}}
                async with turn:
                    answer = await client.post(PREDICT, content=json.dumps(body))
                assert len(answer.json()["outputs"]) == number % 5 + 1

            await asyncio.gather(*map(ask, range(40)))

    asyncio.run(ask_all())

"""Closes the connections of clients that neither send a request nor read their answer."""

import asyncio
import resource
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS: Final = 20.0
READ_SECONDS: Final = 60.0
HEAD_BYTES: Final = 2**16

_DESCRIPTORS: Final = 2**16
# For files, the log and TensorFlow.
_RESERVED_DESCRIPTORS: Final = 100


def raise_descriptor_limit() -> None:
    """Lets the process open as many files as it may: the usual limit of 1,024 is less than the requests that may wait."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def most_connections() -> int:
    """How many connections leave enough file descriptors for everything else."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _DESCRIPTORS if soft == resource.RLIM_INFINITY else max(soft - _RESERVED_DESCRIPTORS, soft // 2)


class BoundedConnection(HttpToolsProtocol):
    """uvicorn's connection, with time limits and a limit on their number.

    uvicorn alone closes a connection only if it is idle after an answer (`timeout_keep_alive`). This class also closes one
    whose client does not complete the head of a request in HEAD_SECONDS, or within about HEAD_BYTES, or reads nothing of its
    answer for READ_SECONDS. If there are too many connections, the one that is idle for the longest time is closed.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._head_timer: asyncio.TimerHandle | None = None
        self._read_timer: asyncio.TimerHandle | None = None
        self._idle_since = self.loop.time()
        self._head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts the time limit of the first request."""
        super().connection_made(transport)
        self._expect_head()
        if len(self.connections) > most_connections():
            self._make_room()

    def data_received(self, data: bytes) -> None:
        """Starts the time limit with the first bytes of a request, and stops it when the head is complete."""
        super().data_received(data)
        if self._is_idle():
            self._expect_head()
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES:
                self.transport.abort()
            return
        self._head_bytes = 0
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def on_response_complete(self) -> None:
        """Notes when the connection became idle."""
        self._idle_since = self.loop.time()
        super().on_response_complete()

    def timeout_keep_alive_handler(self) -> None:
        """Closes also with unsent data, for which uvicorn would wait."""
        self.transport.abort()

    def pause_writing(self) -> None:
        """Starts the time limit for reading."""
        super().pause_writing()
        self._read_timer = self.loop.call_later(READ_SECONDS, self._expect_reading, self._unsent())

    def resume_writing(self) -> None:
        """Stops the time limit for reading."""
        super().resume_writing()
        if self._read_timer is not None:
            self._read_timer.cancel()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops both time limits."""
        super().connection_lost(exc)
        for timer in (self._head_timer, self._read_timer):
            if timer is not None:
                timer.cancel()

    def _make_room(self) -> None:
        # Those that were just closed are still in the set.
        connections = (other for other in self.connections if isinstance(other, BoundedConnection))
        open_ = [other for other in connections if not other.transport.is_closing()]
        if len(open_) > most_connections():
            min(filter(BoundedConnection._is_idle, open_), key=lambda other: other._idle_since).transport.abort()

    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _expect_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _expect_reading(self, unsent_before: int) -> None:
        unsent = self._unsent()
        if unsent >= unsent_before:
            self.transport.abort()
        else:
            self._read_timer = self.loop.call_later(READ_SECONDS, self._expect_reading, unsent)

    def _unsent(self) -> int:
        return self.transport.get_write_buffer_size()

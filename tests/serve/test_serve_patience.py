"""A connection whose client owes something is given up in time: a head, on every request; and the reading of answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from serve_helpers import front
from uvicorn.server import ServerState

import virtual_time
from carbonscaling.serve.limits import Limits

HEADER_S = 10.0
REQUEST = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\n"
LARGE = 200_000


class Transport(asyncio.Transport):
    """A client that reads at once, or does not read at all."""

    def __init__(self, reads: bool = True) -> None:
        super().__init__()
        self.reads, self.written, self.unread = reads, b"", 0
        self.ended_at: float | None = None
        self.protocol: Any = None

    def write(self, data: Any) -> None:
        self.written += bytes(data)
        if not self.reads:
            self.unread += len(data)
            if self.unread > 65_536:
                self.protocol.pause_writing()

    def read(self, n: int) -> None:
        self.unread -= n

    def get_write_buffer_size(self) -> int:
        return self.unread

    def is_closing(self) -> bool:
        return self.ended_at is not None

    def abort(self) -> None:
        if self.ended_at is None:
            self.ended_at = asyncio.get_running_loop().time()
            self.protocol.connection_lost(None)

    def close(self) -> None:
        if not self.unread:  # what nobody reads keeps a closed connection open
            self.abort()

    def pause_reading(self) -> None:
        pass

    resume_reading = pause_reading


async def app(scope: Any, _receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
    """Answer at once, or after a minute, or at length; without looking at a body."""
    await asyncio.sleep(60.0 if scope["path"] == "/slow" else 0.0)
    body = b"a" * (LARGE if scope["path"] == "/large" else 2)
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def connected(reads: bool = True) -> Transport:
    """Return the connection of a client that has sent nothing yet."""
    config = front(Limits(header_s=HEADER_S))
    config.app = app
    config.load()
    transport = Transport(reads)
    transport.protocol = config.http_protocol_class(config=config, server_state=ServerState(), app_state={})  # type: ignore[call-arg]
    transport.protocol.connection_made(transport)
    return transport


async def dripped(transport: Transport, data: bytes) -> int:
    """Send a byte a second; return how many were sent before the connection ended."""
    for n in range(len(data)):
        if transport.is_closing():
            return n
        transport.protocol.data_received(data[n : n + 1])
        await asyncio.sleep(1.0)
    return len(data)


@pytest.mark.parametrize("before", [0, 1, 2, 5])
def test_the_head_of_every_request_must_come_in_time(before: int) -> None:
    async def main() -> None:
        transport = connected()
        for _ in range(before):
            transport.protocol.data_received(REQUEST)
            await asyncio.sleep(3.0)
        assert transport.written.count(b"HTTP/1.1 200") == before
        sent = await dripped(transport, REQUEST)
        assert sent <= HEADER_S
        assert transport.ended_at == pytest.approx(HEADER_S + 3.0 * max(0, before - 1))

    virtual_time.run(main())


def test_a_client_that_keeps_time_is_kept() -> None:
    async def main() -> None:
        transport = connected()
        for n in range(20):
            await asyncio.sleep(HEADER_S - 1.0)
            transport.protocol.data_received(REQUEST)
            await asyncio.sleep(0.5)
            assert transport.written.count(b"HTTP/1.1 200") == n + 1
        assert not transport.is_closing()

    virtual_time.run(main())


@pytest.mark.parametrize("before", [0, 1])
def test_an_answer_may_take_longer_than_a_head(before: int) -> None:
    async def main() -> None:
        transport = connected()
        transport.protocol.data_received(REQUEST * before + REQUEST.replace(b"/ ", b"/slow ", 1))
        await asyncio.sleep(61.0)
        assert transport.written.count(b"HTTP/1.1 200") == 1 + before
        assert not transport.is_closing()

    virtual_time.run(main())


def test_a_body_that_was_refused_is_not_waited_for() -> None:
    async def main() -> None:
        transport = connected()
        transport.protocol.data_received(POST)
        await asyncio.sleep(0.0)
        assert await dripped(transport, b"a" * 1000) <= HEADER_S + 1
        assert b"HTTP/1.1 200" in transport.written

    virtual_time.run(main())


@pytest.mark.parametrize("path", [b"/ ", b"/large "])
@pytest.mark.parametrize("together", [1, 50])
def test_answers_that_nobody_reads_are_thrown_away(path: bytes, together: int) -> None:
    async def main() -> None:
        transport = connected(reads=False)
        transport.protocol.data_received(REQUEST.replace(b"/ ", path) * together)
        await asyncio.sleep(2 * HEADER_S)
        assert transport.is_closing()
        assert transport.unread < 2 * LARGE, "answers pile up"

    virtual_time.run(main())


def test_a_slow_reader_has_its_answer() -> None:
    async def main() -> None:
        transport = connected(reads=False)
        transport.protocol.data_received(REQUEST.replace(b"/ ", b"/large "))
        await asyncio.sleep(0.0)
        for _ in range(20):
            await asyncio.sleep(HEADER_S - 1.0)
            assert not transport.is_closing()
            transport.read(LARGE // 20)
        transport.read(transport.unread)
        await asyncio.sleep(2 * HEADER_S)
        assert transport.is_closing()

    virtual_time.run(main())


@pytest.mark.parametrize("answered", [False, True])
def test_a_body_that_breaks_off_into_nonsense(answered: bool) -> None:
    async def main() -> None:
        transport = connected()
        transport.protocol.data_received(b"POST / HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n")
        if answered:
            await asyncio.sleep(1.0)
        transport.protocol.data_received(b"zz\r\n")
        assert transport.written.startswith(b"HTTP/1.1 200" if answered else b"HTTP/1.1 400")
        assert transport.is_closing()

    virtual_time.run(main())

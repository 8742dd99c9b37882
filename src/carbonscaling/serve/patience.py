"""How long a connection waits for its client: for every request's head, and for an answer to be read."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["impatient"]


def impatient(header_s: float) -> type[H11Protocol]:
    """Return the HTTP protocol that hangs up on a client which owes it something for too long.

    The server's own patience ends with the first byte of a request, so that a head sent byte by byte holds a connection
    forever; and it waits forever for an answer to be read.

    Parameters
    ----------
    header_s : float
        Seconds from the connection, or from the last answer, until the next request has begun; and in which some of an
        answer must have been read.
    """

    class Impatient(H11Protocol):
        _deadline: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._wait()

        def on_response_complete(self) -> None:
            self._wait()  # before a request that is here already begins
            super().on_response_complete()

        def connection_lost(self, exc: Exception | None) -> None:
            self._forget()
            super().connection_lost(exc)

        def _wait(self) -> None:
            self._forget()
            unread = self.transport.get_write_buffer_size()
            self._deadline = self.loop.call_later(header_s, self._late, self.cycle, unread)

        def _forget(self) -> None:
            if self._deadline is not None:
                self._deadline.cancel()

        def _late(self, last: object, before: int) -> None:
            unread = self.transport.get_write_buffer_size()
            if 0 < unread < before:
                self._wait()
            elif unread or self.cycle is last:
                self.transport.abort()

        def send_400_response(self, msg: str) -> None:
            if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
                super().send_400_response(msg)
            else:  # the rest of a body is no HTTP, and its request is answered
                self.transport.abort()

    return Impatient

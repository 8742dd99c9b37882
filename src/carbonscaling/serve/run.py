"""Run the service with uvicorn: loopback unless told otherwise, and no patience with those who send nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from carbonscaling.serve.app import create_app
from carbonscaling.serve.guard import HEAD_BYTES, LOOPBACK
from carbonscaling.serve.limits import Limits

__all__ = ["config_of", "run"]

CONNECTIONS = 1024


def _impatient(header_s: float) -> type[asyncio.Protocol]:
    """Return the HTTP protocol that hangs up on a client whose request has not begun in time."""

    class Impatient(H11Protocol):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self.loop.call_later(header_s, self._late)

        def _late(self) -> None:
            begun: object = self.cycle  # None until a request has begun, whatever its annotation says
            if begun is None and not self.transport.is_closing():
                self.transport.close()

    return Impatient


def config_of(host: str, port: int, processes: int, limits: Limits, allow_hosts: Sequence[str] = ()) -> uvicorn.Config:
    """Return the server's configuration.

    Parameters
    ----------
    host, port : address to listen on.
    processes : int
        Processes that answer.
    limits : Limits
    allow_hosts : sequence of str
        Names that clients may call it by, beside those of loopback and `host` itself.
    """
    names = {*LOOPBACK, *allow_hosts, *({host} if host not in ("0.0.0.0", "::") else ())}
    return uvicorn.Config(
        create_app(processes, limits, names),
        host=host,
        port=port,
        http=_impatient(limits.header_s),
        ws="none",
        loop="asyncio",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=10,
        timeout_graceful_shutdown=5,
        limit_concurrency=CONNECTIONS,
        h11_max_incomplete_event_size=HEAD_BYTES,
    )


def run(config: uvicorn.Config) -> None:
    """Serve until interrupted."""
    uvicorn.Server(config).run()

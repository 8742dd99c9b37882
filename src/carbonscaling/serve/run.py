"""Run the service with uvicorn: loopback unless told otherwise, and no patience with those who send nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

import uvicorn

from carbonscaling.search import compiled
from carbonscaling.serve.app import create_app
from carbonscaling.serve.guard import HEAD_BYTES, LOOPBACK
from carbonscaling.serve.limits import Limits
from carbonscaling.serve.patience import impatient

__all__ = ["config_of", "run"]

CONNECTIONS = 1024
MAKE = (
    "from carbonscaling.platform import give_way; give_way(); "
    "from carbonscaling.search.evaluate import prepare; prepare()"
)
"""Makes the search's machine code and leaves it on disk, when nothing else wants the processor."""


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
        http=impatient(limits.header_s),
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
    """Serve until interrupted; where machine code has to be made for this, do so meanwhile, before no answer."""
    maker = None
    if compiled.available() and not compiled.on_disk():
        maker = subprocess.Popen([sys.executable, "-c", MAKE], stderr=subprocess.DEVNULL)
    try:
        uvicorn.Server(config).run()
    finally:
        if maker is not None:
            maker.kill()
            maker.wait()

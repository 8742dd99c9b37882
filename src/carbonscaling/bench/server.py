"""The page's server asked by several clients at once."""

from __future__ import annotations

import contextlib
import http.client
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from carbonscaling.errors import CarbonScalingError
from carbonscaling.record import dataclass

__all__ = ["Served", "served"]

START_S = 120.0


@dataclass(frozen=True)
class Served:
    """How long clients waited, in s, and how many answers they had a second."""

    median_s: float
    slowest_s: float
    per_second: float


@contextlib.contextmanager
def served() -> Iterator[Callable[[str, list[list[bytes]]], Served]]:
    """Start the service as a user does; yield a function of a question's kind and every client's questions.

    Raises
    ------
    CarbonScalingError
        It does not start, or refuses a question.
    """
    port = _free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "carbonscaling", "serve", "--port", str(port), "--timeout", "600"],
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait(port)
        yield lambda kind, questions: _ask(port, kind, questions)
    finally:
        process.terminate()
        process.wait()


def _free_port() -> int:
    import socket

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _wait(port: int) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        with contextlib.suppress(OSError), contextlib.closing(connection):
            connection.request("GET", "/health")
            if connection.getresponse().status == 200:
                return
        time.sleep(0.1)
    raise CarbonScalingError("the service did not start")


def _reply(connection: http.client.HTTPConnection, kind: str, question: bytes) -> http.client.HTTPResponse:
    """Ask once more where the service has closed a connection that it was done with."""
    for last in (False, True):
        try:
            connection.request("POST", f"/api/v1/{kind}", question, {"content-type": "application/json"})
            return connection.getresponse()
        except ConnectionError:
            if last:
                raise
            connection.close()
    raise AssertionError


def _ask(port: int, kind: str, questions: list[list[bytes]]) -> Served:
    def client(own: list[bytes]) -> list[float]:
        waits = []
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port)) as connection:
            for question in own:
                begin = time.perf_counter()
                reply = _reply(connection, kind, question)
                reply.read()
                if reply.status != 200:
                    raise CarbonScalingError(f"the service answered {reply.status}")
                waits.append(time.perf_counter() - begin)
        return waits

    begin = time.perf_counter()
    with ThreadPoolExecutor(len(questions)) as clients:
        waits = [wait for own in clients.map(client, questions) for wait in own]
    return Served(statistics.median(waits), max(waits), len(waits) / (time.perf_counter() - begin))

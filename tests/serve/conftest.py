"""One service for the tests that talk to a real process, one in this process for the others."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from carbonscaling.serve.app import create_app

STARTS_WITHIN = 300.0
"""Seconds, a first compilation of the search on a busy machine included."""


@dataclass(frozen=True)
class Service:
    """A running ``carbonscaling serve``."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str) -> int:
        with urllib.request.urlopen(self.url + path, timeout=30) as response:
            return int(response.status)

    def pids(self) -> list[int]:
        """The server and the processes it started."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(encoding="ascii")
        return [self.process.pid, *map(int, children.split())]

    def memory_mb(self) -> float:
        """Resident memory of all of them."""
        pages = [int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) for pid in self.pids()]
        return sum(pages) * 4096 / 1e6


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@pytest.fixture(scope="session")
def service() -> Iterator[Service]:
    port = _free_port()
    command = [sys.executable, "-m", "carbonscaling", "serve", "--port", str(port), "--processes", "2"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    found = Service(port, process)
    deadline = time.monotonic() + STARTS_WITHIN
    try:
        while True:
            try:
                if found.get("/health") == 200:
                    break
            except OSError:
                assert process.poll() is None, "the service ended at once"
                assert time.monotonic() < deadline, "the service did not start"
                time.sleep(0.2)
        yield found
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="session")
def client() -> Iterator[TestClient]:
    with TestClient(create_app(1), base_url="http://localhost") as found:
        yield found

"""What the tests of the service share: a running service, the browser, what a page may be opened with."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import uvicorn
from playwright.sync_api import Browser, Page

from carbonscaling import platform
from carbonscaling.serve import app
from carbonscaling.serve.limits import Limits
from carbonscaling.serve.run import config_of

CHROMIUM = platform.browser()
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no browser on this machine")
PATIENCE = 300_000
"""Milliseconds a page may take for anything."""
SIZES = {"desktop": (1400, 1000), "phone": (390, 844)}
HANGS_S = 600.0
"""Seconds after which something that waits counts as hung; no test measures by it."""


@dataclass(frozen=True)
class Service:
    """A running ``carbonscaling serve``."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str) -> int:
        with urllib.request.urlopen(self.url + path, timeout=HANGS_S) as response:
            return int(response.status)

    def pids(self) -> list[int]:
        """The server and the processes it started."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(encoding="ascii")
        return [self.process.pid, *map(int, children.split())]

    def workers(self) -> list[int]:
        """The processes that answer."""
        return [pid for pid in self.pids()[1:] if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]

    def memory_mb(self) -> float:
        """Resident memory of all of them."""
        pages = [int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) for pid in self.pids()]
        return sum(pages) * 4096 / 1e6


Open = Callable[..., Page]


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@contextmanager
def running() -> Iterator[Service]:
    """Start the service as a user does, and wait until it answers."""
    port = _free_port()
    command = [
        sys.executable,
        "-m",
        "carbonscaling",
        "serve",
        "--port",
        str(port),
        "--processes",
        "2",
        "--timeout",
        str(HANGS_S),
    ]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    found = Service(port, process)
    deadline = time.monotonic() + HANGS_S
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
        process.wait(HANGS_S)


class _Nobody:
    """Stands for the processes that answer."""

    n = 0

    async def start(self) -> None:
        pass

    def close(self) -> None:
        pass


def front(limits: Limits, port: int = 0) -> uvicorn.Config:
    """Return the service's configuration, with nobody to compute."""
    with mock.patch.object(app, "Pool", return_value=_Nobody()):
        return config_of("127.0.0.1", port, 1, limits)


@contextmanager
def fronting(limits: Limits) -> Iterator[int]:
    """Run the service in a thread, with nobody to compute; yield its port."""
    port = _free_port()
    server = uvicorn.Server(front(limits, port))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the service ended at once"
            time.sleep(0.05)
        yield port
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def watched_pages(browser: Browser, service: Service) -> Iterator[Open]:
    """Open the planner; after the test no error and no foreign request may have been seen."""
    contexts, troubles = [], []

    def open_(link: str = "", size: str = "desktop", scheme: Any = "light") -> Page:
        width, height = SIZES[size]
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, accept_downloads=True,
            has_touch=size == "phone",
        )  # fmt: skip
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("console", lambda m: troubles.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda e: troubles.append(str(e)))
        page.on("request", lambda r: None if r.url.startswith((service.url, "blob:")) else troubles.append(r.url))
        page.goto(f"{service.url}/{link}")
        page.wait_for_selector("body[data-redraws]")
        return page

    yield open_
    for context in contexts:
        context.close()
    # A refused scenario is answered with 4xx, which Chromium logs as an error of its own accord.
    assert [t for t in troubles if "Failed to load resource" not in t or "50" in t.rpartition("status of")[2][:4]] == []

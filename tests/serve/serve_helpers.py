"""What the tests of the service share: a running service, the browser, what a page may be opened with."""

from __future__ import annotations

import shutil
import subprocess
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
PATIENCE = 90_000
"""Milliseconds a page may take for anything."""
SIZES = {"desktop": (1400, 1000), "phone": (390, 844)}
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


Open = Callable[..., Page]

"""One service for the tests that talk to a real process, one in this process for the others."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from serve_helpers import CHROMIUM, PATIENCE, SIZES, STARTS_WITHIN, Open, Service
from starlette.testclient import TestClient

from carbonscaling.serve.app import create_app


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


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def open_page(browser: Browser, service: Service) -> Iterator[Open]:
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

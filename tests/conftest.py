"""Settings of the whole suite."""

from __future__ import annotations

import gc
from collections.abc import Generator, Iterator
from copy import copy
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, settings

# Shared machines stall for longer than an example takes: no deadline, and the same examples every time.
settings.register_profile(
    "steady", deadline=None, derandomize=True, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("steady")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, Any, Any]:
    """Ten thousand tests stay to the end: nobody looks for garbage among them."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What tests of a file work out together comes first: a worker that steals takes from the end, and would do it again."""
    items.sort(key=lambda item: not item.path.name.startswith("test_validat"))


@pytest.fixture(autouse=True)
def _fresh_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test inherits the time that others spent with NumPy, after which a search is compiled."""
    from carbonscaling.search.evaluate import Clock

    monkeypatch.setattr(Clock, "spent", 0.0)


@pytest.fixture(scope="session", autouse=True)
def _parsed_as_by_the_command() -> Iterator[None]:
    """A process parses one command line, without pydantic; this one thousands: each command's options are worked out once."""
    from cyclopts import App, ArgumentCollection
    from cyclopts.argument import _argument

    own, several = App.assemble_argument_collection, cast(Any, ArgumentCollection)
    known: dict[Any, ArgumentCollection] = {}

    def assembled(app: App, **how: Any) -> Any:
        if any(how.values()):
            return own(app, **how)
        if app.default_command not in known:
            known[app.default_command] = own(app)
        found = {id(argument): copy(argument) for argument in known[app.default_command]}
        for argument in found.values():
            argument.tokens, argument.children = [], several(found[id(x)] for x in argument.children)
        return several(found.values())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(App, "assemble_argument_collection", assembled)
        patch.setattr(_argument, "parse_version", lambda _: (1,))  # a pydantic that the parser leaves alone
        yield


@pytest.fixture(scope="session")
def service() -> Iterator[Any]:
    """A running ``carbonscaling serve``."""
    from serve_helpers import running

    with running() as found:
        yield found


@pytest.fixture(scope="session")
def client() -> Iterator[Any]:
    """The service inside this process, without a network."""
    from starlette.testclient import TestClient

    from carbonscaling.serve.app import create_app
    from carbonscaling.serve.limits import Limits

    with TestClient(create_app(1, Limits(job_s=600.0)), base_url="http://localhost") as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """The browser that this machine has; closed after a module, because its event loop suffers no other."""
    from playwright.sync_api import sync_playwright
    from serve_helpers import CHROMIUM

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def open_page(browser: Any, service: Any) -> Iterator[Any]:
    """Open the planner; after the test no error and no foreign request may have been seen."""
    from serve_helpers import watched_pages

    with watched_pages(browser, service) as found:
        yield found

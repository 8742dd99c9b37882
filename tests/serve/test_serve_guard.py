"""Which names a service answers to, and from which pages."""

from __future__ import annotations

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from carbonscaling.serve.guard import LOOPBACK, Guard


def _status(host: str, *, hosts: frozenset[str] = LOOPBACK, **headers: str) -> int:
    client = TestClient(Guard(PlainTextResponse("here"), hosts))
    return client.get("/", headers={"host": host, **headers}).status_code


@pytest.mark.parametrize("host", ["localhost", "LocalHost:8000", "127.0.0.1", "127.0.0.1:80", "[::1]", "[::1]:8000"])
def test_names_of_this_machine_with_and_without_a_port(host: str) -> None:
    assert _status(host) == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "www.localhost", "*", "", "[::2]:8000", "[::1", "evil.example:localhost"]
)  # fmt: skip
def test_other_names_are_refused_in_words(host: str) -> None:
    reply = TestClient(Guard(PlainTextResponse("here"), LOOPBACK)).get("/", headers={"host": host})
    assert reply.status_code == 403
    assert "--allow-host" in reply.json()["error"]["remedy"]
    assert reply.headers["x-content-type-options"] == "nosniff"


def test_an_allowed_name_is_one_however_it_is_written() -> None:
    assert _status("planner.example:8000", hosts=frozenset({"Planner.Example"})) == 200
    assert _status("localhost", hosts=frozenset({"Planner.Example"})) == 403
    assert _status("anything.example", hosts=frozenset()) == 200, "none given: any"


@pytest.mark.parametrize(
    ("origin", "status"),
    [("http://localhost:8000", 200), ("http://localhost", 403), ("https://evil.example", 403), ("null", 403)],
)
def test_pages_of_other_sites_may_not_call(origin: str, status: int) -> None:
    assert _status("localhost:8000", origin=origin) == status

"""What was wrong in the service, found by the fuzzer or beside it, each as the request that showed it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from carbonscaling.serve import app
from carbonscaling.serve.guard import BUG, Guard
from carbonscaling.serve.jobs import Job, Reply
from fuzz.web import GOOD, Request, send, service

HOST, JSON = (b"host", b"localhost"), (b"content-type", b"application/json")


@pytest.fixture
def here(tmp_path: Path) -> Guard:
    return service(tmp_path)


def answer(
    to: Guard,
    body: bytes = b"{}",
    path: str = "/api/v1/estimate",
    headers: tuple[tuple[bytes, bytes], ...] = (HOST, JSON),
) -> tuple[int, Any]:
    """Send a request in one piece."""
    reply = asyncio.run(send(to, Request("POST", path, b"", list(headers), body)))
    assert reply is not None
    return reply.status, json.loads(reply.text, parse_constant=pytest.fail)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (((b"host", b"["), JSON), 403),
        ((HOST, JSON, (b"origin", b"http://[")), 403),
        ((HOST, JSON, (b"content-length", b"\xb2")), 422),
        ((HOST, JSON, (b"content-length", b"9" * 5000)), 413),
    ],
)
def test_headers_that_are_no_address_and_no_number(here: Guard, headers: Any, status: int) -> None:
    assert answer(here, headers=headers)[0] == status


@pytest.mark.parametrize("body", [b'{"model": "\\ud800"}', b'{"\\udfff": 1}', b'{"\\ud800": 1, "\\ud800": 1}'])
def test_half_a_surrogate_pair(here: Guard, body: bytes) -> None:
    assert answer(here, body)[0] == 400


def test_a_path_with_one_slash_too_many(here: Guard) -> None:
    assert answer(here, path="/api/v1/estimate/")[0] == 404


@pytest.mark.parametrize("word", ["nan", "inf", "-inf"])
def test_a_refused_value_that_json_has_no_number_for(here: Guard, word: str) -> None:
    status, data = answer(here, json.dumps({**GOOD, "tokens": word}).encode())
    assert (status, data["error"]["key"], data["error"]["value"]) == (422, "tokens", word)


def test_a_client_that_hangs_up_leaves_no_traceback(here: Guard, capsys: pytest.CaptureFixture[str]) -> None:
    request = Request("POST", "/api/v1/estimate", b"", [HOST, JSON], json.dumps(GOOD).encode())
    assert asyncio.run(send(here, request, 10, "hangs up")) is None
    assert capsys.readouterr().err == ""


def test_a_fault_is_told_as_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    class Broken:
        n = 1

        async def run(self, job: Job) -> Reply:
            raise ZeroDivisionError(job.task)

    monkeypatch.setattr(app, "Pool", lambda _n, _limits: Broken())
    status, data = answer(app.create_app(), json.dumps(GOOD).encode())
    assert (status, data["error"]["problem"]) == (500, BUG)
    assert "Traceback" in capsys.readouterr().err

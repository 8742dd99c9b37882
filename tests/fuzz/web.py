"""Random requests to the service, in this process: each is answered with 2xx, 304, 4xx or 503, an error in words."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import sys
import time
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Literal, NamedTuple
from unittest import mock

import carbonscaling
from carbonscaling.errors import InputError
from carbonscaling.reporting.statements import FORMATS
from carbonscaling.serve import app
from carbonscaling.serve.guard import Guard
from carbonscaling.serve.jobs import Job, do
from carbonscaling.serve.jobs import Reply as Done
from carbonscaling.serve.limits import Limits
from carbonscaling.serve.problem import Problem
from fuzz.damage import HOSTILE, spoilt, spoilt_text
from fuzz.material import ROOT, SCENARIO, configs, scenario

__all__ = ["GOOD", "Request", "http", "send", "service"]

LIMITS = Limits(body_bytes=64 * 1024, body_s=0.02, devices=1024, job_s=0.5)
GOOD = dict(model="llama-3-8b", tokens=1e12, device="h100-sxm", devices=64, batch=512, region="france",
            layout=dict(tp=2, pp=1, dp=32), precision="bf16", pue=1.2)  # fmt: skip
SAID = frozenset({200, 304, 400, 403, 404, 405, 408, 413, 415, 422, 431, 503})
ASKED = ("plan", "regions", "evidence", "sources", *(f"report/{name}" for name in (*FORMATS, "html", "pdf", "..", "")))
LOOKED = ("/", "/static//etc/passwd", "/health", "/openapi.json", "/api/v1/catalog", "/static/page.js", "/static/../app.py",
          "/..", "//", "/api/v1/plan/", "/health/", "/a\u202e", "/\x00", "/\ufffd", "/" + "a" * 20_000, "", "*", "/%2e%2e/",
         )  # fmt: skip
QUERIES = (b"", b"kind=plan", b"kind=estimate", b"kind=", b"kind=x&kind=plan", b"%ff=%ff", b"\xff", b"a" * 20_000, b"&&==",
           b"kind=%00", b"kind=../../etc/passwd", b"kind=%ed%a0%80")  # fmt: skip
VALUES = (b"", b"localhost", b"localhost:8000", b"127.0.0.1", b"[::1]:1", b"[", b"[x]", b"localhost:x", b"evil.example",
          b"null", b"http://localhost", b"http://[", b"http://evil.example", b"\xb2", b"\xff", b"-1", b"0", b"9" * 30,
          b"9" * 5000, b"1e3", b"gzip", b"identity", b"text/html", b"application/json; charset=utf-16", b"APPLICATION/JSON",
          b'application/json;charset="utf-8"', b"application/json;;;", b"a" * 20_000, b"*/*", b"100-continue",
          b"\x00")  # fmt: skip
NAMES = (b"host", b"origin", b"content-type", b"content-length", b"content-encoding", b"if-none-match", b"accept", b"expect",
         b"range", b"cookie", b"x-forwarded-host", b"transfer-encoding", b"")  # fmt: skip
FILES = ("/etc/passwd", "../../etc/passwd", "file:///etc/passwd", str(ROOT / "pyproject.toml"), "~/.ssh/id_rsa", "C:\\x.toml",
         "config.json", "./", "/proc/self/environ", "\\\\host\\share", "http://localhost/x", "x/config.json", "\ud800",
         )  # fmt: skip
Manner = Literal["ends", "stalls", "hangs up"]
MANNERS: tuple[Manner, ...] = ("ends", "ends", "stalls", "hangs up")
READ = ("root:x:", "[build-system]", "PATH=")
"""What stands in the files just named."""


class _Here:
    """Stands for the pool: answers in this process, so that a fault is seen here."""

    def __init__(self, folder: Path) -> None:
        self.n, self.folder = 1, folder

    async def run(self, job: Job, _client: str, _page: str) -> Done:
        end = time.monotonic() + LIMITS.job_s

        def progress(_decided: int, _share: float) -> None:
            if time.monotonic() > end:
                raise Problem(503, "no answer in time")

        return do(job, self.folder, progress)


@cache
def service(folder: Path) -> Guard:
    """Return the service, which computes in this process and in a folder."""
    with mock.patch.object(app, "Pool", return_value=_Here(folder)):
        return app.create_app(limits=LIMITS)


class Request(NamedTuple):
    """A request as it comes from the wire."""

    method: str
    path: str
    query: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Reply(NamedTuple):
    """What came back."""

    status: int
    media: str
    text: str


def _anything(rng: Random, depth: int = 4) -> Any:
    match rng.randrange(4 if depth else 2):
        case 2:
            return [_anything(rng, depth - 1) for _ in range(rng.randrange(4))]
        case 3:
            return {
                rng.choice((*SCENARIO, "", "é", "__class__")): _anything(rng, depth - 1)
                for _ in range(rng.randrange(4))
            }
        case _:
            return rng.choice((*HOSTILE, *FILES))


def _body(rng: Random) -> bytes:
    data: Any = scenario(rng) if rng.random() < 0.3 else spoilt(rng, GOOD, 1)
    data = {"devices": 64, "max_devices": 1024, **data}
    match rng.randrange(8):
        case 0:
            data = _anything(rng)
        case 1 | 2:
            data.pop("law", None)
            data["model"] = spoilt(rng, rng.choice(configs()), 2)
        case 3:
            names = [name for name, value in SCENARIO.items() if isinstance(value, str)]
            data[rng.choice((*names, "host", "law", "profile", "factors", "hourly"))] = rng.choice(FILES)
        case 4:
            depth = rng.choice((5, 11, 12, 13, 5000))
            data["model"] = "@"
            return json.dumps(data).encode().replace(b'"@"', b"[" * depth + b"]" * depth)
        case _:
            pass
    text = json.dumps(data, ensure_ascii=rng.random() < 0.5)
    return spoilt_text(rng, text) if rng.random() < 0.2 else text.encode("utf-8", "surrogatepass")


def _request(rng: Random) -> Request:
    post = rng.random() < 0.85
    kind = rng.choice(("estimate", *ASKED)) if rng.random() < 0.3 else "estimate"
    path = f"/api/v1/{kind}" if post else rng.choice(LOOKED)
    method = "POST" if post else "GET"
    if rng.random() < 0.05:
        method = rng.choice(("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "POST", "BREW", "get"))
    headers = {b"host": b"localhost", b"content-type": b"application/json"}
    while rng.random() < 0.12:
        headers[rng.choice(NAMES)] = rng.choice(VALUES)
    return Request(method, path, rng.choice(QUERIES) if rng.random() < 0.1 else b"", list(headers.items()), _body(rng))


async def send(to: Guard, request: Request, cut: int = 0, manner: Manner = "ends") -> Reply | None:
    """Return what comes back to a body in two pieces, the second of which may never come; None where nobody listens."""
    pieces = [request.body[:cut], *([request.body[cut:]] if manner == "ends" else [])]
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        if pieces:
            piece = pieces.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(pieces) or manner != "ends"}
        if manner != "hangs up":
            await asyncio.sleep(3600)  # until the service has had enough, or has answered
        return {"type": "http.disconnect"}

    async def collect(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http", "root_path": "",
             "method": request.method, "path": request.path, "raw_path": request.path.encode(), "query_string": request.query,
             "headers": request.headers, "server": ("127.0.0.1", 8000), "client": ("127.0.0.1", 9)}  # fmt: skip
    await to(scope, receive, collect)
    if manner == "hangs up":
        return None
    media = dict(sent[0]["headers"]).get(b"content-type", b"").decode()
    return Reply(sent[0]["status"], media, b"".join(m["body"] for m in sent[1:]).decode())


def _never(text: str) -> float:
    raise AssertionError(f"JSON has no {text}")


def _checked(reply: Reply, folder: Path) -> None:
    assert reply.status in SAID, f"{reply.status}: {reply.text[:300]}"
    data = json.loads(reply.text, parse_constant=_never) if "json" in reply.media else None
    for leak in (str(folder), str(Path(carbonscaling.__file__).parent), sys.prefix, "Traceback (most recent", *READ):
        assert leak not in reply.text, f"{leak} in {reply.text[:300]}"
    if reply.status >= 400:
        assert isinstance(data, dict), reply.media
        problem = data["error"]["problem"]
        assert isinstance(problem, str)
        raise InputError(problem)


def http(rng: Random, folder: Path) -> object:
    """A request to the service, which answers the next one too."""
    here, said, request = service(folder), io.StringIO(), _request(rng)
    cut = rng.randrange(len(request.body) + 1) if rng.random() < 0.2 else len(request.body)
    manner = rng.choice(MANNERS) if cut < len(request.body) else "ends"
    with contextlib.redirect_stderr(said):
        reply = asyncio.run(send(here, request, cut, manner))
        alive = asyncio.run(send(here, Request("GET", "/health", b"", [(b"host", b"localhost")], b"")))
    assert alive is not None
    assert alive.status == 200
    assert not said.getvalue(), said.getvalue()[-280:]
    assert not list(folder.glob("*/config.json"))
    if reply is not None:
        _checked(reply, folder)
    return reply

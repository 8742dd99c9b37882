"""Hostile requests against a real process: each is answered properly, and the service lives."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from serve_helpers import HANGS_S, Service, fronting

from carbonscaling.serve.limits import Limits

GOOD = json.dumps({"model": "llama-3-8b", "tokens": 1e12, "device": "h100-sxm", "devices": 64}).encode()


def raw(port: int, data: bytes) -> bytes:
    """Send bytes as they are; return everything that comes back until the service hangs up or has answered."""
    with socket.create_connection(("127.0.0.1", port), timeout=HANGS_S) as s:
        with contextlib.suppress(OSError):  # it may hang up while a large body is still under way
            s.sendall(data)
        found = b""
        try:
            while chunk := s.recv(65536):
                found += chunk
                head, _, body = found.partition(b"\r\n\r\n")
                length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                if length and len(body) >= int(length[0].split(b":")[1]):
                    break
        except OSError:
            pass
        return found


def request(
    body: bytes,
    path: str = "/api/v1/plan",
    method: str = "POST",
    kind: str = "application/json",
    length: int | None = None,
    extra: str = "",
) -> bytes:
    size = len(body) if length is None else length
    head = (
        f"{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {kind}\r\ncontent-length: {size}\r\n{extra}\r\n"
    )
    return head.encode() + body


def status(answer: bytes) -> int:
    assert answer.startswith(b"HTTP/1.1 "), answer[:80]
    return int(answer.split(b" ", 2)[1])


def nested(depth: int) -> bytes:
    return b'{"model":' + b"[" * depth + b"]" * depth + b"}"


HOSTILE: dict[str, tuple[Callable[[], bytes], int]] = {
    "huge upload, declared": (lambda: request(b"{", length=10**12), 413),
    "huge upload, sent": (lambda: request(b'{"model":"' + b"a" * 2_000_000 + b'"}'), 413),
    "huge upload, chunked": (
        lambda: (
            b"POST /api/v1/plan HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
            b"transfer-encoding: chunked\r\n\r\n"
            + b"10000\r\n"
            + b" " * 0x10000
            + b"\r\n"
            + (b"10000\r\n" + b" " * 0x10000 + b"\r\n") * 16
        ),
        413,
    ),
    "deep JSON": (lambda: request(nested(100_000)), 400),
    "JSON a little too deep": (lambda: request(nested(12)), 400),
    "NaN": (lambda: request(b'{"model":"llama-3-8b","tokens":NaN}'), 400),
    "Infinity": (lambda: request(b'{"model":"llama-3-8b","tokens":-Infinity}'), 400),
    "a number beyond floats": (lambda: request(b'{"model":"llama-3-8b","tokens":1e999}'), 400),
    "a number of ten thousand digits": (
        lambda: request(b'{"model":"llama-3-8b","tokens":' + b"9" * 10_000 + b"}"),
        400,
    ),
    "a key twice": (lambda: request(b'{"model":"llama-3-8b","model":"llama-3-70b"}'), 400),
    "path in the model": (lambda: request(b'{"model":"/etc/passwd","tokens":1e12}'), 422),
    "path in the device": (lambda: request(b'{"model":"llama-3-8b","device":"../../x.toml"}'), 422),
    "path in the calibration": (lambda: request(b'{"model":"llama-3-8b","calibration":"/proc/self/environ"}'), 422),
    "path in the URL": (lambda: request(b"", "/static/../../../../etc/passwd", "GET"), 404),
    "path in the URL, encoded": (lambda: request(b"", "/static/..%2f..%2fapp.py", "GET"), 404),
    "path in the format": (lambda: request(GOOD, "/api/v1/report/..%2f..%2fetc"), 404),
    "unknown field": (lambda: request(b'{"model":"llama-3-8b","__class__":"os"}'), 422),
    "wrong method": (lambda: request(b"", method="DELETE"), 405),
    "method made up": (lambda: request(b"", method="BREW"), 405),
    "wrong content type": (lambda: request(GOOD, kind="text/plain"), 415),
    "a form": (lambda: request(b"model=llama-3-8b", kind="application/x-www-form-urlencoded"), 415),
    "wrong charset": (lambda: request(GOOD, kind="application/json; charset=utf-16"), 415),
    "compressed": (lambda: request(GOOD, extra="content-encoding: gzip\r\n"), 415),
    "bad encoding": (lambda: request(b'{"model":"\xff\xfe"}'), 400),
    "no JSON": (lambda: request(b"<xml/>"), 400),
    "no object": (lambda: request(b"[1,2,3]"), 400),
    "empty": (lambda: request(b""), 400),
    "oversized header": (lambda: request(GOOD, extra=f"x-long: {'a' * 30_000}\r\n"), 431),
    "endless header": (lambda: request(GOOD, extra=f"x-long: {'a' * 5_000_000}\r\n"), 400),
    "oversized address": (lambda: request(GOOD, "/api/v1/plan?" + "a" * 30_000), 431),
    "no HTTP": (lambda: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    "foreign host": (lambda: request(GOOD).replace(b"host: localhost", b"host: evil.example"), 403),
    "foreign page": (lambda: request(GOOD, extra="origin: http://evil.example\r\n"), 403),
    "unknown kind": (lambda: request(GOOD, "/api/v1/regions?kind=__import__"), 400),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_request_is_answered_and_the_service_lives(service: Service, name: str) -> None:
    make, expected = HOSTILE[name]
    answer = raw(service.port, make())
    assert status(answer) == expected, answer[:300]
    for leak in (b"Traceback", b"site-packages", b"/src/", b'File "', b"root:"):
        assert leak not in answer
    if expected != 400 or b"application/json" in answer:
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["problem"]
    assert service.get("/health") == 200
    assert service.process.poll() is None


def test_a_slow_body_is_not_waited_for() -> None:
    with fronting(Limits(body_s=0.2)) as port:
        assert status(raw(port, request(b'{"model":', length=500))) == 408


def send_on(s: socket.socket, data: bytes) -> None:
    """Send the same again and again until the service hangs up."""
    while True:
        s.sendall(data)
        time.sleep(0.02)


def test_slow_headers_are_not_waited_for() -> None:
    """Byte by byte; of later requests on a connection see test_serve_patience."""
    with (
        fronting(Limits(header_s=0.2)) as port,
        socket.create_connection(("127.0.0.1", port)) as s,
        pytest.raises(ConnectionError),
    ):
        send_on(s, b"G")


def test_answers_that_are_not_read_are_not_kept() -> None:
    with (
        fronting(Limits(header_s=0.2)) as port,
        socket.create_connection(("127.0.0.1", port), HANGS_S) as s,
        pytest.raises(ConnectionError),
    ):
        send_on(s, request(b"", "/api/v1/catalog", "GET") * 400)


def test_clients_that_hang_up_leave_nothing_behind(service: Service) -> None:
    for i in range(40):
        body = json.dumps({"model": "llama-3.1-405b", "tokens": 1e13 + i, "max_days": 60, "space": "full"}).encode()
        with socket.create_connection(("127.0.0.1", service.port), timeout=HANGS_S) as s:
            s.sendall(request(body))
    assert status(raw(service.port, request(GOOD, "/api/v1/estimate"))) == 200
    assert len(service.workers()) == 2


def test_killed_processes_cost_no_request_its_answer(service: Service) -> None:
    """Both are killed at once, while they answer and others wait."""
    bodies = [{"model": "llama-3.1-405b", "tokens": 2e13 + i, "max_days": 60, "space": "full"} for i in range(6)]
    with ThreadPoolExecutor(len(bodies)) as threads:
        asked = [threads.submit(raw, service.port, request(json.dumps(body).encode())) for body in bodies]
        while not any(f.done() for f in asked):
            time.sleep(0.01)
        killed = service.workers()
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        assert [status(f.result()) for f in asked] == [200] * len(bodies)
    assert len(killed) == 2
    assert service.get("/health") == 200


def test_requests_that_ask_too_much_are_bounded(service: Service) -> None:
    """Shapes chosen to make the search large: answered, refused in words, or ended in time; never a crash."""
    wide = {
        "model_type": "llama", "hidden_size": 65536, "intermediate_size": 262144, "num_hidden_layers": 5040,
        "num_attention_heads": 512, "num_key_value_heads": 512, "vocab_size": 10**9, "max_position_embeddings": 2**20,
    }  # fmt: skip
    for more in ({}, {"batch": 720_720}, {"max_devices": 262_144, "batch": 735_134_400, "space": "full"}):
        body = json.dumps({"model": wide, "tokens": 1e18, "max_days": 36525, **more}).encode()
        answer = raw(service.port, request(body))
        assert status(answer) in (200, 422, 503), answer[:300]
    assert service.get("/health") == 200
    assert service.memory_mb() < 4000

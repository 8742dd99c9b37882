"""What every response carries and every request must: headers, a known host, no cross-site call, no leak in an error."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Collection
from urllib.parse import SplitResult, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from carbonscaling.errors import InputError
from carbonscaling.serve.problem import refusal

__all__ = ["BUG", "HEADERS", "HEAD_BYTES", "LOOPBACK", "Guard"]

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

BUG = "this is a bug in carbonscaling, not in your input"

HEAD_BYTES = 16 * 1024
"""Longest address and headers of a request."""

HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}

_RAW = [(name.encode(), value.encode()) for name, value in HEADERS.items()]


def _too_long(scope: Scope) -> tuple[int, InputError] | None:
    """Refuse a head that came in one piece, so that the protocol's own limit on unfinished ones did not see it."""
    size = sum(len(name) + len(value) for name, value in scope["headers"])
    if size + len(scope["query_string"]) + len(scope.get("raw_path") or b"") <= HEAD_BYTES:
        return None
    return 431, InputError("address and headers are too long", allowed=f"at most {HEAD_BYTES:,} bytes together")


def _address(text: str) -> SplitResult | None:
    """Return the parts of an address; None where it is none, such as one with a bracket that does not close."""
    try:
        return urlsplit(text)
    except ValueError:
        return None


class Guard:
    """Wrap an application.

    Parameters
    ----------
    app : ASGI application
    hosts : collection of str
        Names the service may be called by; a foreign name that resolves to this machine is refused. Empty allows any.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str] = ()) -> None:
        self.app, self.hosts = app, frozenset(name.lower() for name in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message["headers"], *_RAW]
                MutableHeaders(scope=message).setdefault("cache-control", "no-store")
            await send(message)

        refused = _too_long(scope) or self._refused(Headers(scope=scope))
        try:
            if refused is not None:
                await refusal(*refused)(scope, receive, guarded)
            else:
                await self.app(scope, receive, guarded)
        except (
            Exception
        ):  # a defect of ours: its traceback for the operator, a 500 for the client, and the service lives on
            traceback.print_exc(file=sys.stderr)
            if not started:
                await refusal(500, InputError(BUG), {"connection": "close"})(scope, receive, guarded)

    def _refused(self, headers: Headers) -> tuple[int, InputError] | None:
        host = _address(f"//{headers.get('host', '')}")
        if host is None or (self.hosts and host.hostname not in self.hosts):
            return 403, InputError(
                "this service does not answer to that name", key="host", value=headers.get("host"),
                remedy="start it with --allow-host NAME",
            )  # fmt: skip
        origin = headers.get("origin")
        if origin is not None and ((there := _address(origin)) is None or there.netloc != host.netloc):
            return 403, InputError("a page of another site may not call this service", key="origin", value=origin)
        return None

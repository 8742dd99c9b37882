"""The application: routes, and what each does with a request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from carbonscaling import __version__
from carbonscaling.errors import InputError
from carbonscaling.reporting.jsonable import to_json
from carbonscaling.serve import body
from carbonscaling.serve.catalogue import catalogue
from carbonscaling.serve.guard import BUG, LOOPBACK, Guard
from carbonscaling.serve.jobs import Job, Reply
from carbonscaling.serve.limits import Limits
from carbonscaling.serve.openapi import OPERATIONS, Operation, description
from carbonscaling.serve.others import Other, OtherKind, other
from carbonscaling.serve.pages import page_routes
from carbonscaling.serve.pool import Pool
from carbonscaling.serve.problem import Problem, refusal
from carbonscaling.serve.question import Asked, Kind, asked, kind_of
from carbonscaling.serve.shared import Shared

__all__ = ["create_app"]

PAGE_LETTERS = 32
"""Of what a page calls itself, so that those behind one address take turns."""
Endpoint = Callable[[Request], Coroutine[Any, Any, Response]]


def _json(text: str) -> Response:
    return Response(text, media_type="application/json")


def _fixed(text: str) -> Endpoint:
    async def endpoint(_request: Request) -> Response:
        return _json(text)

    return endpoint


async def _unless_gone(request: Request, reply: Coroutine[Any, Any, Reply]) -> Reply:
    """Wait for a reply; leave it when the client hangs up."""

    async def gone() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    asking, watching = asyncio.ensure_future(reply), asyncio.ensure_future(gone())
    try:
        await asyncio.wait({asking, watching}, return_when=asyncio.FIRST_COMPLETED)
        if not asking.done():
            raise Problem(499, "the client hung up")
        return asking.result()
    finally:
        watching.cancel()
        asking.cancel()


class _Api:
    """Endpoints that compute."""

    def __init__(self, pool: Pool, limits: Limits) -> None:
        self.pool, self.limits, self.shared = pool, limits, Shared(limits.cache_bytes)

    def endpoint(self, o: Operation) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            data = body.parse(await body.read(request, self.limits), self.limits)
            question: Asked | Other
            wanted: Kind | OtherKind
            if o.other is not None:
                question, wanted = other(o.other, data, self.limits), o.other
            else:
                question = asked(data, self.limits)
                wanted = o.kind or self._kind(request) or kind_of(question.scenario)
            form = request.path_params.get("format", "")
            if o.formats and form not in o.formats:
                raise Problem(404, "no such format", value=form, allowed=", ".join(o.formats))
            job = Job(o.task, wanted, question, form)
            client = request.client.host if request.client else ""
            page = request.headers.get("x-page", "")[:PAGE_LETTERS]
            key = question.key(o.task, wanted, form)
            reply = await _unless_gone(request, self.shared.get(key, lambda: self.pool.run(job, client, page)))
            headers = {"content-disposition": "attachment"} if o.formats else None
            return Response(reply.text, reply.status, headers, media_type=reply.media)

        return endpoint

    @staticmethod
    def _kind(request: Request) -> Kind | None:
        kind = request.query_params.get("kind")
        if kind not in (None, "plan", "estimate"):
            raise Problem(400, "unknown kind", key="kind", value=kind, allowed="plan, estimate")
        return kind  # type: ignore[return-value]

    async def health(self, _request: Request) -> Response:
        return _json(to_json({"status": "ok", "version": __version__, "processes": self.pool.n}))


async def _said(_request: Request, error: Exception) -> Response:
    """Return the response to a refusal of ours, of the router's, or to a user's mistake."""
    if isinstance(error, Problem):
        return refusal(error.status, error.error, {"connection": "close"} if error.status in (408, 413, 415) else None)
    if isinstance(error, HTTPException):
        words = {404: "there is nothing here", 405: "this method does not fit the path"}
        known = InputError(words.get(error.status_code, "refused"), remedy="see /openapi.json")
        return refusal(error.status_code, known, dict(error.headers or {}))
    assert isinstance(error, InputError)
    return refusal(422, error)


async def _fault(_request: Request, _error: Exception) -> Response:
    """Return the response to a fault of ours; the guard prints it."""
    return refusal(500, InputError(BUG), {"connection": "close"})


def create_app(processes: int = 1, limits: Limits | None = None, hosts: Collection[str] = LOOPBACK) -> Guard:
    """Return the ASGI application of page and API.

    Parameters
    ----------
    processes : int
        Processes that answer, started with the application.
    limits : Limits, optional
    hosts : collection of str
        Names it may be called by; empty allows any.
    """
    limits = limits or Limits()
    pool = Pool(processes, limits)
    api = _Api(pool, limits)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        try:
            await pool.start()
            yield
        finally:
            pool.close()

    routes = [
        *(Route(f"/api/v1/{o.path}", api.endpoint(o), methods=["POST"]) for o in OPERATIONS),
        *page_routes(),
        Route("/api/v1/catalog", _fixed(to_json(catalogue()))),
        Route("/openapi.json", _fixed(to_json(description(limits)))),
        Route("/health", api.health),
    ]
    handlers: dict[Any, Any] = {**dict.fromkeys((Problem, HTTPException, InputError), _said), Exception: _fault}
    application = Starlette(routes=routes, lifespan=lifespan, exception_handlers=handlers)
    application.router.redirect_slashes = False  # what is not there is refused in words
    return Guard(application, hosts)

"""The page's files, read once from the package: nothing is looked up by a name that a request gives."""

from __future__ import annotations

import hashlib
from importlib import resources

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

__all__ = ["page_routes"]

MEDIA = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def _route(path: str, body: bytes, media: str) -> Route:
    tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'

    async def endpoint(request: Request) -> Response:
        headers = {"etag": tag, "cache-control": "no-cache"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(body, headers=headers, media_type=media)

    return Route(path, endpoint)


def page_routes() -> list[Route]:
    """Return one route for every file of the page, and the page itself at ``/``."""
    routes = []
    for file in sorted(resources.files("carbonscaling.serve").joinpath("static").iterdir(), key=lambda f: f.name):
        suffix = f".{file.name.rpartition('.')[2]}"
        if suffix in MEDIA:
            path = "/" if file.name == "index.html" else f"/static/{file.name}"
            routes.append(_route(path, file.read_bytes(), MEDIA[suffix]))
    return routes

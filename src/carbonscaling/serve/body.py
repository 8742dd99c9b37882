"""Read a request's body: bounded in size, time and depth, strict JSON."""

from __future__ import annotations

import asyncio
import json
import math
import re
from typing import Any

from starlette.requests import ClientDisconnect, Request

from carbonscaling.serve.limits import Limits
from carbonscaling.serve.problem import Problem

__all__ = ["parse", "read"]

LONGEST_NUMBER = 40
_SURROGATE = re.compile("[\ud800-\udfff]")


async def read(request: Request, limits: Limits) -> bytes:
    """Return the body's bytes.

    Raises
    ------
    Problem
        Not JSON by its content type (415), too large (413), too slow (408), or broken off (499, which nobody reads).
    """
    kind, _, parameters = request.headers.get("content-type", "").partition(";")
    charset = parameters.partition("charset=")[2].strip(' "').lower()
    if kind.strip().lower() != "application/json" or charset not in ("", "utf-8"):
        raise Problem(415, "the body must be JSON in UTF-8", key="content-type", allowed="application/json",
                      remedy="send content-type: application/json")  # fmt: skip
    if request.headers.get("content-encoding", "identity") != "identity":
        raise Problem(415, "the body must not be compressed", key="content-encoding", allowed="identity")
    try:
        async with asyncio.timeout(limits.body_s):
            return await _bounded(request, limits.body_bytes)
    except ClientDisconnect as error:
        raise Problem(499, "the client hung up") from error
    except TimeoutError as error:
        raise Problem(408, f"the body did not arrive within {limits.body_s:g} s", remedy="send it again") from error


async def _bounded(request: Request, most: int) -> bytes:
    declared = request.headers.get("content-length", "")
    chunks = bytearray()
    if not (declared.isdecimal() and (len(declared) > LONGEST_NUMBER or int(declared) > most)):
        async for chunk in request.stream():
            chunks += chunk
            if len(chunks) > most:
                break
        else:
            return bytes(chunks)
    raise Problem(413, "the body is too large", allowed=f"at most {most:,} bytes",
                  remedy="send the question and the files that it needs, nothing else")  # fmt: skip


def _deepest(text: str, most: int) -> bool:
    """Whether brackets nest deeper than `most`; counted before parsing, which recurses."""
    if text.count("[") + text.count("{") <= most:
        return False
    depth, quoted, escaped = 0, False, False
    for c in text:
        if quoted:
            if escaped:
                escaped = False
            elif c == "\\":
                escaped = True
            elif c == '"':
                quoted = False
        elif c == '"':
            quoted = True
        elif c in "[{":
            depth += 1
            if depth > most:
                return True
        elif c in "]}":
            depth -= 1
    return False


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise Problem(400, "a key stands twice", key=next(n for n in names if names.count(n) > 1), remedy="remove one")
    return found


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise Problem(400, "a number is out of range", value=text, allowed="finite numbers")
    return value


def _whole(text: str) -> int:
    if len(text) > LONGEST_NUMBER:
        raise Problem(400, "a number is too long", value=text, allowed=f"at most {LONGEST_NUMBER} digits")
    return int(text)


def _never(text: str) -> float:
    raise Problem(400, "JSON has no such number", value=text, allowed="finite numbers", remedy="leave the key out")


def parse(body: bytes, limits: Limits) -> dict[str, Any]:
    """Return the object that a body holds.

    Raises
    ------
    Problem
        Not UTF-8, not JSON, text that is not Unicode, nested too deep, a number that is not finite, a key twice, or no
        object at the top (400).
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Problem(400, "the body is not UTF-8 text", remedy="encode it as UTF-8") from error
    if _deepest(text, limits.depth):
        raise Problem(400, "the JSON is nested too deep", allowed=f"at most {limits.depth} levels")
    try:
        data = json.loads(text, object_pairs_hook=_unique, parse_float=_number, parse_int=_whole, parse_constant=_never)
    except json.JSONDecodeError as error:
        raise Problem(400, f"not valid JSON: {error}", remedy="send a scenario as a JSON object") from error
    if _SURROGATE.search(json.dumps(data, ensure_ascii=False)):
        raise Problem(400, "half a surrogate pair is no text", remedy="write characters as UTF-8, without \\u escapes")
    if not isinstance(data, dict):
        raise Problem(
            400, "expected a JSON object", value=type(data).__name__, remedy="send {…} with a scenario's keys"
        )
    return data

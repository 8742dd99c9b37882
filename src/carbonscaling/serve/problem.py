"""What goes wrong with a request, in the words of every other error of this package, and its HTTP status."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import Response
from typing_extensions import TypedDict

from carbonscaling.errors import InputError
from carbonscaling.fields import finite

__all__ = ["Problem", "Refusal", "as_data", "refusal"]

LONGEST = 200
"""Characters of a user's own value that an error repeats."""


class Said(TypedDict):
    """An error as plain data."""

    problem: str
    where: str | None
    key: str | None
    value: bool | int | float | str | None
    allowed: str | None
    suggestion: str | None
    remedy: str | None


class Refusal(TypedDict):
    """The body of a refusal."""

    error: Said


class Problem(Exception):  # noqa: N818 - the answer to a request, not a failure of the program
    """A request that is refused.

    Parameters
    ----------
    status : int
        HTTP status.
    problem : str
        What is wrong, one sentence.
    **more
        As `InputError`: key, value, allowed, suggestion, remedy.
    """

    def __init__(self, status: int, problem: str, **more: Any) -> None:
        self.status = status
        self.error = InputError(problem, **more)
        super().__init__(problem)


def as_data(error: InputError) -> Said:
    """Return an error as plain data: a long value cut short, one that JSON has no number for in words."""
    value = error.value
    if value is not None and not (isinstance(value, bool | int | float) and finite(value)):
        value = str(value)[:LONGEST]
    return {
        "problem": error.problem,
        "where": error.where,
        "key": error.key,
        "value": value,
        "allowed": error.allowed,
        "suggestion": error.suggestion,
        "remedy": error.remedy,
    }


def refusal(status: int, error: InputError, headers: dict[str, str] | None = None) -> Response:
    """Return the response that says an error."""
    text = json.dumps({"error": as_data(error)}, ensure_ascii=False) + "\n"
    # Half a surrogate pair, which a key may hold, becomes the escape that JSON has for it.
    return Response(text.encode("utf-8", "backslashreplace"), status, headers, media_type="application/json")

"""A published formula as a plain function that can show its arithmetic.

`formula` marks a function with the expression it computes, its unit and the work it comes from. Inside `tracing()` every
call on plain numbers is written down, so that an answer can be explained with the numbers that made it. The function
itself stays untouched (``__wrapped__``), so that it can be compiled.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeVar

import numpy as np

from carbonscaling.record import dataclass

__all__ = ["Formula", "TraceLine", "formula", "formulas", "is_traced", "tracing"]

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Formula:
    """What a formula function computes and where it was published."""

    name: str
    expression: str
    unit: str
    source: str
    place: str


@dataclass(frozen=True)
class TraceLine:
    """One evaluation: the formula, its arguments by name, its result."""

    formula: Formula
    arguments: dict[str, Any]
    result: Any


_REGISTRY: dict[str, Formula] = {}
_TRACE: ContextVar[list[TraceLine] | None] = ContextVar("trace", default=None)


def formula(
    expression: str, *, unit: str, source: str, place: str = "", nought: int = 0
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Mark a function as a formula.

    Parameters
    ----------
    expression : str
        The equation, with the function's own argument names.
    unit : str
        SI unit of the result.
    source, place : str
        Reference key, and the equation, table or section in it.
    nought : int
        The result is 0 unless the product of that many first arguments is above 0: where none is, it is not worked out.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        module = function.__module__.removeprefix("carbonscaling.")
        meta = Formula(f"{module}.{function.__name__}", expression, unit, source, place)
        _REGISTRY[meta.name] = meta

        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            trace = _TRACE.get()
            if nought and trace is None and not np.any((product := math.prod(args[:nought])) > 0):  # type: ignore[arg-type]
                return np.zeros(np.shape(product))  # type: ignore[return-value]
            result = function(*args, **kwargs)
            if trace is not None:
                given = inspect.signature(function).bind(*args, **kwargs).arguments
                trace.append(TraceLine(meta, dict(given), result))
            return result

        call.nought = nought  # type: ignore[attr-defined]
        return call

    return decorate


def formulas() -> dict[str, Formula]:
    """Return every formula imported so far, by qualified name."""
    return dict(_REGISTRY)


@contextmanager
def tracing() -> Iterator[list[TraceLine]]:
    """Collect every formula evaluated inside the block."""
    lines: list[TraceLine] = []
    token = _TRACE.set(lines)
    try:
        yield lines
    finally:
        _TRACE.reset(token)


def is_traced() -> bool:
    """Whether formulas are being collected."""
    return _TRACE.get() is not None

"""What broadcast arrays hold at some places of the product that they span."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["ALL", "FIRST", "Places", "at", "each", "gather"]

Places = tuple[Any, ...]
"""Of every axis an array of places on it, or `ALL`."""

ALL, FIRST = slice(None), np.zeros(1, np.int64)


def each(values: Any, change: Any) -> Any:
    """Return a named tuple of numbers, or of such tuples, with every number changed."""
    return type(values)(*(each(v, change) if isinstance(v, tuple) else change(v) for v in values))


def at(value: Any, places: Places) -> Any:
    """Return what an array holds at some places; an axis that is taken whole comes last, a number stays one."""
    array = np.asarray(value)
    if array.ndim == 0:
        return value
    return array[tuple(FIRST if n == 1 and p is not ALL else p for p, n in zip(places, array.shape, strict=True))]


def gather(values: Any, places: Places) -> Any:
    """Return `at` of every number of a named tuple."""
    return each(values, lambda v: at(v, places))

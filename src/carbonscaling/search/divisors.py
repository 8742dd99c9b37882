"""Whole numbers and what divides them."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from carbonscaling.arrays import Number, Truth

__all__ = ["MOST_WHOLE", "divides", "divisors"]

MOST_WHOLE = 2**53
"""Whole numbers up to here are exact as the floats that formulas take; their divisors are found within a second."""
BLOCK = 1 << 16


@lru_cache(maxsize=64)
def _up_to_root(n: int) -> tuple[int, ...]:
    root, found = math.isqrt(n), []
    for start in range(1, root + 1, BLOCK):
        tried = np.arange(start, min(start + BLOCK, root + 1))
        found += tried[n % tried == 0].tolist()
    return tuple(found)


def divisors(n: int) -> list[int]:
    """Return the divisors of `n`, ascending.

    >>> divisors(12)
    [1, 2, 3, 4, 6, 12]
    """
    small = _up_to_root(n)
    return sorted({*small, *(n // d for d in small)})


def divides(part: Number, whole: Number) -> Truth:
    """Whether whole numbers below 2**53 divide evenly; exact, and quicker than a remainder."""
    found: Truth = np.floor(whole / part) * part == whole
    return found

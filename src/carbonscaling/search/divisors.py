"""Whole numbers and what divides them."""

from __future__ import annotations

import numpy as np

from carbonscaling.perf.numbers import Number

__all__ = ["divides", "divisors"]


def divisors(n: int) -> list[int]:
    """Return the divisors of `n`, ascending.

    >>> divisors(12)
    [1, 2, 3, 4, 6, 12]
    """
    small = [d for d in range(1, int(n**0.5) + 1) if n % d == 0]
    return sorted({*small, *(n // d for d in small)})


def divides(part: Number, whole: Number) -> Number:
    """Whether whole numbers below 2**53 divide evenly; exact, and quicker than a remainder."""
    return np.floor(whole / part) * part == whole

"""What formulas take and give: one number or an array of them, one truth or an array of them, and tuples of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Array", "Number", "Truth", "floats", "narrowed", "nothing", "plain", "stacked"]

Array = NDArray[np.float64]
Number = float | Array
"""A float, or an array that broadcasts with the others: every formula takes both."""
Truth = bool | NDArray[np.bool_]
"""What comparing numbers gives."""
_FLOATS, _NUMBERS = {float}, {float, np.ndarray}


def nothing(like: Number) -> Number:
    """Return nought for every number, to be added to what is to have as many; compiled code, which has one, adds none."""
    return 0.0 * like


def floats(values: Any) -> Any:
    """Return a named tuple of numbers, or of such tuples, with every number a float."""
    return type(values)(*(floats(v) if isinstance(v, tuple) else float(v) for v in values))


def plain(value: Any) -> Any:
    """Return a number as a float, truths and arrays as they are; of named tuples every number."""
    if isinstance(value, tuple):
        kinds = set(map(type, value))
        known = kinds == _FLOATS or (kinds <= _NUMBERS and 0 not in [v.ndim for v in value if type(v) is np.ndarray])
        return value if known else type(value)(*map(plain, value))
    return value if isinstance(value, bool) or (isinstance(value, np.ndarray) and value.ndim) else float(value)


def narrowed(values: Any) -> Any:
    """Return a named tuple of arrays, or of such tuples, where an array of equal numbers is that number."""
    return type(values)(
        *(narrowed(v) if isinstance(v, tuple) else float(v[0]) if (v == v[0]).all() else v for v in values)
    )


def stacked(rows: Sequence[Any]) -> Any:
    """Return several named tuples of numbers, or of such tuples, as one with an array for every number."""
    columns = zip(*rows, strict=True)
    return type(rows[0])(*(stacked(c) if isinstance(c[0], tuple) else np.array(c, dtype=float) for c in columns))

"""What formulas take and give: one number or an array of them, one truth or an array of them, and tuples of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Number", "Truth", "floats", "stacked"]

Number = float | NDArray[np.float64]
"""A float, or an array that broadcasts with the others: every formula takes both."""
Truth = bool | NDArray[np.bool_]
"""What comparing numbers gives."""


def floats(values: Any) -> Any:
    """Return a named tuple of numbers, or of such tuples, with every number a float."""
    return type(values)(*(floats(v) if isinstance(v, tuple) else float(v) for v in values))


def stacked(rows: Sequence[Any]) -> Any:
    """Return several named tuples of numbers, or of such tuples, as one with an array for every number."""
    columns = zip(*rows, strict=True)
    return type(rows[0])(*(stacked(c) if isinstance(c[0], tuple) else np.array(c, dtype=float) for c in columns))

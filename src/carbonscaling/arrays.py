"""Types of what formulas take and give: one number or an array of them, one truth or an array of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Number", "Truth"]

Number = float | NDArray[np.float64]
"""A float, or an array that broadcasts with the others: every formula takes both."""
Truth = bool | NDArray[np.bool_]
"""What comparing numbers gives."""

"""Quantiles of what all feasible settings take, in one pass and bounded memory."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from carbonscaling.search.objectives import Outcome

__all__ = ["Histogram"]

WIDTH = 1e-3
"""Relative width of a bin: quantiles are exact to half of it."""


@dataclass
class Histogram:
    """Counts of settings in bins of equal relative width, with one setting of each bin.

    Attributes
    ----------
    quantity : str
        Field of `Outcome`.
    bins : dict
        Bin to the number of settings in it and the least number of a setting.
    """

    quantity: str = "carbon_kg"
    bins: dict[int, tuple[int, int]] = field(default_factory=dict)

    def add(self, outcome: Outcome, index: NDArray[np.int64]) -> None:
        """Count settings with these outcomes and numbers."""
        order = np.argsort(index)
        value, index = np.broadcast_to(getattr(outcome, self.quantity), index.shape)[order], index[order]
        place = np.floor(np.log(np.maximum(value, np.finfo(float).tiny)) / np.log1p(WIDTH)).astype(np.int64)
        found, first, count = np.unique(place, return_index=True, return_counts=True)
        for b, i, n in zip(found.tolist(), first.tolist(), count.tolist(), strict=True):
            known = self.bins.get(b, (0, int(index[i])))
            self.bins[b] = (known[0] + n, min(known[1], int(index[i])))

    @property
    def n(self) -> int:
        """Settings counted."""
        return sum(count for count, _ in self.bins.values())

    def quantile(self, share: float) -> tuple[float, int]:
        """Return the value below which this share of settings lies, and the number of a setting with it.

        >>> h = Histogram("duration_s")
        >>> h.add(Outcome(np.array([1.0, 2.0, 3.0]), 0.0, 0.0), np.arange(3))
        >>> h.quantile(0.5)[1]
        1
        """
        rank, seen = share * max(self.n - 1, 0), 0
        for b in sorted(self.bins):
            count, index = self.bins[b]
            seen += count
            if seen > rank:
                return float(np.exp((b + 0.5) * np.log1p(WIDTH))), index
        return float("nan"), -1

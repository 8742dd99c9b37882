"""The Pareto front: settings that no other setting beats in everything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from carbonscaling.search.objectives import Outcome
from carbonscaling.search.result import Candidate

__all__ = ["Stairs", "pareto"]

Floats = NDArray[np.float64]
FEW = 1 << 10
"""Settings that are taken in before they are sorted."""


@dataclass
class Stairs:
    """At each device count, the settings that emit less than every quicker one."""

    _sorted: Floats = field(default_factory=lambda: np.zeros((5, 0)))
    _last: list[Floats] = field(default_factory=list)
    _n_last: int = 0

    @property
    def table(self) -> Floats:
        """Device count, run time, number, carbon and step time, by count and run time: shape (5, n)."""
        if self._last:
            every = np.concatenate((self._sorted, *self._last), axis=1)
            self._last, self._n_last = [], 0
            every = every[:, np.lexsort((every[2], every[3], every[1], every[0]))]
            # ranks that fall from count to count, so that one running minimum starts anew at each
            count, n = np.cumsum(np.diff(every[0], prepend=0.0) > 0), every.shape[1]
            rank = np.unique(every[3], return_inverse=True)[1] - count * n
            self._sorted = every[:, rank < np.minimum.accumulate(np.append(0, rank[:-1]))]
        return self._sorted

    def add(self, n_devices: Floats, taken: Outcome, index: NDArray[np.int64], step: Floats) -> None:
        """Take in settings."""
        columns = (n_devices, taken.duration_s, index, taken.carbon_kg, step)
        self._last.append(np.array([np.broadcast_to(c, step.shape) for c in columns], dtype=float))
        self._n_last += len(step)
        if self._n_last > max(FEW, self._sorted.shape[1]):
            _ = self.table

    def least(self, n_devices: Floats) -> Floats:
        """Least carbon at each count of all but what came last; infinity where none is known."""
        last = np.flatnonzero(np.diff(self._sorted[0], append=np.inf))
        counts, carbon = np.append(self._sorted[0, last], np.inf), np.append(self._sorted[3, last], np.inf)
        place = np.searchsorted(counts, n_devices)
        return np.where(counts[place] == n_devices, carbon[place], np.inf)


def pareto(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return the candidates that no other matches in run time, devices, carbon and money while beating it in one.

    At one device count money grows with the run time, and so do energy and carbon where their intensity is the same at all
    hours: the quickest setting of each count is then enough to find the whole front, else its `Stairs`. Fewest devices first.
    """
    ordered = sorted(candidates, key=lambda c: (c.n_devices, c.duration_s, *c.setting))
    points = np.array([[c.duration_s, c.n_devices, c.carbon_kg, c.cost_usd] for c in ordered])
    beaten = _beaten(*np.nan_to_num(points, posinf=np.inf).reshape(-1, 4).T)
    return [candidate for candidate, worse in zip(ordered, beaten, strict=True) if not worse]


def _beaten(duration: Floats, n_devices: Floats, carbon: Floats, money: Floats) -> NDArray[np.bool_]:
    """Whether another point is nowhere worse and somewhere better, where at one count money never falls with the run time.

    Of one count, those that are no slower and no dearer come first, so that the least carbon among them decides.
    """
    beaten = np.zeros(len(duration), dtype=bool)
    for count in np.unique(n_devices):
        own = np.flatnonzero(n_devices == count)
        own = own[np.lexsort((carbon[own], duration[own]))]
        t, least = duration[own], np.append(np.inf, np.minimum.accumulate(carbon[own]))
        good = np.minimum(np.searchsorted(t, duration, "right"), np.searchsorted(money[own], money, "right"))
        beaten |= (n_devices > count) & (least[good] <= carbon)
        quicker = np.searchsorted(t, t, "left")
        beaten[own] |= (least[quicker] <= carbon[own]) | (carbon[own][quicker] < carbon[own])
    return beaten

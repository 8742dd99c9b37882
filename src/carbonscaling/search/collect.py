"""Gather what the blocks of a search found: the best settings, the near-optimal band, each count's quickest setting."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from carbonscaling.perf.numbers import Setting
from carbonscaling.search import kernel
from carbonscaling.search.front import Stairs
from carbonscaling.search.grid import Grid
from carbonscaling.search.judge import Decided
from carbonscaling.search.limits import COARSE, LONGEST_S, Extent, slowest_step
from carbonscaling.search.objectives import Objective, Outcome
from carbonscaling.search.quantiles import Histogram
from carbonscaling.search.result import Candidate, Question

__all__ = ["Collector", "not_worse", "table"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass
class Collector:
    """The answer so far.

    Attributes
    ----------
    grid : Grid
    question : Question
    objective : Objective
    top : int
        How many settings to keep.
    near : float
        How much worse than the best a near-optimal setting may be, relative.
    distribution : Histogram, optional
        Filled with every setting that fits in time.
    stairs : Stairs, optional
        Filled where a front is wanted on which a slower setting of the same count may be, or one of another batch.
    counts : array
        Settings by fate, see `kernel`.
    index, step : arrays
        Settings that are among the best `top` or near-optimal, by number, with their step times.
    keys : array, shape (columns, n)
        What they are ranked by.
    rows : list of arrays
        Device count, run time, number and step time of the quickest setting of rows in which any fits.
    excess, excess_index : float, int
        The nearest miss of the memory limit.
    best, last : arrays
        Keys of the best setting, and of the last of the best `top`: infinite until so many are known.
    truncated : bool
        More settings are near-optimal than are remembered.
    beaten : bool
        A setting is known beforehand that all have to beat.
    """

    grid: Grid
    question: Question
    objective: Objective
    top: int
    near: float
    distribution: Histogram | None = None
    stairs: Stairs | None = None
    counts: Ints = field(default_factory=lambda: np.zeros(kernel.N_COUNTS, np.int64))
    index: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    step: Floats = field(default_factory=lambda: np.zeros(0))
    keys: Floats = field(default_factory=lambda: np.zeros((2, 0)))
    rows: list[Floats] = field(default_factory=list)
    excess: float = math.inf
    excess_index: int = 0
    best: Floats = field(default_factory=lambda: np.full(2, np.inf))
    last: Floats = field(default_factory=lambda: np.full(2, np.inf))
    truncated: bool = False
    beaten: bool = False
    _n_rows: int = 0

    def add(self, d: Decided, extent: Extent, late: Floats, numbers: Ints) -> None:
        """Take in the fate of rows; the other arguments hold a value per row, `numbers` the row's place in `grid`."""
        inner = self.grid.n_inner
        self.counts += d.counts
        if np.isfinite(d.excess):
            miss = (d.excess, int(numbers[d.excess_index // inner]) * inner + d.excess_index % inner)
            self.excess, self.excess_index = min((self.excess, self.excess_index), miss)
        fits = np.flatnonzero(d.row_best < np.inf)
        if len(fits) == 0:
            return
        own, quickest = extent.at(fits), d.row_best[fits]
        best_index = numbers[fits] * inner + d.row_best_index[fits] % inner
        self.rows.append(table(own.n_devices, self.question.run_time(own.settings(), quickest), best_index, quickest))
        self._n_rows += len(fits)
        if self._n_rows > MOST_ROWS:
            self.quickest()
        place, step = d.index, d.step
        if (late < np.inf).any():
            in_time = step <= late[place // inner]
            place, step = place[in_time], step[in_time]
        whole, is_one = self.distribution is not None or self.stairs is not None, extent.is_one
        if is_one and self.objective.by_time and not whole:
            quick = np.flatnonzero(step <= self._slowest_here(step))
            place, step = place[quick], step[quick]
        if len(place) == 0:
            return
        row = place // inner
        index = numbers[row] * inner + place - row * inner  # a remainder takes NumPy ten times as long
        light = extent.at(slice(1) if is_one else row).settings()
        outcome = (self.question.outcome if whole else self.question.ranked)(light, step)
        if self.distribution is not None:
            self.distribution.add(outcome, index)
        if self.stairs is not None:
            self.stairs.add(np.asarray(light.n_devices), outcome, index, step)
        keys = table(*self.objective.columns(light, outcome), like=step)
        if (known := self.keys_matter(keys)).any():
            self.index = np.concatenate((self.index, index[known]))
            self.step = np.concatenate((self.step, step[known]))
            self.keys = np.concatenate((self.keys, keys[:, known]), axis=1)
            self._trim()

    def _slowest_here(self, step: Floats) -> float:
        """Step time beyond which settings of one count and batch are not among the best by time, nor near them."""
        if len(step) <= self.top:
            return math.inf
        last = np.partition(step, self.top - 1)[: self.top]
        return max(float(last[-1]), float(last.min()) * (1.0 + self.near)) * (1.0 + COARSE)

    def _trim(self) -> None:
        """Drop what is neither among the best nor near-optimal."""
        order = _first(self.keys, self.top)
        self.best = self.keys[:, order[0]]
        if len(self.index) >= self.top:
            self.last = self.keys[:, order[-1]]
        keep = self.keys_matter(self.keys)
        if keep.sum() > MOST_KEPT:
            self.truncated = True
            kept = np.zeros_like(keep)
            kept[_first(self.keys, MOST_KEPT)] = True
            keep &= kept
        self.index, self.step, self.keys = self.index[keep], self.step[keep], self.keys[:, keep]

    def _is_near(self, keys: Any) -> Any:
        main = self.objective.main
        near = keys[main] <= self.best[main] * (1.0 + self.near)
        for column in range(main):
            near = near & (keys[column] <= self.best[column])
        return near

    @property
    def is_full(self) -> bool:
        """Whether as many settings as asked for are known, or one that all have to beat."""
        return self.beaten or len(self.index) >= self.top

    def beat(self, known: Candidate) -> None:
        """Let only settings matter that are as good as one that is known."""
        self.best = self.last = np.array(self.objective.key(known))
        self.beaten = True

    def keys_matter(self, keys: Any) -> Any:
        """Whether settings with these keys, or worse, could still be among the best or near-optimal."""
        return not_worse(keys, self.last) | self._is_near(keys)

    def slowest(self, extent: Extent) -> Floats:
        """Return the step time beyond which settings of each extent are neither among the best nor near-optimal."""
        main, n, n_devices = self.objective.main, extent.settings(), extent.n_devices
        most = max(self.last[main], self.best[main] * (1.0 + self.near)) if main == 0 else self.last[main]
        limit = np.full(len(n_devices), most)
        if main:  # the column before it depends on the device count alone
            unknown = Outcome(*(np.full(len(n_devices), np.nan) for _ in Outcome._fields))
            lead = self.objective.columns(n, unknown)[0]
            near = np.where(lead <= self.best[0], self.best[main] * (1.0 + self.near), -np.inf)
            last = np.where(lead < self.last[0], np.inf, np.where(lead == self.last[0], self.last[main], -np.inf))
            limit = np.maximum(near, last)
        return slowest_step(self._main, limit, extent, exact=False)

    def _main(self, settings: Setting, step: Floats) -> Floats:
        taken = self.question.ranked(settings, step, self.question.bound)
        return np.asarray(self.objective.columns(settings, taken)[self.objective.main])

    def quickest(self) -> tuple[Floats, Ints]:
        """Return step time and number of every device count's quickest run, fewest devices first."""
        if len(self.rows) == 1 and self._n_rows == 0:  # as it was left
            return self.rows[0][3], self.rows[0][2].astype(np.int64)
        found = np.concatenate(self.rows, axis=1) if self.rows else np.zeros((4, 0))
        found = found[:, np.lexsort((found[2], found[1], found[0]))]
        _, first = np.unique(found[0], return_index=True)
        self.rows, self._n_rows = [found[:, first]], 0
        return found[3, first], found[2, first].astype(np.int64)

    def fastest(self) -> Ints:
        """Return the place in `quickest` of the quickest run of all; empty where nothing fits."""
        self.quickest()
        return np.argsort(self.rows[0][1], kind="stable")[:1]

    def corners(self) -> tuple[Floats, Ints]:
        """Return the settings among which the front is, as `quickest` does."""
        if self.stairs is None:
            return self.quickest()
        return self.stairs.table[4], self.stairs.table[2].astype(np.int64)

    def quickest_of(self, extent: Extent) -> Floats:
        """Return the step time of the quickest setting known of each extent's device count; infinity where none is."""
        step, _ = self.quickest()
        counts, step, n_devices = np.append(self.rows[0][0], np.inf), np.append(step, np.inf), extent.n_devices
        place = np.searchsorted(counts, n_devices)
        return np.where(counts[place] == n_devices, step[place], np.inf)

    def corner_limit(self, extent: Extent, seen: Floats | None = None) -> Floats:
        """Return the step time beyond which no setting of each extent is on the front; infinity where none is known.

        Parameters
        ----------
        extent : Extent
        seen : array, optional
            Step time of a setting of each extent that fits, known beside those taken in; infinity where none is.
        """
        if self.stairs is not None:
            return slowest_step(
                lambda s, step: self.question.bound(s, step).carbon_kg,
                self.stairs.least(extent.n_devices),
                extent,
                exact=False,
            )
        own = self.quickest_of(extent)
        own = own if seen is None else np.minimum(own, seen)
        return np.minimum(own, self._led(extent, own))

    def _led(self, extent: Extent, own: Floats) -> Floats:
        """Return the step time beyond which fewer devices are quicker, emit less and cost less than each extent.

        Of fewer devices the quickest setting that keeps deadline and limits counts, of those known and of `own`. Nothing falls
        as the step time grows, so that what is worse at one is worse at every longer one.
        """
        q, (n, _, _, step) = self.question, self.rows[0]
        known = own < np.inf
        n, step = np.append(n, extent.n_devices[known]), np.append(step, own[known])
        taken = q.outcome(Extent(n, np.full(len(n), extent.batch.max(initial=1.0))).settings(), step)
        columns = [np.broadcast_to(c, n.shape) for c in (n, step, *taken[:3])]
        allowed = np.broadcast_to(q.keeps(taken), n.shape)
        table = np.array([c[allowed] for c in columns])
        if table.shape[1] == 0:
            return np.full(len(own), np.inf)
        table = table[:, np.lexsort((table[2], table[0]))]
        fewer, duration = table[0], table[2]
        lead = np.maximum.accumulate(np.where(duration <= np.minimum.accumulate(duration), np.arange(len(fewer)), 0))
        place = np.searchsorted(fewer, extent.n_devices) - 1
        best = table[:, lead[np.maximum(place, 0)]]
        limit = slowest_step(q.run_time, np.where(place < 0, np.inf, best[2]), extent, exact=False)
        there = q.bound(extent.settings(), np.minimum(limit, LONGEST_S))
        return np.where((there.carbon_kg < best[3]) | (there.cost_usd < best[4]), np.inf, limit)

    @property
    def is_near(self) -> NDArray[np.bool_]:
        """Which of the settings known are near-optimal."""
        return np.asarray(self._is_near(self.keys), dtype=bool)

    def n_near(self) -> int:
        """Return how many settings are near-optimal."""
        return int(np.count_nonzero(self.is_near))


MOST_ROWS = 100_000
"""Layouts after which only each count's quickest is remembered."""
MOST_KEPT = 200_000
"""Most near-optimal settings that are remembered."""


def table(*columns: Any, like: Floats | None = None) -> Floats:
    """Return columns, some of them one number for all, as the rows of an array; each is as long as the last one, or `like`."""
    found = np.empty((len(columns), len(columns[-1] if like is None else like)))
    for row, column in zip(found, columns, strict=True):
        row[:] = column
    return found


def _first(keys: Floats, n: int) -> Ints:
    """Return the places of the least `n` keys in their order; no more than needed are sorted."""
    some = np.arange(keys.shape[1])
    if n < len(some) and (most := np.partition(keys[0], n - 1)[n - 1]) < np.inf:
        some = np.flatnonzero(keys[0] <= most)
    return some[np.lexsort(keys[::-1, some])[:n]]


def not_worse(keys: Any, limit: Floats) -> Any:
    """Whether keys are lexicographically at most `limit`."""
    worse = keys[-1] <= limit[-1]
    for column in range(len(limit) - 2, -1, -1):
        worse = (keys[column] < limit[column]) | ((keys[column] == limit[column]) & worse)
    return worse

"""The searches of many device counts, abreast: their rounds are decided together, in one call of the loops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from carbonscaling.search import kernel
from carbonscaling.search.divisors import MOST_WHOLE
from carbonscaling.search.engine import gridded
from carbonscaling.search.evaluate import CompiledJudge, judge_of
from carbonscaling.search.grid import Grid
from carbonscaling.search.kernel import TIES
from carbonscaling.search.limits import COARSE, SHORTEST_S
from carbonscaling.search.objectives import OBJECTIVES
from carbonscaling.search.result import Question, SearchResult, candidates
from carbonscaling.search.rounds import FEWEST_LAYOUTS, FIRST_ROUND, GROWTH
from carbonscaling.search.simple import rank
from carbonscaling.search.space import Space

__all__ = ["Abreast"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_NONE = (np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
"""Question, number and step time of no setting."""


@dataclass
class Abreast:
    """Searches of one question at many device counts.

    Attributes
    ----------
    question : Question
        Of one batch, without deadline and limits.
    judge : CompiledJudge
    n_devices, bound : arrays
        Of every family of layouts: device count, and step time that no setting beats.
    """

    question: Question
    judge: CompiledJudge
    n_devices: Floats
    bound: Floats

    @classmethod
    def of(cls, question: Question, space: Space, few: int | None = None) -> Abreast | None:
        """Return the searches of a question, whatever its count (`few` as in `engine.search`); None without machine code."""
        q, every = gridded(replace(question, counts=(1, MOST_WHOLE), host_devices=1), space)
        judge = judge_of(q.work, q.machine, every, few)
        if type(judge) is not CompiledJudge:
            return None
        return cls(q, judge, every.lattice.extents(every.lattice.families).n_devices, judge.bounds())

    def search(self, counts: Sequence[int], near: float, beat: Floats | None = None) -> list[SearchResult]:
        """Return what a pruned search of each count finds that asks for the one quickest setting.

        Rounds and limits are those of `rounds.Rounds`, in step times: at one count and batch the run time is proportional to
        them.

        Parameters
        ----------
        counts : sequence of int
            Ascending, each once.
        near : float
            As in `engine.search`.
        beat : array, optional
            Step time that the settings of each count have to reach.
        """
        grid, n = self.judge.grid, len(counts)
        lattice, n_inner = grid.lattice, grid.n_inner
        asked = np.minimum(np.searchsorted(counts, self.n_devices), n - 1)
        (own,) = np.nonzero(np.asarray(counts)[asked] == self.n_devices)
        own = own[np.argsort(self.bound[own], kind="stable")]  # what is known early spares the timing of the rest
        families, asked, bound = lattice.families[own], asked[own], self.bound[own]
        sizes = lattice.sizes(families)
        n_layouts = _counted(asked, sizes, n)
        at_once = (n_layouts * n_inner <= FIRST_ROUND) & (beat is None)
        bound[at_once[asked]] = SHORTEST_S
        best, fates = np.full(n, np.inf) if beat is None else beat.copy(), np.zeros((n, kernel.N_COUNTS), np.int64)
        found, left, size = [_NONE], np.arange(len(families)), FIRST_ROUND
        while len(left):
            alive = np.isfinite(bound[left]) & (bound[left] <= best[asked[left]] * (1.0 + near))
            if not alive.all():
                fates[:, kernel.BOUND] += _counted(asked[left[~alive]], sizes[left[~alive]] * n_inner, n)
                left = left[alive]
            now = _first(asked[left], bound[left], sizes[left], max(FEWEST_LAYOUTS, size // n_inner))
            these, left = left[now], left[~now]
            rows, of = lattice.layouts(families[these]), np.repeat(asked[these], sizes[these])
            cut = best[of] * (1.0 + near) * (1.0 + COARSE)
            if not at_once.all():
                alive = at_once[of] | (self.judge.row_bounds(rows) <= cut)
                fates[:, kernel.BOUND] += _counted(of[~alive], n_inner, n)
                rows, of, cut = rows[alive], of[alive], cut[alive]
            if len(rows):
                never = np.full(len(rows), np.inf)
                seen = self.judge.decide_each(rows, of, n, cut, never, never, True, best)
                fates += seen.counts
                row = seen.index // n_inner
                found.append((of[row], rows[row] * n_inner + seen.index - row * n_inner, seen.step))
            size = GROWTH * max(size, FEWEST_LAYOUTS * n_inner)
        of, index, step = (np.concatenate(column) for column in zip(*found, strict=True))
        some = step <= best[of] * (1.0 + TIES)
        return _results(self.question, grid, of[some], index[some], step[some], fates, n_layouts * n_inner)


def _counted(of: Ints, times: Ints | int, n: int) -> Ints:
    """Return how often each of `n` questions comes, each time so many times over."""
    return np.bincount(of, np.broadcast_to(times, of.shape), n).astype(np.int64)


def _first(asked: Ints, bound: Floats, sizes: Ints, n_layouts: int) -> NDArray[np.bool_]:
    """Return which families hold each question's about so many layouts of the best bounds; one family at least."""
    order = np.lexsort((bound, asked))
    upto = np.cumsum(sizes[order])
    begin = np.diff(asked[order], prepend=-1) != 0
    before = np.maximum.accumulate(np.where(begin, upto - sizes[order], 0))
    taken = np.zeros(len(asked), dtype=bool)
    taken[order] = begin | (upto - before <= n_layouts)
    return taken


def _results(
    q: Question, grid: Grid, of: Ints, index: Ints, step: Floats, fates: Ints, n_candidates: Ints
) -> list[SearchResult]:
    """Return the answers, the simplest of the settings of each question that are equally quick."""
    objective = OBJECTIVES[q.objective]
    found = [
        SearchResult(n_candidates=int(n), n_fit=int(own[kernel.FIT]), rejected=kernel.rejected(own))
        for n, own in zip(n_candidates, fates, strict=True)
    ]
    for which, candidate in zip(of, candidates(q, grid.settings(index), step), strict=True):
        found[which].top.append(candidate)
    for result in found:
        if len(result.top) > 1:
            result.top = [min(result.top, key=lambda c: rank(objective, c))]
        result.best = result.top[0] if result.top else None
    return found

"""What no setting of a device count beats, for all counts of a question at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from carbonscaling.hints import NamedTuple
from carbonscaling.search.collect import not_worse
from carbonscaling.search.engine import gridded
from carbonscaling.search.evaluate import judge_of
from carbonscaling.search.limits import Extent
from carbonscaling.search.objectives import OBJECTIVES
from carbonscaling.search.result import Candidate, Question
from carbonscaling.search.rounds import bound_keys
from carbonscaling.search.space import Space

__all__ = ["Bounds", "bounds_of"]


class Bounds(NamedTuple):
    """Device counts with what no setting of each takes less than: a step time, infinity where none fits in memory."""

    n_devices: NDArray[np.float64]
    step_s: NDArray[np.float64]

    def may_match(self, q: Question, candidate: Candidate | None, low: int, high: int) -> tuple[int, int] | None:
        """Return the fewest and the most devices from `low` to `high` that leave a chance to be as good as a candidate.

        None where no count does; of a question with one batch.
        """
        some = np.isfinite(self.step_s) & (self.n_devices >= low) & (self.n_devices <= high)
        n, step = self.n_devices[some], self.step_s[some]
        if candidate is not None and len(n):
            objective, extent = OBJECTIVES[q.objective], Extent(n, np.full(len(n), float(q.batches[0])))
            keys = bound_keys(q, extent, step)[1]
            n = n[not_worse(keys, np.array(objective.key(candidate)))]
        return (int(n.min()), int(n.max())) if len(n) else None


def bounds_of(question: Question, space: Space, few: int | None = None) -> Bounds:
    """Return the bounds of a question's device counts; of a question with one batch."""
    q, every = gridded(question, space)
    lattice = every.lattice
    if every.n_candidates == 0:
        return Bounds(np.zeros(0), np.zeros(0))
    return Bounds(lattice.extents(lattice.families).n_devices, judge_of(q.work, q.machine, every, few).bounds())

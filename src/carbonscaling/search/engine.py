"""The search: every layout, every setting, the best of those that fit and finish in time."""

from __future__ import annotations

import math
import os
from dataclasses import replace

from carbonscaling.perf.memory import with_margin
from carbonscaling.platform import n_processors
from carbonscaling.search.alone import alone
from carbonscaling.search.grid import Grid
from carbonscaling.search.limits import NEAR, in_blocks
from carbonscaling.search.result import Candidate, Progress, Question, SearchResult, candidates
from carbonscaling.search.space import Space, grid, layouts

__all__ = ["Candidate", "Progress", "Question", "SearchResult", "candidates", "gridded", "n_threads", "search"]


def n_threads() -> int:
    """Threads of a search: the processors at hand, or ``CARBONSCALING_THREADS``."""
    given = os.environ.get("CARBONSCALING_THREADS", "")
    return max(1, int(given)) if given.isdigit() else n_processors()


def search(
    question: Question,
    space: Space,
    *,
    top: int = 10,
    near: float = NEAR,
    prune: bool = False,
    front: bool = False,
    quantiles: tuple[float, ...] = (),
    explain: bool = True,
    threads: int | None = None,
    progress: Progress | None = None,
    few: int | None = None,
    close: bool = False,
    beat: Candidate | None = None,
) -> SearchResult:
    """Look at every setting of `space` and return the best by the objective.

    Parameters
    ----------
    top : int
        How many of the best settings to keep.
    near : float
        Width of the near-optimal band, relative to the best.
    prune : bool
        Leave out settings that a bound proves not to be among the best, near-optimal or on the front. The answer is
        the same; rejections are then counted for the others only.
    explain : bool
        Where a pruned search finds nothing, search again in full to say why.
    front : bool
        Find the Pareto front as well.
    quantiles : tuple of float
        Shares at which to give the carbon of the feasible settings; nothing is left out then.
    threads : int, optional
        Default `n_threads`. The answer does not depend on it.
    progress : callable, optional
        Told after every block.
    few : int, optional
        Up to so many settings are searched without machine code, and more with it; by what it costs if not given.
    close : bool
        Return the near-optimal settings too.
    beat : Candidate, optional
        A setting that is known: of a pruned search only the settings as good by the objective matter.

    Notes
    -----
    Exhaustive over the space: the optimum is exact for the model. Among settings equal in every key of the objective
    the simplest wins (`simple.complexity`, then the smallest degrees). On Ctrl-C the best so far is returned, marked as
    interrupted.
    """
    q, every = gridded(question, space)
    prune = prune and not quantiles
    n = every.n_candidates
    if n == 1 and not quantiles:
        result, prune = alone(q, every, near, front=front, close=close), False
        if progress is not None:
            progress(1, 1.0)
    elif n == 0 and not (close or quantiles):
        result = SearchResult(n_layouts=every.lattice.n_layouts, near=near)
    else:
        from carbonscaling.search.through import looked_through  # a setting that is stated whole needs none of it

        result = looked_through(
            q, every, top=top, near=near, prune=prune, front=front, quantiles=quantiles, threads=threads or n_threads(),
            progress=progress, few=few, close=close, beat=beat,
        )  # fmt: skip
    nothing = result.best is None and not result.interrupted
    if nothing and q.stated and q.margin and not _keeps_margin(question, space, few):
        return search(
            replace(question, margin=0.0), space, top=top, near=near, prune=prune, front=front, quantiles=quantiles,
            explain=explain, threads=threads, progress=progress, few=few, close=close,
        )  # fmt: skip
    if nothing and prune and explain and n <= EXPLAINED:
        return search(question, space, top=top, near=near, front=front, threads=threads, progress=progress, few=few)
    return result


def gridded(question: Question, space: Space) -> tuple[Question, Grid]:
    """Return a question as a search takes it, margin in the machine's memory, and its settings."""
    q = replace(
        question,
        machine=with_margin(question.machine, question.margin),
        outcome=in_blocks(question.outcome),
        least=in_blocks(question.least) if question.least else None,
    )
    lattice = layouts(space, q.work, q.batches, q.machine.silicon.domain, q.counts, q.host_devices)
    return q, grid(space, q.work, lattice)


def _keeps_margin(question: Question, space: Space, few: int | None) -> bool:
    """Whether any setting fits with the margin, in time and within budgets or not."""
    loose = replace(question, deadline_s=math.inf, limits=(), stated=False)
    return search(loose, space, top=1, near=0.0, prune=True, explain=False, few=few).best is not None


EXPLAINED = 200_000_000
"""Largest space that is searched again in full to count why nothing was found."""

"""Exhaustive search: every layout, every setting, the best of those that fit and finish in time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from carbonscaling.perf.machine import Machine
from carbonscaling.perf.numbers import Number, Setting, Workload
from carbonscaling.perf.step import StepTime
from carbonscaling.search.evaluate import Miss, compress, judge, row
from carbonscaling.search.objectives import OBJECTIVES, Outcome
from carbonscaling.search.space import Space, blocks, layouts

__all__ = ["Candidate", "Progress", "Question", "SearchResult", "search"]

Progress = Callable[[int, float], None]
"""Called with settings decided so far and the share of layouts done."""


@dataclass(frozen=True)
class Question:
    """What to look for.

    Attributes
    ----------
    work, machine : Workload, Machine
    batch : int
        Sequences of a step.
    outcome : callable
        Maps (settings, step seconds) to an `Outcome`: run time, carbon, money per setting.
    objective : str
        Key of `OBJECTIVES`.
    counts : tuple of int
        Fewest and most devices.
    deadline_s : float
        Longest run time; infinity for none.
    host_devices : int
        Counts beyond one host are whole hosts.
    """

    work: Workload
    machine: Machine
    batch: int
    outcome: Callable[[Setting, Number], Outcome]
    objective: str
    counts: tuple[int, int]
    deadline_s: float = float("inf")
    host_devices: int = 1


@dataclass(frozen=True)
class Candidate:
    """A feasible setting with what it takes."""

    setting: Setting
    step_s: float
    duration_s: float
    carbon_kg: float
    cost_usd: float

    @property
    def n_devices(self) -> int:
        """Devices it occupies."""
        return int(self.setting.n_devices)


@dataclass
class SearchResult:
    """Answer of a search.

    Attributes
    ----------
    best : Candidate, optional
        None where nothing fits or nothing finishes in time.
    top : list of Candidate
        The best settings, best first.
    n_candidates, n_fit : int
        Settings decided; settings that satisfy every rule and the memory.
    rejected : dict
        Count of settings by reason; ``deadline`` for those that fit and take too long.
    nearest_memory : Miss, optional
        Setting that lacked the least memory.
    fastest : Candidate, optional
        Quickest setting that fits, whether or not in time.
    n_layouts : int
    """

    best: Candidate | None = None
    top: list[Candidate] = field(default_factory=list)
    n_candidates: int = 0
    n_fit: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    nearest_memory: Miss | None = None
    fastest: Candidate | None = None
    n_layouts: int = 0


def _candidate(settings: Setting, step: StepTime, outcome: Outcome, index: int) -> Candidate:
    return Candidate(
        row(settings, index),
        float(step.total[index]),
        float(outcome.duration_s[index]),
        float(outcome.carbon_kg[index]),
        float(outcome.cost_usd[index]),
    )


def _rank(candidate: Candidate, objective: str) -> tuple[float, ...]:
    """Total order: the objective's keys, then the setting itself, so that ties break the same way every time."""
    return (*OBJECTIVES[objective].key(candidate), *candidate.setting)


def search(question: Question, space: Space, *, top: int = 10, progress: Progress | None = None) -> SearchResult:
    """Look at every setting of `space` and return the best by the objective.

    Parameters
    ----------
    top : int
        How many of the best settings to keep.
    progress : callable, optional
        Told after every block.

    Notes
    -----
    The search is exhaustive over the space: the optimum is exact for the model. Among settings equal in every key of
    the objective the smallest setting (by its degrees, in order) wins.
    """
    q, result = question, SearchResult()
    rows = layouts(space, q.work, q.batch, q.machine.domain, q.counts)
    n = rows.prod(axis=1)
    rows = rows[(n <= q.host_devices) | (n % q.host_devices == 0)]
    result.n_layouts = len(rows)
    objective = OBJECTIVES[q.objective]
    kept: list[Candidate] = []
    done = 0
    for settings in blocks(space, q.work, q.batch, rows):
        judged = judge(q.work, q.machine, settings, strict=space.strict)
        result.n_candidates += judged.n_candidates
        result.rejected.update(judged.rejected)
        if judged.nearest and (result.nearest_memory is None or judged.nearest.excess < result.nearest_memory.excess):
            result.nearest_memory = judged.nearest
        fits = judged.settings
        if len(fits.tp):
            result.n_fit += len(fits.tp)
            outcome = q.outcome(fits, judged.step.total)
            quickest = _candidate(fits, judged.step, outcome, int(np.argmin(outcome.duration_s)))
            if result.fastest is None or quickest.duration_s < result.fastest.duration_s:
                result.fastest = quickest
            late = outcome.duration_s > q.deadline_s
            if late.any():
                result.rejected["deadline"] += int(late.sum())
                fits, outcome = compress(fits, ~late), compress(outcome, ~late)
                step = compress(judged.step, ~late)
            else:
                step = judged.step
            if len(fits.tp):
                order = np.lexsort((*(f for f in fits[::-1]), *objective.columns(fits, outcome)[::-1]))[:top]
                kept.extend(_candidate(fits, step, outcome, int(i)) for i in order)
                kept = sorted(kept, key=lambda c: _rank(c, q.objective))[:top]
        done += int(settings.tp.size)
        if progress is not None:
            progress(result.n_candidates, done)
    result.top = kept
    result.best = kept[0] if kept else None
    return result

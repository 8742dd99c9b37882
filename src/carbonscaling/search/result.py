"""What a search asks and what it answers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass as changing
from dataclasses import field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from carbonscaling.arrays import Truth
from carbonscaling.hints import NamedTuple
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.numbers import Number, Setting, Workload
from carbonscaling.perf.passes import StepTime
from carbonscaling.record import dataclass
from carbonscaling.search.objectives import OBJECTIVES, Outcome

__all__ = ["Candidate", "Close", "Miss", "Progress", "Question", "SearchResult", "candidates"]

Progress = Callable[[int, float], None]
"""Called with settings decided so far and the share of layouts done."""


class Miss(NamedTuple):
    """The setting that came nearest to fitting: how many bytes it lacks."""

    excess: float
    setting: Setting


@dataclass(frozen=True)
class Question:
    """What to look for.

    Attributes
    ----------
    work, machine : Workload, Machine
    batches : sequence of int
        Sequences of a step that may be; a single one, where it is given.
    outcome : callable
        Maps (settings, step seconds) to an `Outcome`: run time, carbon, money, energy per setting. It may look at a
        setting's device count and batch only. Nothing may fall as the step time grows, but for carbon and energy where
        `least` is given.
    objective : str
        Key of `OBJECTIVES`.
    counts : tuple of int
        Fewest and most devices.
    deadline_s : float
        Longest run time; infinity for none.
    limits : tuple of (str, float)
        Fields of an `Outcome` and the most that is accepted of each; none falls as the step time grows.
    margin : float
        Share by which the memory of a setting may be exceeded and still fit.
    stated : bool
        Where nothing keeps the margin, what fits without it counts.
    host_devices : int
        Counts beyond one host are whole hosts.
    duration : callable, optional
        The run time alone of what `outcome` gives, where that is quicker to have.
    least : callable, optional
        What no setting of that device count and batch takes less than that is no quicker, where `outcome` does not say
        that itself.
    """

    work: Workload
    machine: Machine
    batches: Sequence[int]
    outcome: Callable[[Setting, Number], Outcome]
    objective: str
    counts: tuple[int, int]
    deadline_s: float = math.inf
    limits: tuple[tuple[str, float], ...] = ()
    margin: float = 0.0
    stated: bool = False
    host_devices: int = 1
    duration: Callable[[Setting, Number], Number] | None = None
    least: Callable[[Setting, Number], Outcome] | None = None

    def run_time(self, settings: Setting, step_s: Number) -> Number:
        """Run time of settings with these step times."""
        if self.duration is not None:
            return self.duration(settings, step_s)
        return self.outcome(settings, step_s).duration_s

    def keeps(self, taken: Any) -> Truth:
        """Whether things with an outcome's fields keep deadline and limits."""
        kept: Truth = np.asarray(taken.duration_s <= self.deadline_s)
        for name, most in self.limits:
            kept = kept & (getattr(taken, name) <= most)
        return kept

    def allows(self, taken: Any) -> bool:
        """Whether one thing does."""
        return bool(self.keeps(taken))

    def ranked(
        self, settings: Setting, step_s: Number, taken: Callable[[Setting, Number], Outcome] | None = None
    ) -> Outcome:
        """Return as much of what settings take (`outcome`, or `taken`) as the objective looks at."""
        if OBJECTIVES[self.objective].by_time and self.duration is not None:
            return Outcome(self.duration(settings, step_s), math.nan, math.nan, math.nan)
        return (taken or self.outcome)(settings, step_s)

    def bound(self, settings: Setting, step_s: Number) -> Outcome:
        """Return what no setting on as many devices that is no quicker takes less than."""
        return (self.least or self.outcome)(settings, step_s)


class Close(NamedTuple):
    """The near-optimal settings as arrays, best first, with their step times and whatever the objective makes least."""

    settings: Setting
    step_s: NDArray[np.float64]
    main: NDArray[np.float64]


@dataclass(frozen=True)
class Candidate:
    """A feasible setting with what it takes."""

    setting: Setting
    step_s: float
    duration_s: float
    carbon_kg: float
    cost_usd: float
    energy_j: float = math.inf

    @property
    def n_devices(self) -> int:
        """Devices it occupies."""
        return int(self.setting.n_devices)


@changing
class SearchResult:
    """Answer of a search.

    Attributes
    ----------
    best : Candidate, optional
        None where nothing fits or nothing finishes in time.
    top : list of Candidate
        The best settings, best first.
    n_candidates, n_fit : int
        Settings decided; settings known to satisfy every rule and the memory.
    rejected : Counter
        Settings by reason; ``deadline`` for those that fit and take too long, ``bound`` for those left out because a
        bound proves that they cannot be among the best.
    nearest_memory : Miss, optional
        Setting that lacked the least memory.
    fastest : Candidate, optional
        Quickest setting that fits, where none does so in time.
    n_layouts : int
    n_near : int
        Settings within `near` of the best.
    near : float
        Relative width of the near-optimal band.
    front : list of Candidate
        Pareto front of run time, devices, carbon and money, fewest devices first; empty unless asked for.
    quantiles : dict
        Share to the carbon below which that share of feasible settings lies, and a setting there.
    interrupted : bool
        Ended early: the best so far.
    close : Close, optional
        The near-optimal settings, where they were asked for.
    step : StepTime, optional
        That of the only setting there is, by part.
    """

    best: Candidate | None = None
    top: list[Candidate] = field(default_factory=list)
    n_candidates: int = 0
    n_fit: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    nearest_memory: Miss | None = None
    fastest: Candidate | None = None
    n_layouts: int = 0
    n_near: int = 0
    near: float = 0.0
    front: list[Candidate] = field(default_factory=list)
    quantiles: dict[float, tuple[float, Candidate]] = field(default_factory=dict)
    interrupted: bool = False
    close: Close | None = None
    step: StepTime | None = None


def candidates(q: Question, settings: Setting, step: NDArray[np.float64]) -> list[Candidate]:
    """Return settings of known step times, as arrays, with what they take."""
    if np.size(settings.tp) == 0:
        return []
    columns = [_listed(c, len(step)) for c in (step, *q.outcome(settings, step))]
    degrees = np.empty((len(step), len(settings)), np.int64)
    for i, column in enumerate(settings):
        degrees[:, i] = column
    return [
        Candidate(Setting(*own), *taken)
        for own, taken in zip(degrees.tolist(), zip(*columns, strict=True), strict=True)
    ]


def _listed(column: Number, n: int) -> list[float]:
    """Return numbers, or one for all, as so many of Python's own."""
    values = np.asarray(column, dtype=float)
    return values.tolist() if values.ndim else [float(values)] * n

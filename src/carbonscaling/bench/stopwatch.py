"""What a measurement of the search is made of: rows, and a clock for the wall and for the processors."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from carbonscaling.record import dataclass
from carbonscaling.search.result import SearchResult

__all__ = ["BenchRow", "Taken", "row_of", "timed"]

T = TypeVar("T")


@dataclass(frozen=True)
class BenchRow:
    """One measurement.

    Attributes
    ----------
    name : str
    seconds : float
        On the clock on the wall.
    n_candidates : int
        Settings decided; 0 where the row is not about settings.
    feasible_share : float
        Share of settings that fit; of those decided one by one where the search was pruned.
    threads : int
    note : str
    processor_s : float
        Of all threads together: what the work takes whatever else the machine does.
    limit_s : float, optional
        Longest that the project promises; None where it promises nothing.
    """

    name: str
    seconds: float
    n_candidates: int = 0
    feasible_share: float = 0.0
    threads: int = 1
    note: str = ""
    processor_s: float = 0.0
    limit_s: float | None = None

    @property
    def candidates_per_s(self) -> float:
        """Settings decided per second."""
        return self.n_candidates / self.seconds

    @property
    def candidates_per_processor_s(self) -> float:
        """Settings decided per second of one processor."""
        return self.n_candidates / self.processor_s if self.processor_s else 0.0


@dataclass(frozen=True)
class Taken:
    """Seconds by the wall and by the processors."""

    wall: float
    processor: float


def timed(work: Callable[[], T], least_s: float = 0.3) -> tuple[Taken, T]:
    """Return the quickest of a few runs, by each clock, and what the last one gave; one run where it is long."""
    wall, processor, spent = float("inf"), float("inf"), 0.0
    while True:
        begin, busy = time.perf_counter(), time.process_time()
        result = work()
        taken, used = time.perf_counter() - begin, time.process_time() - busy
        wall, processor, spent = min(wall, taken), min(processor, used), spent + taken
        if spent >= least_s:
            return Taken(wall, processor), result


def row_of(
    name: str, taken: Taken, r: SearchResult, threads: int, note: str = "", limit_s: float | None = None
) -> BenchRow:
    """Return the row of a search."""
    seen = max(1, r.n_candidates - r.rejected.get("bound", 0))
    return BenchRow(name, taken.wall, r.n_candidates, r.n_fit / seen, threads, note, taken.processor, limit_s)

"""How fast the search is on this machine: rate, phases, growth, cores, memory, and the questions it was made for."""

from __future__ import annotations

import math
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from carbonscaling.search import compiled
from carbonscaling.search.engine import Question, SearchResult, n_threads, search
from carbonscaling.search.evaluate import judge_of, prepare
from carbonscaling.search.space import FULL_SPACE, Space, grid, layouts
from carbonscaling.study.answer import question_of
from carbonscaling.study.resolve import resolve
from carbonscaling.study.scenario import Scenario
from carbonscaling.study.walk import Walk
from carbonscaling.units import DAY

__all__ = ["CASES", "BenchRow", "bench", "summary"]

PRIMES = {2: 8, 3: 3, 5: 2, 7: 2, 11: 1, 13: 1, 17: 1, 19: 1, 23: 1, 29: 1, 31: 1}
BATCH = math.prod(prime**power for prime, power in PRIMES.items())
"""The batch with most divisors below 2**53, so that a space of any size can have the same mix of settings."""
SIZES = (100_000, 1_000_000, 10_000_000, 100_000_000)
LARGE = 1_000_000_000
PHASES_OF = 10_000_000


@dataclass(frozen=True)
class BenchRow:
    """One measurement.

    Attributes
    ----------
    name : str
    seconds : float
    n_candidates : int
    feasible_share : float
        Share of settings that fit; of those decided one by one where the search was pruned.
    threads : int
    note : str
    """

    name: str
    seconds: float
    n_candidates: int
    feasible_share: float
    threads: int
    note: str = ""

    @property
    def candidates_per_s(self) -> float:
        """Settings decided per second."""
        return self.n_candidates / self.seconds


CASES: tuple[tuple[str, Scenario, tuple[int, int], Space], ...] = (
    (
        "Llama-3-8B, every count to 4,096 H100",
        Scenario(model="llama-3-8b", tokens=1e12, device="h100-sxm", batch=2048, seq_len=8192, objective="time"),
        (1, 4096),
        FULL_SPACE,
    ),
    (
        "GPT-3 175B on 1,024 A100, whole space",
        Scenario(model="gpt-3-175b", tokens=300e9, device="a100-80", batch=2048, seq_len=2048, objective="time"),
        (1024, 1024),
        FULL_SPACE,
    ),
    (
        "Llama-3.1-405B, every count to 65,536 H100",
        Scenario(model="llama-3.1-405b", tokens=15.6e12, device="h100-sxm", batch=2048, max_days=90),
        (1, 65536),
        FULL_SPACE,
    ),
    (
        "v1's width 98,304, every count to 1e9 B200",
        Scenario(law="paper_v1", d_model=98304, device="b200", max_days=3650),
        (1, 10**9),
        Space(),
    ),
    (
        "v1's width 1,572,864, every count to 1e9 B200",
        Scenario(law="paper_v1", d_model=1572864, device="b200", max_days=36500),
        (1, 10**9),
        Space(),
    ),
)
"""Questions of the papers' and of practice."""


def _asked(s: Scenario, counts: tuple[int, int]) -> Question:
    return question_of(s, resolve(s), counts, s.max_days * DAY if s.max_days else float("inf"))


def _question() -> Question:
    s = Scenario(model="llama-3-8b", tokens=1e12, device="h100-sxm", batch=BATCH, seq_len=8192, objective="time")
    return question_of(s, resolve(s), (1, 1 << 60), float("inf"))


def _space(q: Question, size: int) -> Space:
    """Return a space of about `size` settings; replicas are thinned evenly, so that the mix stays."""
    base = Space(
        vpp=(1, 2, 4, 8), zero=(0, 1, 2, 3), micro_batch=(1, 2, 4), recompute_percent=(50, 100), tp=(1, 2, 4, 8)
    )
    powers = ([prime**k for k in range(power + 1)] for prime, power in PRIMES.items())
    every = sorted(math.prod(combination) for combination in product(*powers))
    one = layouts(replace(base, dp=(1,)), q.work, q.batch, q.machine.domain, q.counts)
    per_replica = grid(base, q.work, q.batch, one).n_candidates
    wanted = min(len(every), max(1, round(size / per_replica)))
    return replace(base, dp=tuple(every[i] for i in np.linspace(0, len(every) - 1, wanted).round().astype(int)))


def _timed(work: Callable[[], SearchResult], least_s: float = 0.2) -> tuple[float, SearchResult]:
    """Best of a few runs; one where a run is long."""
    best, spent, result = float("inf"), 0.0, None
    while result is None or spent < least_s:
        begin = time.perf_counter()
        result = work()
        seconds = time.perf_counter() - begin
        best, spent = min(best, seconds), spent + seconds
    return best, result


def _row(name: str, seconds: float, r: SearchResult, threads: int, note: str = "") -> BenchRow:
    seen = max(1, r.n_candidates - r.rejected.get("bound", 0))
    return BenchRow(name, seconds, r.n_candidates, r.n_fit / seen, threads, note)


def bench(*, large: bool = False) -> Iterator[BenchRow]:
    """Measure, one row at a time.

    Parameters
    ----------
    large : bool
        Walk through a space of 1e9 settings as well.
    """
    seconds = prepare() if compiled.available() else 0.0
    kind = "compiled" if compiled.available() else "NumPy, without numba"
    yield BenchRow("prepare", max(seconds, 1e-9), 0, 0.0, 1, f"{kind}; from disk if it was compiled before")
    q, most = _question(), n_threads()
    sizes = (*SIZES, *((LARGE,) if large else ()))
    for size in sizes:
        space = _space(q, size)
        taken, found = _timed(lambda: search(q, space, threads=most))  # noqa: B023
        yield _row(f"exhaustive, {found.n_candidates:.1e} settings", taken, found, most)
    yield from _decide_alone(q, _space(q, sizes[-1]), sizes)
    space = _space(q, PHASES_OF)
    taken, found = _timed(lambda: search(q, space, threads=1))
    yield _row("exhaustive, one thread", taken, found, 1)
    yield from _phases(q, space)
    yield from _pruning(q, _space(q, SIZES[-1]), "mixed space")
    name, s, counts, options = CASES[0]
    yield from _pruning(_asked(s, counts), options, name)
    for name, s, counts, options in CASES:
        case = _asked(s, counts)
        taken, found = _timed(lambda: search(case, options, prune=True, explain=False))  # noqa: B023
        best = f"best on {found.best.n_devices:,} devices" if found.best else "nothing fits in time"
        yield _row(name, taken, found, most, best)


def _pruning(q: Question, space: Space, name: str) -> Iterator[BenchRow]:
    """Time a search in full and pruned, one thread each, and compare the answers."""
    whole, every = _timed(lambda: search(q, space, threads=1))
    yield _row(f"exhaustive: {name}", whole, every, 1)
    taken, pruned = _timed(lambda: search(q, space, threads=1, prune=True))
    same = "identical answer" if (pruned.top, pruned.n_near) == (every.top, every.n_near) else "ANOTHER ANSWER"
    yield _row(f"pruned: {name}", taken, pruned, 1, f"{whole / taken:.0f} times as fast; {same}")


def _phases(q: Question, space: Space) -> Iterator[BenchRow]:
    """Time the parts of a search apart."""
    marks = [time.perf_counter()]
    rows = layouts(space, q.work, q.batch, q.machine.domain, q.counts)
    options = grid(space, q.work, q.batch, rows)
    marks.append(time.perf_counter())
    judge = judge_of(q.work, q.machine, options)
    marks.append(time.perf_counter())
    judge.bounds()
    marks.append(time.perf_counter())
    for i, name in enumerate(("phase: layouts", "phase: layer table", "phase: bounds")):
        yield BenchRow(name, marks[i + 1] - marks[i], options.n_candidates, 0.0, 1)


def _decide_alone(q: Question, space: Space, sizes: Sequence[int]) -> Iterator[BenchRow]:
    """Time the deciding alone, on one thread, of ever more layouts drawn evenly from one space: the mix stays.

    The sizes take turns, so that whatever else the machine does slows all of them alike; each is walked through at least
    once, and whole walks are counted, in processor time.
    """
    options = grid(space, q.work, q.batch, layouts(space, q.work, q.batch, q.machine.domain, q.counts))
    judge = judge_of(q.work, q.machine, options)
    walks = [Walk(judge, size) for size in sizes]
    while not all(walk.n_walks for walk in walks):
        for walk in walks:
            walk.go_on(0.25 if walk is walks[-1] else 0.05)
    for walk in walks:
        name, seconds = f"deciding alone, {walk.n_settings:.1e}", walk.seconds / walk.n_walks
        yield BenchRow(name, seconds, walk.n_settings, walk.n_fit / walk.n_settings, 1, "processor time")


def peak_memory_mb() -> float:
    """Largest memory of this process so far, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def summary(rows: list[BenchRow]) -> dict[str, Any]:
    """Return the flat summary: the rate is that of the largest exhaustive search."""
    walks = [r for r in rows if r.name.startswith("exhaustive") and "settings" in r.name]
    last, one = walks[-1], next(r for r in rows if r.name == "exhaustive, one thread")
    whole, pruned = (next(r for r in rows if r.name.startswith(kind)) for kind in ("exhaustive: ", "pruned: "))
    per_setting = [r.seconds / r.n_candidates for r in rows if r.name.startswith("deciding alone")]
    return {
        "candidates_per_s": last.candidates_per_s,
        "candidates_per_s_one_core": one.candidates_per_s,
        "cores": last.threads,
        "feasible_share": last.feasible_share,
        "peak_memory_mb": peak_memory_mb(),
        "compile_s": rows[0].seconds,
        "growth": max(per_setting) / min(per_setting),
        "pruned_speedup": whole.seconds / pruned.seconds,
        **{f"case_{i}_s": row.seconds for i, row in enumerate(rows[-len(CASES) :], start=1)},
    }

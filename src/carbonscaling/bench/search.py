"""How fast the search is on this machine: rate, phases, growth, cores, memory, and the questions it was made for."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from carbonscaling.bench.questions import ask, firmness, pruning
from carbonscaling.bench.stopwatch import BenchRow, row_of, timed
from carbonscaling.bench.walk import Walk
from carbonscaling.platform import peak_memory_bytes
from carbonscaling.search import compiled
from carbonscaling.search.engine import Question, n_threads, search
from carbonscaling.search.evaluate import judge_of, prepare
from carbonscaling.search.space import Space, grid, layouts
from carbonscaling.study.asked import question_of
from carbonscaling.study.resolve import resolve
from carbonscaling.study.scenario import Scenario

__all__ = ["BenchRow", "bench", "summary"]

PRIMES = {2: 8, 3: 3, 5: 2, 7: 2, 11: 1, 13: 1, 17: 1, 19: 1, 23: 1, 29: 1, 31: 1}
BATCH = math.prod(prime**power for prime, power in PRIMES.items())
"""The batch with most divisors below 2**53, so that a space of any size can have the same mix of settings."""
SIZES = (100_000, 1_000_000, 10_000_000, 100_000_000)
LARGE = 1_000_000_000
PHASES_OF = 10_000_000
ONE_CORE = 30_000_000


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
    one = layouts(replace(base, dp=(1,)), q.work, q.batches, q.machine.silicon.domain, q.counts)
    per_replica = grid(base, q.work, one).n_candidates
    wanted = min(len(every), max(1, round(size / per_replica)))
    return replace(base, dp=tuple(every[i] for i in np.linspace(0, len(every) - 1, wanted).round().astype(int)))


def bench(*, large: bool = False) -> Iterator[BenchRow]:
    """Measure, one row at a time.

    Parameters
    ----------
    large : bool
        Walk through a space of 1e9 settings as well.
    """
    seconds = prepare() if compiled.available() else 0.0
    kind = "compiled" if compiled.available() else "NumPy, without numba"
    yield BenchRow("prepare", max(seconds, 1e-9), note=f"{kind}; from disk if it was compiled before")
    q, most = _question(), n_threads()
    sizes = (*SIZES, *((LARGE,) if large else ()))
    for size in sizes:
        space = _space(q, size)
        taken, found = timed(lambda: search(q, space, threads=most))  # noqa: B023
        yield row_of(f"exhaustive, {found.n_candidates:.1e} settings", taken, found, most)
    space = _space(q, ONE_CORE)
    taken, found = timed(lambda: search(q, space, threads=1), 1.0)
    yield row_of("exhaustive, one thread", taken, found, 1)
    yield from _decide_alone(q, _space(q, sizes[-1]), sizes)
    yield from _phases(q, _space(q, PHASES_OF))
    yield from pruning()
    yield from ask()
    yield from firmness()


def _phases(q: Question, space: Space) -> Iterator[BenchRow]:
    """Time the parts of a search apart."""
    marks = [time.perf_counter()]
    rows = layouts(space, q.work, q.batches, q.machine.silicon.domain, q.counts)
    options = grid(space, q.work, rows)
    marks.append(time.perf_counter())
    judge = judge_of(q.work, q.machine, options, few=0)
    marks.append(time.perf_counter())
    judge.bounds()
    marks.append(time.perf_counter())
    for i, name in enumerate(("phase: layouts", "phase: layer table", "phase: bounds")):
        yield BenchRow(name, marks[i + 1] - marks[i], options.n_candidates)


def _decide_alone(q: Question, space: Space, sizes: Sequence[int]) -> Iterator[BenchRow]:
    """Time the deciding alone, on one thread, of ever more layouts drawn evenly from one space: the mix stays.

    The sizes take turns, so that whatever else the machine does slows all of them alike; each is walked through at least
    once, and whole walks are counted, in processor time.
    """
    options = grid(space, q.work, layouts(space, q.work, q.batches, q.machine.silicon.domain, q.counts))
    judge = judge_of(q.work, q.machine, options, few=0)
    walks = [Walk(judge, size) for size in sizes]
    while not all(walk.n_walks for walk in walks):
        for walk in walks:
            walk.go_on(0.25 if walk is walks[-1] else 0.05)
    for walk in walks:
        name, seconds = f"deciding alone, {walk.n_settings:.1e}", walk.seconds / walk.n_walks
        share = walk.n_fit / walk.n_settings
        yield BenchRow(name, seconds, walk.n_settings, share, 1, "processor time", seconds)


def summary(rows: list[BenchRow]) -> dict[str, Any]:
    """Return the flat summary: the rate is that of the largest exhaustive search."""
    walks = [r for r in rows if r.name.startswith("exhaustive") and "settings" in r.name]
    last, one = walks[-1], next(r for r in rows if r.name == "exhaustive, one thread")
    per_setting = [r.seconds / r.n_candidates for r in rows if r.name.startswith("deciding alone")]
    whole, pruned = ([r for r in rows if r.name.startswith(kind)] for kind in ("exhaustive: ", "pruned: "))
    promised = [r for r in rows if r.limit_s is not None]
    return {
        "candidates_per_s": last.candidates_per_s,
        "candidates_per_s_one_core": one.candidates_per_s,
        "candidates_per_processor_s": one.candidates_per_processor_s,
        "cores": last.threads,
        "feasible_share": last.feasible_share,
        "peak_memory_mb": peak_memory_bytes() / 1e6,
        "compile_s": rows[0].seconds,
        "growth": max(per_setting) / min(per_setting),
        "fixed_s": max(0.0, walks[0].processor_s - walks[0].n_candidates * walks[-1].processor_s / last.n_candidates),
        "pruned_speedup": min(w.processor_s / p.processor_s for w, p in zip(whole, pruned, strict=True)),
        **{f"case_{i}_s": row.seconds for i, row in enumerate(promised, start=1)},
    }

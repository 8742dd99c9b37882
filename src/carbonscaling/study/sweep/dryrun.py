"""What a study would take, from pieces of it that are tried by the very workers that would run it."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Sequence

import numpy as np

from carbonscaling.record import dataclass
from carbonscaling.study.sweep.case import n_searches
from carbonscaling.study.sweep.executors import Executor
from carbonscaling.study.sweep.manifest import manifest, read_manifest, study_of, write_manifest
from carbonscaling.study.sweep.shard import answers_of, parquet
from carbonscaling.study.sweep.stamp import study_stamp
from carbonscaling.study.sweep.store import Store
from carbonscaling.study.sweep.studyfile import Study

__all__ = ["Forecast", "Piece", "forecast", "foretold"]

BUDGET_S = 4.0
PIECE_S = 0.4
"""About how long a piece takes: long enough that what its cases share counts as it does in a whole shard."""
LEAST, GROUPS = 7, 7
"""Pieces tried at least, however long they take; groups they are put into, of which the median is the forecast."""


@dataclass(frozen=True)
class Forecast:
    """Forecast of a study.

    Attributes
    ----------
    n_cases, n_shards : int
    n_runs : int
        Runs that differ in more than their place.
    n_tried : int
        Cases that were run for this forecast.
    candidates : float
        Settings of all runs' searches, of which equal ones are made once.
    n_workers : int
        Workers that the forecast holds for; they were at work at once while it was made.
    run_s, case_s : float
        Seconds of a run on one worker, and of each case that has it.
    start_s : float
        Seconds until the workers are at work.
    hours, low_hours, high_hours : float
        Of the whole study: the median of what groups of pieces foretell, and their range without its two ends.
    disk_bytes : float
    """

    n_cases: int
    n_shards: int
    n_runs: int
    n_tried: int
    candidates: float
    n_workers: int
    run_s: float
    case_s: float
    start_s: float
    hours: float
    low_hours: float
    high_hours: float
    disk_bytes: float


@dataclass(frozen=True)
class Piece:
    """A piece that was tried: cases and runs, seconds of the runs and of the cases that have them, bytes, settings of a run."""

    first: int
    n_cases: int
    n_runs: int
    runs_s: float
    cases_s: float
    n_bytes: int
    candidates: float


def trial(url: str, first: int, stop: int) -> Piece:
    """Answer some cases, and once more with the runs known."""
    answers = answers_of(study_of(read_manifest(Store(url))))
    begin = time.perf_counter()
    answers.table(range(first, stop))
    between = time.perf_counter()
    table = answers.table(range(first, stop))
    content = parquet(table, "")
    cases_s = time.perf_counter() - between
    candidates = float(table["n_candidates"].mean() or 0.0)
    return Piece(
        first, stop - first, answers.n_runs, max(0.0, between - begin - cases_s), cases_s, len(content), candidates
    )


def _shards(study: Study) -> list[int]:
    """Return shards spread over the study, each stretch of it as often as any other, in mixed order."""
    rng = np.random.default_rng(1)
    n = min(64, study.n_shards)
    edges = np.linspace(0, study.n_shards, n + 1)
    shards = np.floor(edges[:-1] + rng.random(n) * np.diff(edges)).astype(int)
    return [int(s) for s in rng.permutation(shards)]


def _tried(study: Study, executor: Executor, url: str) -> list[Piece]:
    """Try pieces for a few seconds; those too short to tell what their cases share are tried again, longer."""
    n, left, size = executor.n_workers, _shards(study), 1
    found: list[Piece] = []
    begin = time.monotonic()
    while left and (len(found) < LEAST or time.monotonic() - begin < BUDGET_S):
        now, left = left[:n], left[n:]
        spans = [(a, min(a + size, b)) for a, b in map(study.span, now)]
        pieces = [f.result() for f in [executor.submit(trial, url, *span) for span in spans]]
        usual = statistics.median((p.runs_s + p.cases_s) / p.n_cases for p in pieces)
        longer = min(study.shard_cases, max(1, round(PIECE_S / max(usual, 1e-9))))
        if longer > 4 * size and time.monotonic() - begin < BUDGET_S:
            left = now + left
        else:
            found += pieces
        size = longer
    return found


def _rates(pieces: Sequence[Piece]) -> tuple[float, float]:
    """Return seconds of a run, and of a case that has it."""
    runs, cases = sum(p.n_runs for p in pieces), sum(p.n_cases for p in pieces)
    return sum(p.runs_s for p in pieces) / runs, sum(p.cases_s for p in pieces) / cases


def _groups(pieces: Sequence[Piece]) -> list[list[Piece]]:
    """Return the pieces in up to `GROUPS` groups, each spread over the whole study."""
    order = sorted(pieces, key=lambda p: p.first)
    return [order[i::GROUPS] for i in range(min(GROUPS, len(order)))]


def forecast(study: Study, executor: Executor) -> Forecast:
    """Have the workers try pieces spread over the study for a few seconds, and say what all of it takes."""
    with tempfile.TemporaryDirectory() as folder:
        write_manifest(Store(folder), manifest(study, study_stamp(study)))
        begin = time.monotonic()
        for lone in [executor.submit(trial, folder, 0, 1) for _ in range(executor.n_workers)]:
            lone.result()
        start_s = time.monotonic() - begin
        pieces = _tried(study, executor, folder)
    return foretold(study, pieces, executor.n_workers, start_s)


def foretold(study: Study, pieces: Sequence[Piece], n_workers: int, start_s: float) -> Forecast:
    """Return the forecast that follows from pieces: the median of what groups of them foretell, so that none decides alone.

    Cases of a run that several shards share ask for it once in every worker that has one of those shards.
    """
    n_runs = n_searches(study)
    runs_made, at_once = n_runs + min(study.n_shards, n_runs * (n_workers - 1)), min(n_workers, study.n_shards)
    rates = [_rates(group) for group in _groups(pieces)]
    hours = sorted((start_s + (runs_made * run + study.n_cases * case) / at_once) / 3600.0 for run, case in rates)
    outer = 1 if len(hours) > 4 else 0
    n_tried = sum(p.n_cases for p in pieces)
    return Forecast(
        n_cases=study.n_cases,
        n_shards=study.n_shards,
        n_runs=n_runs,
        n_tried=n_tried,
        candidates=n_runs * statistics.fmean(p.candidates for p in pieces),
        n_workers=n_workers,
        run_s=statistics.median(run for run, _ in rates),
        case_s=statistics.median(case for _, case in rates),
        start_s=start_s,
        hours=statistics.median(hours),
        low_hours=hours[outer],
        high_hours=hours[-1 - outer],
        disk_bytes=study.n_cases * sum(p.n_bytes for p in pieces) / n_tried,
    )

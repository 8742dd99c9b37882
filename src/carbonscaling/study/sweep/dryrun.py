"""What a study would take, from pieces of it that are tried by the very workers that would run it."""

from __future__ import annotations

import math
import statistics
import tempfile
import time
from dataclasses import dataclass

import numpy as np

from carbonscaling.study.sweep.answers import Answers
from carbonscaling.study.sweep.case import n_searches
from carbonscaling.study.sweep.executors import Executor
from carbonscaling.study.sweep.manifest import manifest, read_manifest, study_of, write_manifest
from carbonscaling.study.sweep.shard import parquet
from carbonscaling.study.sweep.stamp import study_stamp
from carbonscaling.study.sweep.store import Store
from carbonscaling.study.sweep.studyfile import Study

__all__ = ["Forecast", "forecast"]

BUDGET_S = 4.0
PIECE_S = 0.4
"""About how long a piece takes: long enough that what its cases share counts as it does in a whole shard."""


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
        Of the whole study, and one standard error of the pieces each way.
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

    n_cases: int
    n_runs: int
    runs_s: float
    cases_s: float
    n_bytes: int
    candidates: float


def trial(url: str, first: int, stop: int) -> Piece:
    """Answer some cases, and once more with the runs known."""
    answers = Answers(study_of(read_manifest(Store(url))))
    begin = time.perf_counter()
    answers.table(range(first, stop))
    between = time.perf_counter()
    table = answers.table(range(first, stop))
    content = parquet(table, "")
    cases_s = time.perf_counter() - between
    candidates = float(table["n_candidates"].mean() or 0.0)
    return Piece(stop - first, answers.n_runs, max(0.0, between - begin - cases_s), cases_s, len(content), candidates)


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
    while left and (not found or time.monotonic() - begin < BUDGET_S):
        now, left = left[:n], left[n:]
        spans = [(a, min(a + size, b)) for a, b in map(study.span, now)]
        pieces = [f.result() for f in [executor.submit(trial, url, *span) for span in spans]]
        slowest = max((p.runs_s + p.cases_s) / p.n_cases for p in pieces)
        longer = min(study.shard_cases, max(1, round(PIECE_S / slowest)))
        if longer > 4 * size and time.monotonic() - begin < BUDGET_S:
            left = now + left
        else:
            found += pieces
        size = longer
    return found


def _rates(pieces: list[Piece]) -> tuple[float, float]:
    """Return seconds of a run, and of a case that has it."""
    runs, cases = sum(p.n_runs for p in pieces), sum(p.n_cases for p in pieces)
    return sum(p.runs_s for p in pieces) / runs, sum(p.cases_s for p in pieces) / cases


def forecast(study: Study, executor: Executor) -> Forecast:
    """Have the workers try pieces spread over the study for a few seconds, and say what all of it takes.

    Cases of a run that several shards share ask for it once in every worker that has one of those shards.
    """
    n, n_runs = executor.n_workers, n_searches(study)
    with tempfile.TemporaryDirectory() as folder:
        write_manifest(Store(folder), manifest(study, study_stamp(study)))
        begin = time.monotonic()
        for lone in [executor.submit(trial, folder, 0, 1) for _ in range(n)]:
            lone.result()
        start_s = time.monotonic() - begin
        pieces = _tried(study, executor, folder)
    runs_made, at_once = n_runs + min(study.n_shards, n_runs * (n - 1)), min(n, study.n_shards)

    def seconds(some: list[Piece]) -> float:
        return start_s + (runs_made * _rates(some)[0] + study.n_cases * _rates(some)[1]) / at_once

    without = [seconds(pieces[:i] + pieces[i + 1 :]) for i in range(len(pieces))] if len(pieces) > 1 else [0.0]
    error = math.sqrt((len(without) - 1) * statistics.pvariance(without))  # the jackknife
    middle, (run_s, case_s) = seconds(pieces), _rates(pieces)
    low, high = max(start_s, middle - error), middle + error
    n_tried = sum(p.n_cases for p in pieces)
    return Forecast(
        n_cases=study.n_cases,
        n_shards=study.n_shards,
        n_runs=n_runs,
        n_tried=n_tried,
        candidates=n_runs * statistics.fmean(p.candidates for p in pieces),
        n_workers=n,
        run_s=run_s,
        case_s=case_s,
        start_s=start_s,
        hours=middle / 3600.0,
        low_hours=low / 3600.0,
        high_hours=high / 3600.0,
        disk_bytes=study.n_cases * sum(p.n_bytes for p in pieces) / n_tried,
    )

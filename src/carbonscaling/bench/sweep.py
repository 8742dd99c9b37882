"""How fast studies run on this machine, how the rate grows with workers, and what a thousand million cases would take.

Workers are timed at once with everything else the machine does. Two figures do not depend on that: processor seconds of a
case, and the share of its time that a worker is at work and not waiting for the next shard. Efficiency is their product.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from carbonscaling.record import dataclass
from carbonscaling.study.sweep.axes import Block
from carbonscaling.study.sweep.drive import drive
from carbonscaling.study.sweep.executors import Executor, Processes
from carbonscaling.study.sweep.manifest import manifest, write_manifest
from carbonscaling.study.sweep.sample import Factor, Samples, sample_block
from carbonscaling.study.sweep.shard import probe
from carbonscaling.study.sweep.stamp import study_stamp
from carbonscaling.study.sweep.store import Store
from carbonscaling.study.sweep.studyfile import Keep, Study

__all__ = ["SweepRow", "bench_sweep", "own_searches", "searches", "studies", "sweep_summary"]

PLACE = {
    "carbon_intensity_g_per_kwh": Factor(20.0, 700.0),
    "pue": Factor(1.05, 1.5),
    "lifetime_years": Factor(3.0, 8.0),
}
RUN = {"tokens": Factor(1e11, 1e13, log=True), "run_overhead": Factor(1.02, 1.25)}
_CROSSED = (
    Block({"model": ("llama-3-8b", "gpt-3-13b", "mixtral-8x7b", "llama-2-70b")}),
    Block({"device": ("a100-80", "h100-sxm", "h200", "b200", "mi300x")}),
)
GREAT = 1_000_000_000
GREAT_WORKERS = 1_024
GREAT_SHARD = 50_000


@dataclass(frozen=True)
class SweepRow:
    """One study on some workers; the median of its repetitions.

    Attributes
    ----------
    study : str
    n_workers, n_cases : int
    cases_per_s : float
        By the clock, workers warm.
    case_s : float
        Processor seconds of a case, all workers together.
    busy : float
        Share of their time that workers are at work.
    driver_s : float
        Processor seconds of the driving process, for each shard.
    bytes_per_case, peak_bytes : float
        On disk; most memory of a worker.
    """

    study: str
    n_workers: int
    n_cases: int
    cases_per_s: float
    case_s: float
    busy: float
    driver_s: float
    bytes_per_case: float
    peak_bytes: float


def studies(n_cases: int) -> dict[str, Study]:
    """Return the studies measured, by name; the second has a tenth as many cases.

    Both cross models, devices and counts. "shared runs" samples the place alone, so that all draws of a setting share a run;
    "own runs" samples tokens and overhead as well.
    """
    crossed = (*_CROSSED, Block({"devices": (64, 128, 256, 512)}))
    base = {"objective": "time", "batch": 1024}
    n = max(1, n_cases // 80)
    places = sample_block(Samples(n, factors=PLACE), "bench")
    runs = sample_block(Samples(max(1, n // 10), factors={**RUN, **PLACE}), "bench")
    first = Study("places", "estimate", {**base, "tokens": 1e12}, (*crossed, places), Keep(), min(5000, max(1, n)))
    return {
        "shared runs": first,
        "own runs": replace(first, base=base, blocks=(*crossed, runs), shard_cases=max(1, n // 10)),
    }


def _measured(name: str, study: Study, executor: Executor) -> SweepRow:
    with tempfile.TemporaryDirectory() as folder:
        store, stamp = Store(folder), study_stamp(study)
        write_manifest(store, manifest(study, stamp, ["bench"]))
        for warm in [executor.submit(probe, store.url, stamp, 0, 1) for _ in range(2 * executor.n_workers)]:
            warm.result()
        begin, begin_cpu = time.perf_counter(), time.process_time()
        tally = drive(study, store, executor)
        seconds, driver_s = time.perf_counter() - begin, time.process_time() - begin_cpu
    n = executor.n_workers
    return SweepRow(
        name, n, study.n_cases, study.n_cases / seconds, tally.processor_s / study.n_cases,
        min(1.0, tally.busy_s / (n * seconds)), driver_s / study.n_shards, tally.n_bytes / study.n_cases, tally.peak_bytes,
    )  # fmt: skip


def _median(rows: list[SweepRow]) -> SweepRow:
    names = ("cases_per_s", "case_s", "busy", "driver_s", "bytes_per_case", "peak_bytes")
    return replace(rows[0], **{name: statistics.median(getattr(row, name) for row in rows) for name in names})


def bench_sweep(n_cases: int = 400_000, most: int = 2, repeats: int = 3) -> Iterator[SweepRow]:
    """Measure studies on one worker and on `most`, turn by turn, so that what else the machine does slows both alike."""
    for name, study in studies(n_cases).items():
        pools = [Processes(n) for n in sorted({1, most})]
        try:
            turns = [[_measured(name, study, pool) for pool in pools] for _ in range(repeats)]
        finally:
            for pool in pools:
                pool.close()
        yield from (_median([turn[i] for turn in turns]) for i in range(len(pools)))


def searches(n_devices: int = 16) -> Study:
    """Return a study in which every case has a search of its own: models, devices and their numbers."""
    crossed = (*_CROSSED, Block({"devices": tuple(64 * (n + 1) for n in range(n_devices))}))
    base = {"objective": "time", "batch": 1024, "tokens": 1e12}
    return Study("searches", "estimate", base, crossed, Keep(), 20 * n_devices)


def own_searches(n_devices: int = 16) -> SweepRow:
    """Measure `searches` on one worker."""
    pool = Processes(1)
    try:
        return _measured("searches", searches(n_devices), pool)
    finally:
        pool.close()


def sweep_summary(rows: list[SweepRow]) -> Mapping[str, Any]:
    """Return efficiency and the arithmetic of a thousand million cases, for each study."""
    found: dict[str, Any] = {}
    for name in dict.fromkeys(row.study for row in rows):
        own = sorted((row for row in rows if row.study == name), key=lambda row: row.n_workers)
        one, many = own[0], own[-1]
        efficiency = (one.case_s / many.case_s) * (many.busy / one.busy)
        shards = GREAT / GREAT_SHARD
        found[name] = {
            "workers": many.n_workers,
            "efficiency": efficiency,
            "efficiency_by_clock": many.cases_per_s / (many.n_workers * one.cases_per_s),
            "case_s": many.case_s,
            "great_cases": GREAT,
            "great_workers": GREAT_WORKERS,
            "great_worker_hours": GREAT * many.case_s / 3600.0,
            "great_hours": max(GREAT * many.case_s / (GREAT_WORKERS * min(1.0, efficiency)), shards * many.driver_s)
            / 3600.0,
            "great_shards": shards,
            "great_driver_hours": shards * many.driver_s / 3600.0,
            "great_bytes": GREAT * many.bytes_per_case,
        }
    return found

"""Matrix multiplications timed alone, device by device."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from carbonscaling.calibration.kernels import predicted_seconds
from carbonscaling.evidence.row import Row
from carbonscaling.evidence.timing import BATCHED, GROUPED, Timing, disturbed, timing, timings
from carbonscaling.validate.parts.part import Asked, Component, Outcome, judged, lines

__all__ = ["check_gemm", "gemm_outcomes", "outcomes"]

TARGETS: Mapping[str, float] = {"A100-40": 0.07, "A100-80": 0.07, "H100-80": 0.07, "TPUv4": 0.09}
"""Mean error the project asks for."""
POOLED = "A100, H100 and TPUv4 together"
STEADY = f"{POOLED}, readings that were disturbed left out"
TIME_R2, USE_R2 = 0.996, 0.992
"""What the papers claim of launch times and of the utilisation reached, over rows of one kind."""


def outcomes(rows: Sequence[Timing]) -> list[Outcome]:
    """Return the time of every launch in seconds, by device and kind of kernel."""
    kinds: dict[tuple[str, str, bool, bool], list[int]] = defaultdict(list)
    for i, row in enumerate(rows):
        kinds[row.device, row.recipe, row.op in GROUPED, row.op in BATCHED].append(i)
    seconds = np.empty(len(rows))
    for kind in kinds.values():
        seconds[kind] = predicted_seconds([rows[i] for i in kind])
    pairs = zip(rows, seconds, strict=True)
    return [
        Outcome((row.group,) if row.seconds > 0 else (), float(time), row.seconds, work=row.flops)
        for row, time in pairs
    ]


def gemm_outcomes(rows: Sequence[Row]) -> list[Outcome]:
    """Return the time of every row's launch in seconds, or why it has none."""
    launches: list[Timing] = []

    def read(row: Row) -> Outcome:
        launches.append(timing(row))
        return Outcome()

    found = judged(rows, read)
    timed = iter(outcomes(launches))
    return [one if one.reason else next(timed) for one in found]


def check_gemm() -> tuple[Component, ...]:
    """Score the launch times of the shipped rows; the devices with a target also together."""
    rows = timings()
    pooled = [row for row in rows if row.group in TARGETS]
    slowed = set(map(id, disturbed(pooled)))

    def remark(group: str) -> str:
        if group.endswith("unaligned"):
            return "slow path of the library, not modelled"
        many = f"{len(slowed)} readings ran at less than 3/4 of the rate of the six shapes around them in a sweep"
        return many if group == STEADY else ""

    def papers(line: Component) -> bool:
        return bool(line.score and line.score.r2 >= TIME_R2 and (line.utilisation_r2 or 0.0) >= USE_R2)

    asked = {name: Asked.most("mean error", "mape", most) for name, most in TARGETS.items()}
    asked[POOLED] = Asked(f"R² of time at least {TIME_R2:g}, of use {USE_R2:g}", papers)
    found = []
    for row, one in zip(rows, outcomes(rows), strict=True):
        shared = () if row.group not in TARGETS else (POOLED,) if id(row) in slowed else (POOLED, STEADY)
        found.append(replace(one, groups=one.groups + shared))
    return lines("gemm", found, asked, remark)

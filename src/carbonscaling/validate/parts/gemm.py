"""Matrix multiplications timed alone, device by device."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from carbonscaling.catalog import hardware
from carbonscaling.catalog.efficiency import efficiency
from carbonscaling.perf import build
from carbonscaling.perf.gemm import gemm_time
from carbonscaling.perf.precision import precision
from carbonscaling.validate.parts.alone import alone, clock
from carbonscaling.validate.parts.part import Asked, Component, Outcome, lines
from carbonscaling.validate.parts.timings import BATCHED, GROUPED, Timing, disturbed, timings

__all__ = ["Kernel", "check_gemm", "outcomes", "predicted_seconds"]

TARGETS: Mapping[str, float] = {"A100-40": 0.07, "A100-80": 0.07, "H100-80": 0.07, "TPUv4": 0.09}
"""Mean error the project asks for."""
POOLED = "A100, H100 and TPUv4 together"
STEADY = f"{POOLED}, readings that were disturbed left out"
TIME_R2, USE_R2 = 0.996, 0.992
"""What the papers claim of launch times and of the utilisation reached, over rows of one kind."""


class Kernel(NamedTuple):
    """Constants of a device's multiplications: see `perf.gemm.gemm_time`; `lead` is that of a lone launch's clock."""

    efficiency: Any
    latency: Any
    k_half: Any
    memory: Any
    lead: Any


def predicted_seconds(rows: Sequence[Timing], kernel: Kernel | None = None) -> NDArray[np.float64]:
    """Return the time of launches of one kind on one device in one number format.

    A lone launch differs from one inside a step. A GPU starts it at a higher clock and ends it at a lower one; a TPU moves the
    operands between HBM and vector memory before and after it, where inside a compiled step that traffic runs ahead.

    Parameters
    ----------
    rows : sequence of Timing
    kernel : Kernel, optional
        Constants in place of those that ship.
    """
    first, device = rows[0], hardware.device(rows[0].device)
    silicon = build.silicon(hardware.cluster(device), efficiency(device))
    formats = build.formats(device, precision(first.recipe), efficiency(device))
    batch, m, n, k = (np.array([getattr(r, name) for r in rows]) for name in ("batch", "m", "n", "k"))
    lone = device.kind == "tpu"
    width = {"fp8": 1.0, "int8": 1.0, "fp32": 4.0}.get(first.recipe, 2.0)
    if kernel is None:
        share = {
            **dict.fromkeys(GROUPED, formats.grouped_efficiency), **dict.fromkeys(BATCHED, formats.batched_efficiency),
        }.get(first.op, formats.gemm_efficiency)  # fmt: skip
        ahead = alone().lead.get(device.architecture)
        kernel = Kernel(
            share, silicon.kernel_latency, formats.gemm_k_half, silicon.memory_efficiency, ahead.si if ahead else 0.0
        )

    def seconds(peak: Any) -> Any:
        return gemm_time(
            batch, m, n, k, peak, kernel.efficiency, kernel.k_half, silicon.cores, silicon.tile_m, silicon.tile_n,
            kernel.latency, np.inf if lone else silicon.bandwidth, kernel.memory, width,
        )  # fmt: skip

    time = seconds(formats.peak)
    if kernel.lead:
        time = seconds(formats.peak * clock(time, kernel.lead, alone().settling.si))
    moved = width * batch * (m * k + k * n + m * n) / (silicon.bandwidth * alone().isolated_transfer.value)
    return np.asarray(time + moved if lone else time, dtype=float)


def outcomes(rows: Sequence[Timing]) -> list[Outcome]:
    """Return the time of every launch in seconds, by device and kind of kernel."""
    kinds: dict[tuple[str, str, bool, bool], list[int]] = defaultdict(list)
    for i, row in enumerate(rows):
        kinds[row.device, row.recipe, row.op in GROUPED, row.op in BATCHED].append(i)
    seconds = np.empty(len(rows))
    for kind in kinds.values():
        seconds[kind] = predicted_seconds([rows[i] for i in kind])
    pairs = zip(rows, seconds, strict=True)
    return [Outcome((row.group,), float(time), row.seconds, work=row.flops) for row, time in pairs]


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

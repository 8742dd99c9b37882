"""Matrix multiplications timed alone, device by device."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from carbonscaling import evidence
from carbonscaling.catalog import hardware
from carbonscaling.catalog.efficiency import efficiency
from carbonscaling.catalog.stacks import stack
from carbonscaling.errors import InputError
from carbonscaling.perf import build
from carbonscaling.perf.gemm import gemm_time
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.precision import PRECISIONS, precision
from carbonscaling.units import TERA
from carbonscaling.validate.components.alone import alone, clock
from carbonscaling.validate.components.record import Component
from carbonscaling.validate.components.sweeps import disturbed
from carbonscaling.validate.score import score

__all__ = ["Timing", "check_gemm", "predicted_seconds", "timings"]

_GROUPED = ("grouped_gemm",)
_BATCHED = ("bmm", "attention_key_query_prob", "attention_prob_times_values")
_FUSED = ("flash_attention_fwd", "flash_attention_bwd")
ALIGNMENT = 8
"""Elements: 16-bit operands off this grid take the library's slow path (NVIDIA's guide), which the model leaves out."""
TARGETS: Mapping[str, float] = {"A100-40": 0.07, "A100-80": 0.07, "H100-80": 0.07, "TPUv4": 0.09}
"""Mean error the project asks for."""
POOLED = "A100, H100 and TPUv4 together"
STEADY = f"{POOLED}, readings that were disturbed left out"
TIME_R2, USE_R2 = 0.996, 0.992
"""What the papers claim of launch times and of the utilisation reached, over rows of one kind."""
_FORMATS = {"fp16": "bf16", "bf16": "bf16", "fp32": "fp32", "tf32": "tf32", "fp8": "fp8", "int8": "int8"}


@dataclass(frozen=True)
class Timing:
    """One timed launch: `batch` products of m x k by k x n in `seconds`."""

    group: str
    device: str
    recipe: str
    op: str
    batch: float
    m: float
    n: float
    k: float
    seconds: float
    source: str


def _group(row: Mapping[str, str], dims: Sequence[float]) -> str:
    kind = row["op"]
    if kind in _BATCHED:
        return f"{row['device']}, batched"
    if kind in _GROUPED:
        return f"{row['device']}, grouped"
    if row["dtype"] not in ("fp16", "bf16"):
        return f"{row['device']}, {row['dtype']}"
    return row["device"] if all(d % ALIGNMENT == 0 for d in dims) else f"{row['device']}, unaligned"


def timings() -> list[Timing]:
    """Return the shipped timings that name a catalogue device and one of its number formats."""
    found = []
    for row in evidence.rows("gemm"):
        if row["op"] in _FUSED or row["dtype"] not in _FORMATS:
            continue
        try:
            device = hardware.device(row["device"])
        except InputError:
            continue
        fmt = _FORMATS[row["dtype"]]
        recipe = "fp16" if fmt == "bf16" and "bf16" not in device.peak else fmt
        if recipe not in PRECISIONS or recipe not in device.peak:
            continue
        m, n, k = (float(row[name]) for name in "mnk")
        batch = float(row["batch"] or 1.0)
        seconds = 2.0 * batch * m * n * k / (float(row["tflops"]) * TERA)
        group = _group(row, (m, n, k))
        found.append(Timing(group, row["device"], recipe, row["op"], batch, m, n, k, seconds, row["source"]))
    return found


@lru_cache(maxsize=64)
def _machine(device: str, recipe: str) -> Machine:
    part = hardware.device(device)
    return build.machine(hardware.cluster(part), precision(recipe), efficiency(part), stack("plain"))


def predicted_seconds(rows: Sequence[Timing]) -> NDArray[np.float64]:
    """Return the time of launches on one device in one number format.

    A lone launch differs from one inside a step. A GPU starts it at a higher clock and ends it at a lower one; a TPU moves the
    operands between HBM and vector memory before and after it, where inside a compiled step that traffic runs ahead.
    """
    silicon, formats, _ = _machine(rows[0].device, rows[0].recipe)
    device = hardware.device(rows[0].device)
    batch, m, n, k = (np.array([getattr(r, name) for r in rows]) for name in ("batch", "m", "n", "k"))
    lone = device.kind == "tpu"
    width = {"fp8": 1.0, "int8": 1.0, "fp32": 4.0}.get(rows[0].recipe, 2.0)
    share = {
        **dict.fromkeys(_GROUPED, formats.grouped_efficiency),
        **dict.fromkeys(_BATCHED, formats.batched_efficiency),
    }.get(rows[0].op, formats.gemm_efficiency)

    def seconds(peak: Any) -> Any:
        return gemm_time(
            batch, m, n, k, peak, share, formats.gemm_k_half, silicon.cores, silicon.tile_m, silicon.tile_n,
            silicon.kernel_latency, np.inf if lone else silicon.bandwidth, silicon.memory_efficiency, width,
        )  # fmt: skip

    ahead = alone().lead.get(device.architecture)
    time = seconds(formats.peak)
    if ahead is not None:
        time = seconds(formats.peak * clock(time, ahead.si, alone().settling.si))
    moved = width * batch * (m * k + k * n + m * n) / (silicon.bandwidth * alone().isolated_transfer.value)
    return np.asarray(time + moved if lone else time, dtype=float)


def _remark(group: str, slowed: int) -> str:
    if group.endswith("unaligned"):
        return "slow path of the library, not modelled"
    return (
        f"{slowed} readings ran at less than 3/4 of the rate of the six shapes around them in a sweep"
        if group == STEADY
        else ""
    )


def check_gemm() -> tuple[Component, ...]:
    """Score launch times by device and kind of kernel."""
    groups: dict[str, list[Timing]] = defaultdict(list)
    for row in timings():
        groups[row.group].append(row)
    groups[POOLED] = [row for name in TARGETS for row in groups[name]]
    slowed = set(map(id, disturbed(groups[POOLED])))
    groups[STEADY] = [row for row in groups[POOLED] if id(row) not in slowed]
    lines = []
    for name, rows in sorted(groups.items()):
        parts: dict[tuple[str, str, bool], list[Timing]] = defaultdict(list)
        for row in rows:
            parts[row.device, row.recipe, row.op in _GROUPED].append(row)
        kept = [row for part in parts.values() for row in part]
        predicted = np.concatenate([predicted_seconds(part) for part in parts.values()])
        measured = np.array([row.seconds for row in kept])
        work = np.array([2.0 * r.batch * r.m * r.n * r.k for r in kept])
        result = score(predicted, measured)
        use = score(work / predicted, work / measured).r2
        if name == POOLED:
            met = result.r2 >= TIME_R2 and use >= USE_R2
            asked = f"R² of time at least {TIME_R2:g}, of use {USE_R2:g}"
            lines.append(Component("gemm", name, len(kept), result, utilisation_r2=use, target=asked, met=met))
            continue
        limit = TARGETS.get(name)
        lines.append(
            Component(
                "gemm",
                name,
                len(kept),
                result,
                utilisation_r2=use,
                target="" if limit is None else f"mean error at most {100 * limit:g} %",
                met=None if limit is None else result.mape <= limit,
                remark=_remark(name, len(slowed)),
            )
        )
    return tuple(lines)

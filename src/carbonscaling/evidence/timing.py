"""Matrix multiplications timed alone: rows of a file as launches, and which of them something else slowed down."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress

import numpy as np

from carbonscaling import evidence
from carbonscaling.catalog import hardware
from carbonscaling.errors import InputError
from carbonscaling.evidence.row import Row, Unusable, number, value
from carbonscaling.perf.precision import PRECISIONS
from carbonscaling.record import dataclass
from carbonscaling.units import TERA

__all__ = ["BATCHED", "GROUPED", "Timing", "disturbed", "timing", "timings"]

GROUPED = ("grouped_gemm",)
BATCHED = ("bmm", "attention_key_query_prob", "attention_prob_times_values")
FUSED = ("flash_attention_fwd", "flash_attention_bwd")
ALIGNMENT = 8
"""Elements: 16-bit operands off this grid take the library's slow path (NVIDIA's guide), which the model leaves out."""
FORMATS = {"fp16": "bf16", "bf16": "bf16", "fp32": "fp32", "tf32": "tf32", "fp8": "fp8", "int8": "int8"}
"""Number formats of the model by those of rows."""

FEWEST = 50
"""Rows of a sweep: one source, one kind of launch, one `m`; `n` and `k` grow together in small steps."""
EACH_SIDE = 3
SLOW = 0.75
"""Share of its slowest neighbour's rate below which a reading is no property of its shape."""
AGREE = 0.8
"""Slowest over fastest neighbour: where they differ by more, the sweep is too rough to judge by."""


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

    @property
    def flops(self) -> float:
        """Operations of the launch."""
        return 2.0 * self.batch * self.m * self.n * self.k


def timing(row: Row) -> Timing:
    """Return a row as a launch; `seconds` is not-a-number where it states no rate.

    Raises
    ------
    Unusable
        It is no multiplication, lacks a size, or names no device of the catalogue or none of its number formats.
    """
    name, op, kind = row["device"], row["op"], row["dtype"]
    if op in FUSED or kind not in FORMATS:
        raise Unusable(f"{op or 'gemm'} in {kind or 'no format'} is no multiplication that the model has")
    try:
        device = hardware.device(name)
    except InputError as error:
        raise Unusable(f"unknown device {name!r}") from error
    recipe = "fp16" if FORMATS[kind] == "bf16" and "bf16" not in device.peak else FORMATS[kind]
    if recipe not in PRECISIONS or recipe not in device.peak:
        raise Unusable(f"{device.name} has no {recipe} peak")
    m, n, k = (value(row, dim) for dim in "mnk")
    batch, rate = number("batch", row["batch"]) or 1.0, number("tflops", row["tflops"])
    unaligned = any(dim % ALIGNMENT for dim in (m, n, k))
    apart = (
        (op in BATCHED, ", batched"), (op in GROUPED, ", grouped"), (kind not in ("fp16", "bf16"), f", {kind}"),
        (unaligned, ", unaligned"), (True, ""),
    )  # fmt: skip
    group = name + next(suffix for holds, suffix in apart if holds)
    seconds = 2.0 * batch * m * n * k / (rate * TERA) if rate else math.nan
    return Timing(group, name, recipe, op, batch, m, n, k, seconds, row["source"])


def timings() -> list[Timing]:
    """Return the shipped timings that name a catalogue device and one of its number formats."""
    found = []
    for row in evidence.rows("gemm"):
        with suppress(Unusable):
            found.append(timing(row))
    return found


def disturbed(rows: Sequence[Timing]) -> list[Timing]:
    """Return the readings of long sweeps whose rate lies far below that of the shapes just before and after."""
    sweeps: dict[tuple[str, str, float, float], list[Timing]] = defaultdict(list)
    for row in rows:
        sweeps[row.source, row.op, row.batch, row.m].append(row)
    found = []
    for sweep in sweeps.values():
        if len(sweep) < FEWEST:
            continue
        ordered = sorted(sweep, key=lambda row: row.n * row.k)
        rate = np.array([row.n * row.k / row.seconds for row in ordered])
        for i in range(EACH_SIDE, len(ordered) - EACH_SIDE):
            around = np.delete(rate[i - EACH_SIDE : i + EACH_SIDE + 1], EACH_SIDE)
            if around.min() > AGREE * around.max() and rate[i] < SLOW * around.min():
                found.append(ordered[i])
    return found

"""Measured memory beside ours: what monitors showed of shipped runs, and how far off we are."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from carbonscaling import evidence
from carbonscaling.calibration.profile import shipped_calibration
from carbonscaling.evidence.row import parse_row
from carbonscaling.perf.memory import Memory, memory
from carbonscaling.units import GIB
from carbonscaling.validate.interval import conformal
from carbonscaling.validate.record import Replay, complete_row

__all__ = ["measured_memory", "memory_half_width", "need"]


def need(replay: Replay) -> Memory:
    """Return the memory of a row's fullest device, as an estimate counts it."""
    return memory(replay.work, replay.setup.machine(shipped_calibration()), replay.setting)


def _reserved(replay: Replay) -> float:
    """Bytes that a monitor shows: what is allocated, and what fragmentation adds."""
    return float(need(replay).total) / (1.0 - replay.setup.stack.reserve.value)


def measured_memory() -> Iterator[tuple[Replay, float, float]]:
    """Measured configurations with the memory that ours and that monitors say, GiB."""
    runs = {row["id"]: row for row in evidence.rows("runs")}
    for row in evidence.rows("memory"):
        replay = complete_row(parse_row(runs[row["run_id"]]))
        yield replay, _reserved(replay) / GIB, float(row["memory_gib"])


def memory_half_width() -> float:
    """Half the width of the 90 % interval of memory, on the logarithm."""
    found = [(abs(math.log(ours / measured)), replay.row.source) for replay, ours, measured in measured_memory()]
    return conformal(np.array([error for error, _ in found]), [source for _, source in found])

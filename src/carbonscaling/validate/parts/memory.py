"""Memory per device: against what monitors showed, and against what ran and what ran out of memory."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

import numpy as np

from carbonscaling import evidence
from carbonscaling.calibration.interval import conformal
from carbonscaling.calibration.profile import shipped_calibration
from carbonscaling.evidence.row import parse_row
from carbonscaling.perf.memory import Memory, memory
from carbonscaling.units import GIB
from carbonscaling.validate.parts.part import Asked, Component, Outcome, lines
from carbonscaling.validate.replay import Replay, complete, complete_row

__all__ = ["check_memory", "check_oom", "measured_memory", "memory_half_width"]

_SHAPE = (
    "n_layers", "d_model", "d_ff", "n_heads", "n_kv_heads", "head_dim", "vocab", "ffn_type", "n_experts", "top_k",
    "d_ff_expert", "n_shared_experts", "n_dense_layers", "tied_embeddings", "precision", "stack", "interconnect",
)  # fmt: skip
"""Columns that a row of ``oom.csv`` lacks and shares with the runs of its model by the same authors."""


def _need(replay: Replay) -> Memory:
    """Return the memory of a row's fullest device, as an estimate counts it."""
    return memory(replay.work, replay.setup.machine(shipped_calibration()), replay.setting)


def measured_memory() -> Iterator[tuple[Replay, float, float]]:
    """Measured configurations with the memory that ours and that monitors say, GiB.

    A monitor shows what is allocated, and what fragmentation adds.
    """
    runs = {row["id"]: row for row in evidence.rows("runs")}
    for row in evidence.rows("memory"):
        replay = complete_row(parse_row(runs[row["run_id"]]))
        reserved = float(_need(replay).total) / (1.0 - replay.setup.stack.reserve.value)
        yield replay, reserved / GIB, float(row["memory_gib"])


def memory_half_width() -> float:
    """Half the width of the 90 % interval of memory, on the logarithm."""
    found = [(abs(math.log(ours / measured)), replay.row.source) for replay, ours, measured in measured_memory()]
    errors, sources = zip(*found, strict=True)
    return conformal(np.array(errors), sources)


def memory_outcomes() -> Iterator[Outcome]:
    """Yield memory in GiB, by software stack and device."""
    for replay, ours, measured in measured_memory():
        yield Outcome(("all", f"{replay.row.stack}, {replay.row.device}"), ours, measured)


@cache
def _shapes() -> dict[str, dict[str, str]]:
    rows = [row for row in evidence.rows("runs") if row["stack"] in ("aleph-alpha", "megatron")]
    return {row["model"]: {name: row[name] for name in _SHAPE} for row in reversed(rows)}  # a model's first row counts


def _whole(row: Mapping[str, str]) -> dict[str, str]:
    """Return a row of ``oom.csv`` with what it shares with the runs of its model."""
    own = {name: value for name, value in row.items() if value}
    return {"precision": "bf16", **_shapes().get(row["model"], {}), **own, "id": "oom"}


def _judged(rows: Sequence[Mapping[str, str]]) -> Iterator[tuple[int, Replay, bool]]:
    """Yield the rows that can be completed: position, inputs, and whether the model says that they fit."""
    index, replays, _ = complete(rows)
    for i, replay in zip(index, replays, strict=True):
        need = _need(replay)
        yield i, replay, bool(need.total <= need.limit)


def oom_outcomes() -> Iterator[Outcome]:
    """Yield configurations that ran out of memory and should be rejected, and those that ran and should be accepted."""
    rows = evidence.rows("oom")
    for i, _, fits in _judged([_whole(row) for row in rows]):
        ran = rows[i]["status"] == "ok"
        kind = "accepted, same grid" if ran else "rejected, out of memory"
        yield Outcome((f"{kind}, all", f"{kind}, {rows[i]['model']}"), right=fits == ran)
    for _, replay, fits in _judged(evidence.rows("runs")):
        kind = "accepted, runs that ran"
        yield Outcome((f"{kind}, all", f"{kind}, {replay.row.stack or 'not stated'}"), right=fits)


def check_memory() -> tuple[Component, ...]:
    """Score the memory of measured configurations."""
    return lines("memory", memory_outcomes(), {"all": Asked.most("median error", "median", 0.08)})


def check_oom() -> tuple[Component, ...]:
    """Count rejected configurations that ran out of memory, and accepted ones that ran."""
    least = {"rejected, out of memory, all": Asked.least(0.9), "accepted, runs that ran, all": Asked.least(0.97)}
    return lines("oom", oom_outcomes(), least)

"""Memory per device: against what monitors showed, and against what ran and what ran out of memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from carbonscaling import evidence
from carbonscaling.evidence.row import Unusable, parse_row
from carbonscaling.validate.components.record import Component
from carbonscaling.validate.memory import measured_memory, need
from carbonscaling.validate.record import Replay, complete_row
from carbonscaling.validate.score import score

__all__ = ["check_memory", "check_oom"]

_SHAPE = (
    "n_layers", "d_model", "d_ff", "n_heads", "n_kv_heads", "head_dim", "vocab", "ffn_type", "n_experts", "top_k",
    "d_ff_expert", "n_shared_experts", "n_dense_layers", "tied_embeddings", "precision", "stack", "interconnect",
)  # fmt: skip
"""Columns that a row of ``oom.csv`` lacks and shares with the runs of its model by the same authors."""

_REJECTED, _ACCEPTED = "rejected, out of memory, ", "accepted, same grid, "


def check_memory() -> tuple[Component, ...]:
    """Score the memory of measured configurations by software stack."""
    groups: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for replay, ours, measured in measured_memory():
        for name in ("all", f"{replay.row.stack}, {replay.row.device}"):
            groups[name].append((ours, measured))
    lines = []
    for name, pairs in sorted(groups.items()):
        result = score(*np.array(pairs).T)
        asked = name == "all"
        lines.append(
            Component(
                "memory", name, len(pairs), result,
                target="median error at most 8 %" if asked else "", met=result.median <= 0.08 if asked else None,
            )
        )  # fmt: skip
    return tuple(lines)


@lru_cache(maxsize=1)
def _shapes() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for row in evidence.rows("runs"):
        if row["stack"] in ("aleph-alpha", "megatron"):
            found.setdefault(row["model"], {name: row[name] for name in _SHAPE})
    return found


def _fits(replay: Replay) -> bool:
    found = need(replay)
    return bool(found.total <= found.limit)


def _judged(row: Mapping[str, str]) -> bool:
    """Whether the model says that a row of ``oom.csv`` fits.

    Raises
    ------
    Unusable
        The row cannot be completed.
    """
    own = {name: value for name, value in row.items() if value}
    parsed = parse_row({"precision": "bf16", **_shapes().get(row["model"], {}), **own, "id": "oom"})
    return _fits(complete_row(parsed))


def _share(group: str, tally: list[int], least: float | None = None) -> Component:
    right, n = tally
    return Component(
        "oom", group, n, share=right / n,
        target="" if least is None else f"at least {100 * least:g} %", met=None if least is None else right / n >= least,
    )  # fmt: skip


def check_oom() -> tuple[Component, ...]:
    """Count rejected configurations that ran out of memory, and accepted ones that ran."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for row in evidence.rows("oom"):
        try:
            fits = _judged(row)
        except Unusable:
            continue
        ran = row["status"] == "ok"
        for model in ("all", row["model"]):
            tally = counts[(_ACCEPTED if ran else _REJECTED) + model]
            tally[0] += fits == ran
            tally[1] += 1
    accepted: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for row in evidence.rows("runs"):
        try:
            replay = complete_row(parse_row(row))
        except Unusable:
            continue
        fits = _fits(replay)
        for stack in ("all", replay.row.stack or "not stated"):
            accepted[stack][0] += fits
            accepted[stack][1] += 1
    rejected = {_REJECTED + "all": 0.9}
    lines = [_share(name, tally, rejected.get(name)) for name, tally in sorted(counts.items())]
    lines += [
        _share(f"accepted, runs that ran, {stack}", tally, 0.97 if stack == "all" else None)
        for stack, tally in sorted(accepted.items())
    ]
    return tuple(lines)

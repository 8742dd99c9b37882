"""One step as a trace for Chrome's viewer and Perfetto (Trace Event Format)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from carbonscaling.exchange.placement import ranks_of_stage
from carbonscaling.exchange.stages import timed_layer
from carbonscaling.exchange.timeline.step import timeline
from carbonscaling.study.estimate import Estimate

__all__ = ["chrome_trace"]

NAMES = {"F": "forward", "B": "backward", "W": "weight gradients"}
PARTS = {
    "matmul": "matrix multiplication", "attention": "attention", "elementwise": "element-wise work",
    "tp_comm": "tensor-parallel traffic", "cp_comm": "context-parallel traffic", "ep_comm": "expert traffic",
    "launch": "launch",
}  # fmt: skip
MOST_PARTS = 20_000
"""Passes above which their parts are left out."""


def chrome_trace(answer: Estimate) -> str:
    """Return the trace as JSON: a process for each pipeline stage, microseconds from the start of the step.

    Raises
    ------
    InputError
        As `timeline`.
    """
    line = timeline(answer)
    events: list[dict[str, Any]] = []
    for stage in range(int(answer.setting.pp)):
        name = f"stage {stage}: ranks {ranks_of_stage(answer, stage)}"
        events.append({"ph": "M", "pid": stage, "tid": 0, "name": "process_name", "args": {"name": name}})
        events.append({"ph": "M", "pid": stage, "tid": 0, "name": "process_sort_index", "args": {"sort_index": stage}})
    detailed = len(line.slots) <= MOST_PARTS
    times, _ = timed_layer(answer)
    for slot in line.slots:
        kind, micro, chunk = slot.task
        about = {"micro-batch": micro, "chunk": chunk}
        events.append(_event(slot.stage, f"{NAMES[kind]} {micro}", slot.start, slot.end, kind, about))
        if detailed and kind != "W":
            events += _parts(slot.stage, times.forward if kind == "F" else times.backward, slot.start, slot.end)
    for stage in range(int(answer.setting.pp)):
        events += [_event(stage, name, start, end, "step", {}) for name, start, end in line.after]
    shown: dict[str, Any] = {
        "predicted step_s": float(answer.step.total),
        "drawn step_s": line.end,
        "model": answer.resolved.spec.name,
    }
    return json.dumps({"traceEvents": events, "displayTimeUnit": "ms", "otherData": shown}) + "\n"


def _event(stage: int, name: str, start: float, end: float, category: str, about: dict[str, Any]) -> dict[str, Any]:
    return {
        "ph": "X", "pid": stage, "tid": 0, "name": name, "cat": category, "ts": round(start * 1e6, 3),
        "dur": round((end - start) * 1e6, 3), "args": about,
    }  # fmt: skip


def _parts(stage: int, one: Any, start: float, end: float) -> Iterator[dict[str, Any]]:
    """Split a pass by what its layers spend time on, one kind after the other."""
    shares = {name: float(getattr(one, field)) for field, name in PARTS.items()}
    a_share = (end - start) / sum(shares.values())
    for name, share in shares.items():
        if share > 0:
            length = share * a_share
            yield _event(stage, name, start, start + length, "part", {})
            start += length

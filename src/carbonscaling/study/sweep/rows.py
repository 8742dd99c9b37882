"""Rows of a case: what is kept of a setting before the place counts, or why there is none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from carbonscaling.model.params import total_params
from carbonscaling.perf.goodput import run_time
from carbonscaling.perf.memory import memory
from carbonscaling.perf.numbers import Recompute, Schedule, Setting
from carbonscaling.record import dataclass
from carbonscaling.scalar import at
from carbonscaling.search.result import Candidate, Question, SearchResult
from carbonscaling.study.outcome import held_devices, speed, utilisation
from carbonscaling.study.resolve import Resolved
from carbonscaling.study.sweep.studyfile import Keep
from carbonscaling.units import DAY, GB, HOUR

__all__ = ["Kept", "Row", "failed", "kept_of", "of_length", "of_run", "why_none"]

Row = dict[str, Any]


@dataclass(frozen=True)
class Kept:
    """A setting that is kept: of what kind, which of its kind, and its columns."""

    kind: str
    rank: int
    candidate: Candidate
    columns: Row


def failed(status: str, reason: str) -> Row:
    """Return the row of a case without an answer."""
    return {"status": status, "kind": "best", "rank": 0, "reason": reason.replace("\n", ";")}


def kept_of(q: Question, results: Sequence[SearchResult], keep: Keep) -> list[list[Kept]]:
    """Return what is kept of each of several answers to a question, or to its like for another device count."""
    every = [
        [("best", rank, c) for rank, c in enumerate(result.top[: keep.top])]
        + [("front", rank, c) for rank, c in enumerate(result.front if keep.front else ())]
        for result in results
    ]
    held = iter(_held(q, [c.setting for candidates in every for _, _, c in candidates]))
    return [[Kept(kind, rank, c, _columns(c, next(held))) for kind, rank, c in candidates] for candidates in every]


def _held(q: Question, settings: Sequence[Setting]) -> list[float]:
    """Bytes that settings take of a device; of one alone Python's own floats are quicker, and the same."""
    if len(settings) == 1:
        return [float(at(memory, q.work, q.machine, Setting(*map(float, settings[0]))).total)]
    columns = Setting(*np.array(settings, dtype=float).reshape(-1, len(Setting._fields)).T)
    held: list[float] = np.broadcast_to(memory(q.work, q.machine, columns).total, len(settings)).tolist()
    return held


def _columns(c: Candidate, held: float) -> Row:
    s = c.setting
    return {
        "step_time_s": c.step_s,
        "memory_per_device_gb": held / GB,
        **{name: int(getattr(s, name)) for name in DEGREES},
        "zero_stage": int(s.zero),
        "recompute": Recompute.said(s),
        "schedule": Schedule.NAMES[int(s.schedule)],
    }


DEGREES = ("tp", "pp", "dp", "ep", "etp", "cp", "vpp", "shard", "micro_batch", "n_micro", "recompute_percent")


def of_run(r: Resolved) -> Row:
    """Return the columns of a run whose batch is known."""
    return {
        "status": "ok",
        "n_params": float(total_params(r.spec)),
        "tokens_trained": r.tokens,
        "training_flops": r.tokens * float(r.work.model_flops),
        "global_batch_seqs": r.batch,
        "precision": r.recipe.name,
        "loss": r.loss,
    }


def of_length(r: Resolved, kept: Kept) -> Row:
    """Return the columns of a setting that depend on how long the run is, and on how many devices it has."""
    n, step = int(held_devices(r.scenario, kept.candidate.setting)), kept.candidate.step_s
    duration = float(run_time(r.n_steps, step, r.run_overhead.si))
    return {
        "kind": kept.kind,
        "rank": kept.rank,
        "n_devices": n,
        "duration_days": duration / DAY,
        "device_hours": n * duration / HOUR,
        "mfu": float(utilisation(r, step, n)),
        "tokens_per_s_per_device": speed(r.batch * r.seq_len, step, r.pace, n),
    }


def why_none(result: SearchResult, deadline_s: float) -> str:
    """Return the rule that the settings which came furthest fail."""
    if result.fastest is not None or result.n_fit:
        return "deadline"
    if "memory" in result.rejected or ("bound" in result.rejected and deadline_s == math.inf):
        return "memory"  # without a deadline nothing but memory leaves out by a bound what could be best
    return max(result.rejected.items(), key=lambda item: item[1], default=("no layout", 0))[0]

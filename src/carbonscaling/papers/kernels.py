"""Algorithm 1 on this project's own kernels and search: physical mode, and what its strict space makes of the papers."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache
from statistics import median
from typing import Any

import numpy as np

from carbonscaling.papers.realisation import realisation
from carbonscaling.papers.remember import remembered
from carbonscaling.papers.task import Found, Task, resolved
from carbonscaling.perf.goodput import run_time
from carbonscaling.perf.numbers import Number, Setting
from carbonscaling.search.divisors import divisors
from carbonscaling.search.engine import Question, search
from carbonscaling.search.objectives import Outcome
from carbonscaling.search.space import Space
from carbonscaling.study.asked import question_of, space_of
from carbonscaling.study.resolve import Resolved
from carbonscaling.units import DAY

__all__ = ["find", "layout_steps", "median_duration", "question", "space_for"]

MOST_DEVICES = 2**50
"""End of the loop of algorithm 1."""
GROUPS = (0, 8, 32, 128, 512)
"""Sharding groups of the flexible-sharding study: all ranks, or one to 64 hosts."""
WIDEST = 64
"""Most tensor-parallel ranks."""
SAME_SPEED = {"paper-v100-v2": "paper-v100"}
"""Devices that differ in their die area alone."""
EVERY = 10**7
"""More settings than fit on any device count asked here."""


def space_for(task: Task, r: Resolved) -> Space:
    """Return the settings that algorithm 1 walks through; physical mode also lets experts be sharded, as the papers do."""
    space = space_of(r.scenario, r)
    widest = WIDEST if task.mode == "paper" else min(WIDEST, int(r.machine.silicon.domain))
    tensor = tuple(2**k for k in range(widest.bit_length()))
    shard = GROUPS if task.flexible else space.shard
    return replace(space, tp=tensor, etp=space.etp if task.mode == "paper" else tensor, shard=shard)


def question(r: Resolved, counts: tuple[int, int], deadline_s: float) -> Question:
    """Return the question without carbon: algorithm 1 ranks by devices and time alone, and that is quicker to search."""

    def time_alone(_settings: Setting, step_s: Number) -> Outcome:
        duration = run_time(r.n_steps, step_s, r.run_overhead.si)
        return Outcome(duration, duration, duration, duration)

    return replace(question_of(r.scenario, r, counts, deadline_s), outcome=time_alone, duration=None)


def find(task: Task) -> Found | None:
    """Return the fewest devices that finish in time, at their shortest time; None where no count does."""
    return _find(_searched_as(task))


@lru_cache(maxsize=4096)
def _searched_as(task: Task) -> Task:
    """Return the task whose search serves all that ask the same: both versions, where only loss and carbon differ."""
    inputs = replace(realisation(), deadline=task.inputs.deadline, eviction=task.inputs.eviction, engine_v1="physical",
                     engine_v2="physical")  # fmt: skip
    own = replace(task, inputs=inputs)
    first = replace(own, version="v1", device=SAME_SPEED.get(task.device, task.device))
    return first if replace(own.model, loss=0.0) == replace(first.model, loss=0.0) else own


def _packed(found: Found | None) -> list[Any] | None:
    return None if found is None else [list(found.layout), found.n_devices, found.duration_s, found.utilisation]


def _unpacked(kept: list[Any] | None) -> Found | None:
    return None if kept is None else Found(Setting(*kept[0]), *kept[1:])


@remembered(_packed, _unpacked)
def _find(task: Task) -> Found | None:
    r = resolved(task)
    deadline_s, peak = task.inputs.deadline * DAY, r.machine.formats.peak_mfu
    asked = question(r, (max(1, int(r.compute / (deadline_s * peak))), MOST_DEVICES), deadline_s)
    best = search(asked, space_for(task, r), top=1, near=0.0, prune=True, explain=False, threads=1).best
    if best is None:
        return None
    flops = r.batch * r.seq_len * r.work.model_flops
    return Found(best.setting, best.n_devices, best.duration_s, float(flops / (best.step_s * best.n_devices * peak)))


@remembered(list, list)
def layout_steps(task: Task, n_devices: int) -> list[float]:
    """Return the shortest step time of each (N_TP, N_PP) that fits on `n_devices`, in time or not.

    N_DP follows from the two; micro-batch, interleaving, ZeRO stage and how ranks share a sequence are the best ones, as
    algorithm 1 arranges them inside its loop. N_TP is any divisor of 4 d^2 that also divides the model's width: algorithm 1
    prints the first rule alone, but the columns of a matrix do not split otherwise.
    """
    r = resolved(task)
    asked = question(r, (n_devices, n_devices), np.inf)
    space = replace(
        space_for(task, r),
        tp=tuple(tp for tp in divisors(4 * task.d_model**2) if n_devices % tp == 0),
        pp=tuple(pp for pp in divisors(r.spec.n_layers) if n_devices % pp == 0),
    )
    # Every setting at once and the best of each layout after: a search of its own for each takes several times as long.
    found: dict[tuple[int, int], float] = {}
    for one in search(asked, space, top=EVERY, near=0.0, explain=False, threads=1).top:
        layout = int(one.setting.tp), int(one.setting.pp)
        found[layout] = min(found.get(layout, math.inf), one.step_s)
    return list(found.values())


@remembered(float, float)
def _median_step(task: Task, n_devices: int) -> float:
    """Return the median step time of all settings of `n_devices` that fit, whether or not in time; to half a percent."""
    r = resolved(task)
    asked = question(r, (n_devices, n_devices), np.inf)
    found = search(asked, space_for(task, r), top=1, quantiles=(0.5,), explain=False, threads=1)
    return found.quantiles[0.5][1].step_s


def median_duration(task: Task, n_devices: int) -> float:
    """Return how long the setting with the median step takes: among layouts in paper mode, among all settings otherwise."""
    own = _searched_as(task)
    step = median(layout_steps(own, n_devices)) if task.mode == "paper" else _median_step(own, n_devices)
    return float(run_time(resolved(task).n_steps, step, resolved(task).run_overhead.si))

"""The settings that algorithm 1 loops over, one an (N_TP, N_DP, N_PP), and the median of their step times."""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import median
from typing import Any

import numpy as np

from carbonscaling.papers.remember import remembered
from carbonscaling.papers.searched import Task, question, resolved, space_for
from carbonscaling.search.divisors import divisors
from carbonscaling.search.engine import search

__all__ = ["layout_median", "layout_steps"]

Steps = dict[tuple[int, int], float]

EVERY = 10**7
"""More settings than fit on any device count asked here."""


def _packed(steps: Steps) -> list[Any]:
    return list(steps.items())


def _unpacked(kept: list[Any]) -> Steps:
    return {(tp, pp): step for (tp, pp), step in kept}


@remembered(_packed, _unpacked)
def layout_steps(task: Task, n_devices: int) -> Steps:
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
    every = search(asked, space, top=EVERY, near=0.0, explain=False, threads=1).top
    found: Steps = {}
    for one in every:
        layout = int(one.setting.tp), int(one.setting.pp)
        found[layout] = min(found.get(layout, math.inf), one.step_s)
    return found


def layout_median(task: Task, n_devices: int) -> float:
    """Return the median of `layout_steps`, in seconds."""
    return median(layout_steps(task, n_devices).values())

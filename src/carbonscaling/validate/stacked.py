"""Many rows at once: the formulas of the package on arrays with one entry per row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from carbonscaling.arrays import stacked
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.memory import Memory, memory
from carbonscaling.perf.numbers import Setting, Workload
from carbonscaling.perf.step import StepTime, step_time
from carbonscaling.validate.record import Replay

__all__ = ["Stacked", "predict_memory", "predict_step", "stack_rows"]


class Stacked(NamedTuple):
    """Rows as arrays of one length."""

    work: Workload
    machine: Machine
    setting: Setting
    tokens_per_step: NDArray[np.float64]
    n_devices: NDArray[np.float64]


def stack_rows(replays: Sequence[Replay]) -> Stacked:
    """Return rows as arrays, machines at device level; at least one row."""
    return Stacked(
        work=stacked([r.work for r in replays]),
        machine=stacked([r.setup.plain for r in replays]),
        setting=stacked([r.setting for r in replays]),
        tokens_per_step=np.array([r.tokens_per_step for r in replays]),
        n_devices=np.array([float(r.n_devices) for r in replays]),
    )


def predict_step(rows: Stacked, machine: Machine) -> StepTime:
    """Return the step time of every row with its calibrated machine."""
    return step_time(rows.work, machine, rows.setting)


def predict_memory(rows: Stacked, machine: Machine) -> Memory:
    """Return the memory of every row's fullest device."""
    return memory(rows.work, machine, rows.setting)

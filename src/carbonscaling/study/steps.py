"""Steps that were worked out: questions that differ in tokens, place or deadline ask for the same ones again."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from carbonscaling.perf.machine import Machine
from carbonscaling.perf.numbers import Setting, Workload
from carbonscaling.perf.passes import StepTime
from carbonscaling.perf.step import step_time
from carbonscaling.record import Same
from carbonscaling.scalar import at

__all__ = ["step_of", "steps_on"]


@lru_cache(maxsize=64)
def step_of(work: Workload, machine: Machine, setting: Setting) -> StepTime:
    """Return a step by part; all numbers are floats."""
    found: StepTime = at(step_time, work, machine, setting)
    return found


@lru_cache(maxsize=8)
def steps_on(work: Workload, machines: Same, setting: Setting) -> NDArray[np.float64]:
    """Return the step times of a setting on machines that are one of arrays; not to be written to."""
    return np.asarray(at(step_time, work, machines.it, setting).total, dtype=float)

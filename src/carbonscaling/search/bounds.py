"""What no setting of a layout can beat: lower bounds on the step time that may be used to leave settings out."""

from __future__ import annotations

import numpy as np

from carbonscaling.perf.layer import LayerTimes
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.numbers import Number, Schedule, Setting, Workload
from carbonscaling.perf.passes import Passes

__all__ = ["least_step", "least_step_of_passes"]

_ROUNDING = 1.0 - 1e-9
"""Room for rounding: a bound must hold for the number computed, not for the real one."""


def least_step(work: Workload, machine: Machine, s: Setting, layer: LayerTimes) -> Number:
    """Step time below which no pipeline, ZeRO stage or recomputation brings a layout with these layer times.

    Every layer passes once per micro-batch, evenly dealt over the stages, and the ends pass once; bubbles, repeated work
    traffic between replicas and stragglers only add. DualPipe may hide all expert traffic.
    """
    f, b = layer.forward, layer.backward
    hidden = np.where(s.schedule == Schedule.DUALPIPE, f.ep_comm + b.ep_comm, 0.0)
    ends = layer.head_forward + layer.head_backward + 2.0 * layer.embedding
    busy = s.n_micro * (work.n_layers * (f.total + b.total - hidden) + ends) / s.pp
    return (busy + machine.step_overhead) * _ROUNDING


def least_step_of_passes(machine: Machine, passes: Passes) -> Number:
    """Step time below which no ZeRO stage or sharding group brings a setting with these passes."""
    return (sum(passes[:-2]) + machine.step_overhead) * _ROUNDING

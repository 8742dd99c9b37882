"""What no setting of a group can beat: lower bounds on the step time that may be used to leave settings out."""

from __future__ import annotations

import numpy as np

from carbonscaling.hints import NamedTuple
from carbonscaling.perf.goodput import straggler_share
from carbonscaling.perf.layer import LayerTimes
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.numbers import Number, Schedule, Setting, Workload
from carbonscaling.perf.passes import Passes
from carbonscaling.perf.pipeline import bubble_time

__all__ = ["ROUNDING", "LeastPasses", "least_passes", "least_step", "least_step_of_passes", "slowest_host"]

ROUNDING = 1.0 - 1e-9
"""Room for rounding: a bound must hold for the number computed, not for the real one."""


class LeastPasses(NamedTuple):
    """Seconds that passes take at least: every micro-batch again, and once a step."""

    each: Number
    once: Number


def least_passes(work: Workload, machine: Machine, s: Setting, layer: LayerTimes) -> LeastPasses:
    """Time below which no recomputation brings the passes of a setting; replicas and micro-batches play no part.

    The fullest stage holds its whole layers, and no less than the mean stage. Repeated work lengthens the stage and makes
    weight gradients, forward passes and hidden expert traffic a smaller share of it, so what it adds to the bubble and
    to what cannot hide behind other micro-batches is not negative either. Sends between stages only add.
    """
    n_layers, f, b = work.n_layers, layer.forward, layer.backward
    per_layer = f.total + b.total
    all_layers = per_layer * n_layers + layer.head_forward + layer.head_backward + 2.0 * layer.embedding
    whole = np.floor(n_layers / (s.pp * s.vpp))  # layers that do not divide lengthen one chunk at least
    held = whole * s.vpp + np.where(n_layers > whole * s.pp * s.vpp, 1.0, 0.0)
    stage = np.maximum(all_layers / s.pp, np.where(s.pp > 1, per_layer * held, 0.0))
    forward = stage * (f.total * n_layers + layer.head_forward) / all_layers
    weight = stage * layer.weight * n_layers / all_layers
    rest = np.maximum(all_layers - stage, 0.0) / (np.maximum(s.pp - 1.0, 1.0) * stage)
    traffic, waits = f.ep_comm + b.ep_comm, f.launch + b.launch
    left = np.maximum(0.0, traffic - machine.software.overlap * (per_layer - waits - traffic + layer.waits))
    saved = np.maximum(traffic - left + waits - layer.waits, 0.0)
    hidden = np.where((s.schedule == Schedule.DUALPIPE) | (s.schedule == Schedule.COMBINED), saved, 0.0)
    return LeastPasses(
        each=stage * (1.0 - n_layers * hidden / all_layers),
        once=rest * bubble_time(s.pp, s.vpp, forward, stage - forward, weight, s.schedule),
    )


def least_step(machine: Machine, least: LeastPasses, n_micro: Number, slowest: Number) -> Number:
    """Step time below which no ZeRO stage or recomputation brings a setting with these passes; `slowest` as `slowest_host`."""
    return (n_micro * least.each + least.once + machine.software.step_overhead) * slowest


def least_step_of_passes(machine: Machine, passes: Passes, slowest: Number) -> Number:
    """Step time below which no ZeRO stage or sharding group brings a setting with these passes."""
    return (passes.lines.total + machine.software.step_overhead) * slowest


def slowest_host(machine: Machine, n_devices: Number) -> Number:
    """Factor by which waiting for the slowest host lengthens every step, with room for rounding."""
    return (
        1.0 + straggler_share(np.ceil(n_devices / machine.silicon.host_devices), machine.silicon.straggler)
    ) * ROUNDING

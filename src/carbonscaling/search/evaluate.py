"""Judge a block of settings: constraints, memory, then time, energy, carbon and money of those that fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from carbonscaling.perf.layer import LayerKey, LayerTimes, Pass, layer_times
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.memory import memory
from carbonscaling.perf.numbers import Setting, Workload
from carbonscaling.perf.step import StepTime, layer_key, step_time_from_layers
from carbonscaling.search.constraints import RULES

__all__ = ["Judged", "Miss", "compress", "judge", "row"]


class Miss(NamedTuple):
    """The setting that came nearest to fitting: how many bytes it lacks."""

    excess: float
    setting: Setting


@dataclass(frozen=True)
class Judged:
    """Outcome of a block.

    Attributes
    ----------
    n_candidates : int
    rejected : dict
        Settings rejected, by rule name and ``memory``.
    settings : Setting
        Those that fit, as arrays.
    step : StepTime
        Their step times, aligned with `settings`.
    nearest : Miss, optional
        The nearest miss of the memory limit.
    """

    n_candidates: int
    rejected: dict[str, int]
    settings: Setting
    step: StepTime
    nearest: Miss | None


def compress(values: Any, mask: NDArray[np.bool_]) -> Any:
    """Keep the entries of every field of a named tuple of arrays where `mask` holds."""
    return type(values)(*(field[mask] for field in values))


def row(settings: Setting, index: int) -> Setting:
    """Return one setting of many as plain integers."""
    return Setting(*(int(field[index]) for field in settings))


def _gathered_layers(work: Workload, machine: Machine, settings: Setting) -> LayerTimes:
    """Layer times of every setting, each distinct key timed once."""
    key = layer_key(settings)
    code = np.zeros(len(settings.tp), dtype=np.int64)
    for field in key:
        code = code * (int(field.max()) + 1) + field
    _, first, inverse = np.unique(code, return_index=True, return_inverse=True)
    times = layer_times(work, machine, LayerKey(*(field[first].astype(float) for field in key)))

    def spread(value: Any) -> Any:
        return np.broadcast_to(value, first.shape)[inverse]

    return LayerTimes(
        Pass(*(spread(v) for v in times.forward)),
        Pass(*(spread(v) for v in times.backward)),
        *(spread(v) for v in times[2:]),
    )


def judge(work: Workload, machine: Machine, settings: Setting, *, strict: bool = False) -> Judged:
    """Reject what cannot be, time what can.

    Parameters
    ----------
    settings : Setting
        Integer arrays of one length.
    strict : bool
        Apply the papers' own rules.
    """
    n = len(settings.tp)
    rejected: dict[str, int] = {}
    for rule in RULES:
        bad = np.broadcast_to(np.asarray(rule.violated(settings, work, strict)), settings.tp.shape)
        count = int(bad.sum())
        if count:
            rejected[rule.name] = count
            settings = compress(settings, ~bad)
    floats = Setting(*(field.astype(float) for field in settings))
    need = memory(work, machine, floats)
    excess = np.broadcast_to(need.total - need.limit, floats.tp.shape)
    over = excess > 0
    nearest = None
    if over.any():
        rejected["memory"] = int(over.sum())
        index = int(np.argmin(np.where(over, excess, np.inf)))
        nearest = Miss(float(excess[index]), row(settings, index))
        settings, floats = compress(settings, ~over), compress(floats, ~over)
    if len(settings.tp) == 0:
        empty = np.zeros(0)
        return Judged(n, rejected, settings, StepTime(*(empty for _ in StepTime._fields)), nearest)
    step = step_time_from_layers(work, machine, floats, _gathered_layers(work, machine, settings))
    return Judged(n, rejected, settings, step, nearest)

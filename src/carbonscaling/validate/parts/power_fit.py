"""The power model by work, fitted to public measurements and held against what it did not see.

Six constants for all devices and workloads: a busy power for each of three devices, two weights of work and the time lost
between layers. Each workload is also predicted by a fit without it (on any device, in any number format), and each device
by the weights that the others give, with the busy power that ships.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from carbonscaling.arrays import Array
from carbonscaling.carbon.power import capped_power
from carbonscaling.carbon.work_power import work_power
from carbonscaling.catalog import hardware
from carbonscaling.catalog.factors import device_row, factor
from carbonscaling.evidence.power_work import Work, workloads
from carbonscaling.record import dataclass
from carbonscaling.validate.score import Score, by_group, left_out, score

__all__ = ["WorkFit", "WorkScore", "score_work"]

Mask = npt.NDArray[np.bool_]
START = (10.0, 3.0, 5e-5)
"""Weight of FLOPs, weight of memory, seconds a layer: where every fit starts."""
MOST_STALLED = 0.95
STEPS = 40


@dataclass(frozen=True)
class WorkScore:
    """How well the model by work holds on one device.

    Attributes
    ----------
    device : str
    n_workloads : int
    busy_w : float
        Fitted; NaN for all devices together.
    fitted, left_out, device_left_out : Score
    kinds : dict of Score
        ``left_out`` by kind of workload.
    """

    device: str
    n_workloads: int
    busy_w: float
    fitted: Score
    left_out: Score
    device_left_out: Score
    kinds: dict[str, Score]


@dataclass(frozen=True)
class WorkFit:
    """Weights of the model by work, and its scores by device; the last score is of all devices together.

    Attributes
    ----------
    flop_weight, memory_weight : float
    stall_s : float
        Time lost in each layer.
    scores : tuple of WorkScore
    """

    flop_weight: float
    memory_weight: float
    stall_s: float
    scores: tuple[WorkScore, ...]


class _Table:
    """Rows as arrays, with the constants of their devices."""

    def __init__(self, rows: Sequence[Work]) -> None:
        self.names = list(dict.fromkeys(r.device for r in rows))
        self.device = np.array([self.names.index(r.device) for r in rows])
        self.workload = np.array([r.workload for r in rows])
        self.kind = np.array([r.kind for r in rows])
        columns = ("flop_share", "memory_share", "layers_per_s", "limit_w", "watts")
        self.flops, self.memory, self.layers, self.limit, self.watts = (
            np.array([getattr(r, c) for r in rows], dtype=float) for c in columns
        )
        chips = [hardware.device(name) for name in self.names]
        self.idle = np.array([c.idle_power.si for c in chips])[self.device]
        self.tdp = np.array([c.tdp.si for c in chips])[self.device]
        ratios = [(device_row("power.busy_ratio", n) or factor("power.busy_ratio.default")).si for n in self.names]
        self.shipped = np.array(ratios)

    def power(self, values: Array) -> Array:
        """Return watts; `values` are a busy share of TDP per device, then the two weights and the time a layer."""
        busy, (flop_weight, memory_weight, stall_s) = values[:-3], values[-3:]
        stalled = np.clip(stall_s * self.layers, 0.0, MOST_STALLED)
        demand = work_power(
            self.idle, busy[self.device] * self.tdp, self.flops, self.memory, stalled, flop_weight, memory_weight
        )
        return np.asarray(capped_power(demand, self.limit), dtype=float)

    def fit(self, keep: Mask, busy_too: bool = True) -> Array:
        """Return values by least squares of watts over TDP; the shipped busy shares if they are not to be fitted."""
        first = 0 if busy_too else len(self.names)
        start = np.concatenate([self.shipped, START])

        def residual(moved: Array) -> Array:
            off: Array = (self.power(np.concatenate([start[:first], moved])) - self.watts) / self.tdp
            return off[keep]

        return np.concatenate([start[:first], _least_squares(residual, start[first:])])

    def without(self, groups: npt.NDArray[np.str_] | npt.NDArray[np.int64], busy_too: bool) -> Array:
        """Return every group predicted from the others."""
        return left_out(groups, lambda own: self.power(self.fit(~own, busy_too))[own])


def _least_squares(residual: Callable[[Array], Array], start: Array) -> Array:
    """Return positive values that minimise the sum of squares: Gauss and Newton's steps in logarithms, none longer than 1."""
    at = np.log(start)
    for _ in range(STEPS):
        left = residual(np.exp(at))
        slope = np.stack([(residual(np.exp(at + 1e-6 * row)) - left) / 1e-6 for row in np.eye(len(at))], axis=1)
        at = at + np.clip(np.linalg.lstsq(slope, -left, rcond=1e-6)[0], -1.0, 1.0)
    return np.asarray(np.exp(at))


def score_work() -> WorkFit:
    """Fit and score the model by work on every row whose work follows from what it states."""
    table = _Table(workloads())
    values = table.fit(np.ones(len(table.watts), dtype=bool))
    held = table.without(table.workload, True)
    guesses = (table.power(values), held, table.without(table.device, False))
    scores = []
    for i, name in enumerate([*table.names, "all"]):
        own = (table.device == i) | (name == "all")
        busy_w = float(values[i] * hardware.device(name).tdp.si) if name != "all" else float("nan")
        kinds = by_group(table.kind[own], held[own], table.watts[own])
        fitted, left, device_left = (score(guess[own], table.watts[own]) for guess in guesses)
        scores.append(WorkScore(name, len(np.unique(table.workload[own])), busy_w, fitted, left, device_left, kinds))
    flop_weight, memory_weight, stall_s = (float(v) for v in values[-3:])
    return WorkFit(flop_weight, memory_weight, stall_s, tuple(scores))

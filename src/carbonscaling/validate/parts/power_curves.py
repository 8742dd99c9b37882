"""The power model against public measurements of power and speed, device by device.

Three readings of ``P = min(limit, idle + (busy - idle)·u^g)``, u being the throughput over the workload's best and idle
the catalogue's: the constants that ship; one busy power and one exponent fitted per device, whatever the workload; and a
busy power for every workload. The fits are also held out: a whole workload from the second, every row from the third.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from carbonscaling.arrays import Array
from carbonscaling.carbon.power import capped_power, capped_throughput, saturating_power
from carbonscaling.catalog import hardware
from carbonscaling.catalog.factors import device_row, factor
from carbonscaling.evidence.power_rows import Training, decodings, limited_trainings, trainings
from carbonscaling.hints import NamedTuple
from carbonscaling.record import dataclass
from carbonscaling.study.limited import LEAST, cap_exponent
from carbonscaling.validate.score import Score, left_out, score

__all__ = ["CapScore", "PowerScore", "score_caps", "score_power"]

Mask = npt.NDArray[np.bool_]
EXPONENTS = np.arange(0.01, 1.0, 0.01)
UNLIMITED = 1e9


@dataclass(frozen=True)
class PowerScore:
    """How well the power model holds on one device's measurements.

    Attributes
    ----------
    device, data : str
    n_workloads : int
    busy_w, exponent : float
        Of the device, whatever the workload; fitted.
    workload_exponent : float
        Fitted along with a busy power for every workload.
    shipped : Score
        With the constants that ship.
    one_curve, one_curve_left_out : Score
        One busy power and one exponent; every workload predicted from the others.
    by_workload, by_workload_left_out : Score
        A busy power for every workload; every row predicted without itself.
    """

    device: str
    data: str
    n_workloads: int
    busy_w: float
    exponent: float
    workload_exponent: float
    shipped: Score
    one_curve: Score
    one_curve_left_out: Score
    by_workload: Score
    by_workload_left_out: Score


class _Rows(NamedTuple):
    """Rows of one device as arrays; speed is over the workload's best, power over idle."""

    workload: npt.NDArray[np.int64]
    speed: Array
    rest: Array
    room: Array

    def part(self, keep: Mask) -> _Rows:
        return _Rows(self.workload[keep], self.speed[keep], self.rest[keep], self.room[keep])

    def misfit(self, predicted: Array) -> float:
        return float(np.sum((predicted - self.rest) ** 2))


def _rows(found: Iterator[tuple[str, float, float, float]], idle: float) -> _Rows:
    names, speeds, watts, limits = (np.array(column) for column in zip(*found, strict=True))
    workload = np.unique(names, return_inverse=True)[1]
    best = np.zeros(workload.max() + 1)
    np.maximum.at(best, workload, speeds)
    return _Rows(workload, speeds / best[workload], watts - idle, limits - idle)


def _shape(speed: Array, exponent: float) -> Array:
    return np.asarray(saturating_power(0.0, 1.0, speed, exponent), dtype=float)


def _span(x: Array, rest: Array, room: Array) -> tuple[float, Mask]:
    """Return busy less idle power by least squares over the rows that no limit holds down, and which those are."""
    active, span = np.ones(len(x), dtype=bool), 0.0
    for _ in range(8):
        span = float(np.sum(x[active] * rest[active]) / np.sum(x[active] ** 2))
        kept = span * x < room
        active = kept if kept.any() else active
    return span, active


def _curve(rows: _Rows, span: float, exponent: float) -> Array:
    return np.asarray(np.minimum(span * _shape(rows.speed, exponent), rows.room))


def _one_curve(rows: _Rows) -> tuple[float, float]:
    """Return busy less idle power and the exponent that fit all rows together."""
    fits = [(_span(_shape(rows.speed, g), rows.rest, rows.room)[0], float(g)) for g in EXPONENTS]
    return min(fits, key=lambda fit: rows.misfit(_curve(rows, *fit)))


def _by_workload(rows: _Rows, exponent: float) -> tuple[Array, Array]:
    """Return the fit with a busy power for every workload, and every row without itself."""
    fitted, without = np.empty(len(rows.rest)), np.empty(len(rows.rest))
    for own in (rows.workload == w for w in np.unique(rows.workload)):
        _, speed, rest, room = rows.part(own)
        x = _shape(speed, exponent)
        span, active = _span(x, rest, room)
        mine = np.where(active, x, 0.0)
        left = mine @ mine - mine**2
        others = np.where(left > 1e-9, (mine @ rest - mine * rest) / np.maximum(left, 1e-12), span)
        fitted[own], without[own] = np.minimum(span * x, room), np.minimum(others * x, room)
    return fitted, without


def _predictions(device_id: str, rows: _Rows, idle: float) -> tuple[tuple[Array, ...], tuple[float, float, float]]:
    """Return the five predictions of the score, over idle, and busy power, exponent and exponent by workload."""
    ratio = device_row("power.busy_ratio", device_id) or factor("power.busy_ratio.default")
    shipped = ratio.si * hardware.device(device_id).tdp.si - idle, factor("power.exponent.default").si
    one = _one_curve(rows)
    others = left_out(rows.workload, lambda own: _curve(rows, *_one_curve(rows.part(~own)))[own])
    own = float(min(EXPONENTS, key=lambda g: rows.misfit(_by_workload(rows, g)[0])))
    return (_curve(rows, *shipped), _curve(rows, *one), others, *_by_workload(rows, own)), (idle + one[0], one[1], own)


def score_power() -> tuple[PowerScore, ...]:
    """Score every device with measured power against speed; the last score is of all devices together."""
    zeus = ((t.name, 1.0 / t.epoch_s, t.watts, t.limit_w) for t in trainings())
    sets = [("v100-pcie-32", "Zeus: training at power limits of 100 to 250 W", zeus)]
    for device, name in (("h100-sxm", "H100-80"), ("b200", "B200-180")):
        decoded = ((*row, UNLIMITED) for row in decodings(name))
        sets.append((device, "ML.ENERGY: decoding of language models", decoded))
    scores: list[PowerScore] = []
    everything: list[tuple[Array, ...]] = []
    for device, data, found in sets:
        idle = hardware.device(device).idle_power.si
        rows = _rows(found, idle)
        predicted, constants = _predictions(device, rows, idle)
        watts, *arrays = (over + idle for over in (rows.rest, *predicted))
        everything.append((watts, *arrays))
        n = len(np.unique(rows.workload))
        scores.append(PowerScore(device, data, n, *constants, *(score(a, watts) for a in arrays)))
    watts, *together = (np.concatenate(column) for column in zip(*everything, strict=True))
    n, merit, none = sum(s.n_workloads for s in scores), [score(a, watts) for a in together], float("nan")
    return (*scores, PowerScore("all", "the rows above together", n, none, none, none, *merit))


@dataclass(frozen=True)
class CapScore:
    """How well the formulas of a power limit hold: watts drawn, and speed over the speed without a limit.

    Attributes
    ----------
    device : str
    exponent : float
        Of speed over dynamic power, as shipped.
    power, speed : Score
    """

    device: str
    exponent: float
    power: Score
    speed: Score


def score_caps() -> tuple[CapScore, ...]:
    """Score power and speed under a power limit on the Zeus study, each training against itself at the board's rating.

    On the V100 all limits count, on the A40 those that leave half of what the training draws without one.
    """
    return (
        _score_caps("v100-pcie-32", trainings(), 250.0, 0.0),
        _score_caps("a40", limited_trainings(), 300.0, LEAST),
    )


def _score_caps(device: str, found: Iterable[Training], rating: float, least: float) -> CapScore:
    groups: dict[tuple[str, str], list[tuple[float, float, float]]] = defaultdict(list)
    for t in found:
        groups[t.name, t.batch].append((t.limit_w, t.watts, 1.0 / t.epoch_s))
    kept: list[tuple[float, float, float, float]] = []
    for group in groups.values():
        *lower, (top, free, fastest) = sorted(group)
        kept += [(free, w, drawn, rate / fastest) for w, drawn, rate in lower if top >= rating and w >= least * free]
    idle, kappa = hardware.device(device).idle_power.si, cap_exponent(device).value
    need, cap, watts, speed = np.array(kept).T
    power, above = np.asarray(capped_power(need, cap), dtype=float), need > idle * 1.2
    rate = np.asarray(capped_throughput(need[above], np.maximum(cap[above], idle), idle, kappa), dtype=float)
    return CapScore(device, kappa, score(power, watts), score(rate, speed[above]))

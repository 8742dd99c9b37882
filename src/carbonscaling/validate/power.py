"""The power model against public measurements of power and speed, device by device.

Three readings of ``P = min(limit, idle + (busy - idle)·u^g)``, u being the throughput over the workload's best and idle
the catalogue's: the constants that ship; one busy power and one exponent fitted per device, whatever the workload; and a
busy power for every workload. The fits are also held out: a whole workload from the second, every row from the third.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from carbonscaling import evidence
from carbonscaling.carbon.power import saturating_power
from carbonscaling.catalog import hardware
from carbonscaling.catalog.factors import device_row, factor
from carbonscaling.validate.score import Score, score

__all__ = ["PowerScore", "score_power"]

Array = npt.NDArray[np.float64]
EXPONENTS = np.arange(0.01, 1.0, 0.01)
BATCH = re.compile(r",? batch .*")
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


@dataclass(frozen=True)
class _Rows:
    """Rows of one device as arrays; speed is over the workload's best."""

    workload: npt.NDArray[np.int64]
    speed: Array
    watts: Array
    limit: Array

    def part(self, keep: npt.NDArray[np.bool_]) -> _Rows:
        return _Rows(self.workload[keep], self.speed[keep], self.watts[keep], self.limit[keep])


def _rows(found: Iterable[tuple[str, float, float, float]]) -> _Rows:
    names, speeds, watts, limits = (np.array(column) for column in zip(*found, strict=True))
    workload = np.unique(names, return_inverse=True)[1]
    best = np.array([speeds[workload == w].max() for w in range(workload.max() + 1)])
    return _Rows(workload, speeds / best[workload], watts, limits)


def _zeus() -> Iterable[tuple[str, float, float, float]]:
    for row in evidence.rows("power"):
        epoch = re.search(r"time per epoch ([\d.]+)", row["notes"])
        if epoch and row["source"].startswith("ml-energy/zeus"):
            name = BATCH.sub("", row["utilisation_or_workload"])
            yield name, 1.0 / float(epoch[1]), float(row["watts"]), float(row["power_limit_w"])


def _leaderboard(device: str) -> Iterable[tuple[str, float, float, float]]:
    for row in evidence.rows("power"):
        if row["device"] == device and row["source"].startswith("ml-energy/leaderboard") and row["tflops_per_device"]:
            split = re.search(r"over (\d+) GPU", row["notes"])
            name = f"{BATCH.sub('', row['utilisation_or_workload'])} on {split[1] if split else '?'}"
            yield name, float(row["tflops_per_device"]), float(row["watts"]), UNLIMITED


def _shape(speed: Array, exponent: float) -> Array:
    return np.asarray(saturating_power(0.0, 1.0, speed, exponent), dtype=float)


def _span(x: Array, rest: Array, room: Array) -> tuple[float, npt.NDArray[np.bool_]]:
    """Return busy less idle power by least squares over the rows that no limit holds down, and which those are."""
    active = np.ones(len(x), dtype=bool)
    span = 0.0
    for _ in range(8):
        span = float(np.sum(x[active] * rest[active]) / np.sum(x[active] ** 2))
        kept = span * x < room
        active = kept if kept.any() else active
    return span, active


def _one_curve(rows: _Rows, idle: float) -> tuple[float, float]:
    """Return busy less idle power and the exponent that fit all rows together."""

    def misfit(exponent: float) -> tuple[float, float]:
        x = _shape(rows.speed, exponent)
        span, _ = _span(x, rows.watts - idle, rows.limit - idle)
        return float(np.sum((np.minimum(idle + span * x, rows.limit) - rows.watts) ** 2)), span

    exponent = min(EXPONENTS, key=lambda g: misfit(g)[0])
    return misfit(exponent)[1], float(exponent)


def _curve(rows: _Rows, idle: float, span: float, exponent: float) -> Array:
    predicted: Array = np.minimum(idle + span * _shape(rows.speed, exponent), rows.limit)
    return predicted


def _by_workload(rows: _Rows, idle: float, exponent: float) -> tuple[Array, Array]:
    """Return the fit with a busy power for every workload, and every row without itself."""
    fitted, without = np.empty(len(rows.watts)), np.empty(len(rows.watts))
    for w in range(rows.workload.max() + 1):
        own = rows.workload == w
        part = rows.part(own)
        x, rest = _shape(part.speed, exponent), part.watts - idle
        span, active = _span(x, rest, part.limit - idle)
        mine = np.where(active, x, 0.0)
        xy, xx = np.sum(x[active] * rest[active]), np.sum(x[active] ** 2)
        left = xx - mine**2
        others = np.where(left > 1e-9, (xy - mine * rest) / np.maximum(left, 1e-12), span)
        fitted[own] = np.minimum(idle + span * x, part.limit)
        without[own] = np.minimum(idle + others * x, part.limit)
    return fitted, without


def _all_but(rows: _Rows, predict: Callable[[_Rows, _Rows], Array]) -> Array:
    """Return every workload predicted from the others."""
    found = np.empty(len(rows.watts))
    for w in range(rows.workload.max() + 1):
        own = rows.workload == w
        found[own] = predict(rows.part(~own), rows.part(own))
    return found


def _predictions(device_id: str, rows: _Rows) -> tuple[tuple[Array, ...], tuple[float, float, float]]:
    """Return the five predictions of the score, and busy power, exponent and exponent by workload."""
    device = hardware.device(device_id)
    idle, tdp = device.idle_power.si, device.tdp.si
    ratio = device_row("power.busy_ratio", device_id) or factor("power.busy_ratio.default")
    shipped = _curve(rows, idle, ratio.si * tdp - idle, factor("power.exponent.default").si)
    span, exponent = _one_curve(rows, idle)
    left_out = _all_but(rows, lambda others, own: _curve(own, idle, *_one_curve(others, idle)))
    own = float(min(EXPONENTS, key=lambda g: float(np.sum((_by_workload(rows, idle, g)[0] - rows.watts) ** 2))))
    arrays = (shipped, _curve(rows, idle, span, exponent), left_out, *_by_workload(rows, idle, own))
    return arrays, (idle + span, exponent, own)


def score_power() -> tuple[PowerScore, ...]:
    """Score every device with measured power against speed; the last score is of all devices together."""
    sets: tuple[tuple[str, str, Iterable[tuple[str, float, float, float]]], ...] = (
        ("v100-pcie-32", "Zeus: training at power limits of 100 to 250 W", _zeus()),
        ("h100-sxm", "ML.ENERGY: decoding of language models", _leaderboard("H100-80")),
        ("b200", "ML.ENERGY: decoding of language models", _leaderboard("B200-180")),
    )
    scores: list[PowerScore] = []
    everything: list[tuple[Array, ...]] = []
    for device, data, found in sets:
        rows = _rows(found)
        arrays, constants = _predictions(device, rows)
        everything.append((rows.watts, *arrays))
        n = int(rows.workload.max()) + 1
        scores.append(PowerScore(device, data, n, *constants, *(score(a, rows.watts) for a in arrays)))
    watts, *arrays_ = (np.concatenate(column) for column in zip(*everything, strict=True))
    n = sum(s.n_workloads for s in scores)
    nothing = float("nan")
    merit = [score(a, watts) for a in arrays_]
    return (*scores, PowerScore("all", "the rows above together", n, nothing, nothing, nothing, *merit))

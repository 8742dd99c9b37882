"""The power model against public measurements, device by device.

One curve a workload: idle power is the catalogue's, the workload's own busy power and one exponent per device are fitted,
``P = min(limit, idle + (busy - idle)·u^g)`` with u the throughput over the workload's best. Every row is also predicted
with that row left out of its workload's fit.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from carbonscaling import evidence
from carbonscaling.carbon.power import capped_power, capped_throughput, saturating_power
from carbonscaling.catalog import hardware
from carbonscaling.catalog.factor_rows import device_row, factor

__all__ = ["PowerScore", "score_caps", "score_nodes", "score_power"]

Array = npt.NDArray[np.float64]
EXPONENTS = np.arange(0.01, 1.0, 0.01)
BATCH = re.compile(r",? batch .*")
UNLIMITED = 1e9


@dataclass(frozen=True)
class PowerScore:
    """How well the power model fits one device's measurements.

    Attributes
    ----------
    device, data : str
    n_rows, n_workloads : int
    exponent : float
        Fitted g; for power limits the exponent of speed over dynamic power.
    r2, mape : float
        Of the fit.
    r2_left_out, mape_left_out : float
        Every row predicted without itself.
    """

    device: str
    data: str
    n_rows: int
    n_workloads: int
    exponent: float
    r2: float
    mape: float
    r2_left_out: float
    mape_left_out: float


@dataclass(frozen=True)
class _Row:
    workload: str
    speed: float
    watts: float
    limit: float


def _r2(measured: Array, predicted: Array) -> float:
    return float(1.0 - np.sum((measured - predicted) ** 2) / np.sum((measured - measured.mean()) ** 2))


def _mape(measured: Array, predicted: Array) -> float:
    return float(np.mean(np.abs(predicted / measured - 1.0)))


def _zeus() -> list[_Row]:
    rows = []
    for row in evidence.rows("power"):
        epoch = re.search(r"time per epoch ([\d.]+)", row["notes"])
        if epoch and row["source"].startswith("ml-energy/zeus"):
            name = BATCH.sub("", row["utilisation_or_workload"])
            rows.append(_Row(name, 1.0 / float(epoch[1]), float(row["watts"]), float(row["power_limit_w"])))
    return rows


def _leaderboard(device: str) -> list[_Row]:
    rows = []
    for row in evidence.rows("power"):
        if row["device"] == device and row["source"].startswith("ml-energy/leaderboard") and row["tflops_per_device"]:
            split = re.search(r"over (\d+) GPU", row["notes"])
            name = f"{BATCH.sub('', row['utilisation_or_workload'])} on {split[1] if split else '?'}"
            rows.append(_Row(name, float(row["tflops_per_device"]), float(row["watts"]), UNLIMITED))
    return rows


def _predict(x: Array, watts: Array, limits: Array, idle: float) -> tuple[Array, Array]:
    """Return the fit of one workload, and every row without itself; x is u^g."""
    rest = watts - idle
    active = np.ones(len(x), dtype=bool)
    span = 0.0
    for _ in range(8):
        span = float(np.sum(x[active] * rest[active]) / np.sum(x[active] ** 2))
        kept = idle + span * x < limits
        active = kept if kept.any() else active
    xy, xx = np.sum(x[active] * rest[active]), np.sum(x[active] ** 2)
    own = np.where(active, x, 0.0)
    left = np.maximum(xx - own**2, 1e-12)
    without = np.where(xx - own**2 > 1e-9, (xy - own * rest) / left, span)
    return np.minimum(idle + span * x, limits), np.minimum(idle + without * x, limits)


def _curves(rows: list[_Row], idle: float, exponent: float) -> tuple[Array, Array, Array]:
    groups: dict[str, list[_Row]] = defaultdict(list)
    for row in rows:
        groups[row.workload].append(row)
    measured, fitted, left_out = [], [], []
    for group in groups.values():
        speed = np.array([r.speed for r in group])
        watts, limits = np.array([r.watts for r in group]), np.array([r.limit for r in group])
        x = np.asarray(saturating_power(0.0, 1.0, speed / speed.max(), exponent), dtype=float)
        fit, without = _predict(x, watts, limits, idle)
        measured.append(watts)
        fitted.append(fit)
        left_out.append(without)
    return np.concatenate(measured), np.concatenate(fitted), np.concatenate(left_out)


def _score(device: str, data: str, rows: list[_Row], idle: float) -> tuple[PowerScore, tuple[Array, Array, Array]]:
    def misfit(g: float) -> float:
        measured, fitted, _ = _curves(rows, idle, g)
        return float(np.sum((measured - fitted) ** 2))

    exponent = float(min(EXPONENTS, key=misfit))
    found = _curves(rows, idle, exponent)
    return PowerScore(device, data, len(rows), len({r.workload for r in rows}), exponent, *_merit(*found)), found


def _merit(measured: Array, fitted: Array, left_out: Array) -> tuple[float, float, float, float]:
    return _r2(measured, fitted), _mape(measured, fitted), _r2(measured, left_out), _mape(measured, left_out)


def score_power() -> tuple[PowerScore, ...]:
    """Fit and score every device with measured power against speed; the last score is of all devices together."""
    sets: Iterable[tuple[str, str, list[_Row]]] = (
        ("v100-sxm2-32", "Zeus: training at power limits of 100 to 250 W", _zeus()),
        ("h100-sxm", "ML.ENERGY: decoding of language models", _leaderboard("H100-80")),
        ("b200", "ML.ENERGY: decoding of language models", _leaderboard("B200-180")),
    )
    scores, arrays = [], []
    for device, data, rows in sets:
        score, found = _score(device, data, rows, hardware.device(device).idle_power.si)
        scores.append(score)
        arrays.append(found)
    together = tuple(np.concatenate([a[i] for a in arrays]) for i in range(3))
    n_rows, n_workloads = sum(s.n_rows for s in scores), sum(s.n_workloads for s in scores)
    merit = _merit(together[0], together[1], together[2])
    return (*scores, PowerScore("all", "the rows above together", n_rows, n_workloads, float("nan"), *merit))


def score_caps() -> PowerScore:
    """Score power and speed under a power limit on the Zeus study: each training against itself at 250 W."""
    groups: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    for row in evidence.rows("power"):
        epoch = re.search(r"time per epoch ([\d.]+)", row["notes"])
        if epoch and row["source"].startswith("ml-energy/zeus"):
            limit, watts = float(row["power_limit_w"]), float(row["watts"])
            groups[row["utilisation_or_workload"]].append((limit, watts, 1.0 / float(epoch[1])))
    kept: list[tuple[float, float, float, float]] = []
    for group in groups.values():
        *lower, (top, free, fastest) = sorted(group)
        if top < 250.0:
            continue
        for limit, drawn, rate in lower:
            kept.append((free, limit, drawn, rate / fastest))
    idle, kappa = hardware.device("v100-sxm2-32").idle_power.si, factor("power.cap_exponent.v100").value
    need, cap, watts, speed = np.array(kept).T
    power = np.asarray(capped_power(need, cap), dtype=float)
    above = need > idle * 1.2
    rate_ = np.asarray(capped_throughput(need[above], np.maximum(cap[above], idle), idle, kappa), dtype=float)
    ran = speed[above]
    return PowerScore(
        "v100-sxm2-32", "Zeus: power (R2, error) and speed (left-out columns) under a limit", len(need), len(groups),
        kappa, _r2(watts, power), _mape(watts, power), _r2(ran, rate_), _mape(ran, rate_),
    )  # fmt: skip


def score_nodes() -> tuple[float, float, int]:
    """Return measured and predicted watts of an 8 x H100 node that trains GPT-3 (MLPerf), and the number of rows."""
    rows = [r for r in evidence.rows("power") if r["scope"].startswith("node of 8 GPUs (AC") and r["tflops_per_device"]]
    cluster = hardware.cluster("h100-sxm")
    busy = device_row("power.busy_ratio", "h100-sxm") or factor("power.busy_ratio.default")
    ours = cluster.host.host_power.si + cluster.host.devices_per_host * busy.si * cluster.device.tdp.si
    return float(np.mean([float(r["watts"]) for r in rows])), ours, len(rows)

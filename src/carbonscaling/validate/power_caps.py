"""Power limits against public measurements: what a limited device draws, and how much slower it runs."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from carbonscaling import evidence
from carbonscaling.carbon.power import capped_power, capped_throughput
from carbonscaling.catalog import hardware
from carbonscaling.catalog.factors import factor
from carbonscaling.validate.score import Score, score

__all__ = ["CapScore", "score_caps"]


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


def score_caps() -> CapScore:
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
    idle, kappa = hardware.device("v100-pcie-32").idle_power.si, factor("power.cap_exponent.v100").value
    need, cap, watts, speed = np.array(kept).T
    power = np.asarray(capped_power(need, cap), dtype=float)
    above = need > idle * 1.2
    rate_ = np.asarray(capped_throughput(need[above], np.maximum(cap[above], idle), idle, kappa), dtype=float)
    ran = speed[above]
    return CapScore("v100-pcie-32", kappa, score(power, watts), score(rate_, ran))

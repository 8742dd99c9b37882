"""What others would say of the same rows: a constant efficiency, and EcoLogits' formula."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from carbonscaling.arrays import Array, Number
from carbonscaling.formula import formula
from carbonscaling.model.params import active_params, total_params
from carbonscaling.validate.serving.table import Servings

__all__ = ["constant_efficiency", "ecologits", "ecologits_joules"]


WH = 3600.0
MEMORY = 80.0e9
"""Bytes of the device that EcoLogits counts with."""


@formula(
    "devices·(1.1665e-6·exp(−0.011206·64)·active_b + 4.0529e-5)·3600",
    unit="J",
    source="ecologits_llm",
    place="gpu_energy at its batch of 64",
)
def ecologits_joules(active_b: Number, devices: Number) -> Number:
    """Energy of the devices an output token by EcoLogits: a line in the active parameters (in billions), times devices.

    >>> round(float(ecologits_joules(8.0, 1.0)), 3)
    0.162
    """
    per_device: Number = (1.1665273e-6 * np.exp(-0.011205921 * 64.0) * active_b + 4.0529281e-5) * WH
    return devices * per_device


def ecologits(s: Servings) -> Array:
    """Return EcoLogits' J an output token of every row, on as many 80 GB devices as 1.2 times the weights in 16 bit need."""
    specs = [q.spec for q in s.work.questions]
    total = np.array([total_params(spec) for spec in specs], dtype=float)
    devices = np.ceil(1.2 * total * 2.0 / MEMORY)
    return np.asarray(ecologits_joules(np.array([active_params(spec) for spec in specs]) / 1e9, devices))


def _most(s: Servings) -> Array:
    """Tokens a second and device if its bandwidth moved the active weights once a token, and did nothing else."""
    active = np.array([active_params(q.spec) * q.weights.bytes for q in s.work.questions])
    return np.asarray(s.work.bandwidth / active)


def constant_efficiency(s: Servings, others: Servings, groups: NDArray[np.str_] | None = None) -> dict[str, Array]:
    """Return speed, watts and J of a device that always reaches the same share of its bandwidth and of its limit.

    Parameters
    ----------
    others : Servings
        Rows whose medians both shares are.
    groups : array, optional
        With `others` the rows themselves: each is told by those of other groups.
    """
    reached, drawn = others.speed / _most(others), others.watts / others.work.tdp
    shares = np.empty((2, len(s.rows)))
    names = np.array(["all"] * len(s.rows)) if groups is None else groups
    for group in np.unique(names):
        told = np.ones(len(others.rows), dtype=bool) if groups is None else groups != group
        shares[:, names == group] = [[_median(reached[told])], [_median(drawn[told])]]
    speed, watts = _most(s) * shares[0], s.work.tdp * shares[1]
    return {"speed": speed, "watts": watts, "joules": watts / speed}


def _median(values: Array) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else float("nan")

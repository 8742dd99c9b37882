"""Which factors widen a figure: Sobol indices over the ranges of all factors (SALib, extra ``uncertainty``)."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from statistics import NormalDist
from typing import Any

import numpy as np

from carbonscaling.carbon.assess import CarbonModel
from carbonscaling.carbon.uncertainty import SEED, sample_footprint
from carbonscaling.errors import InputError
from carbonscaling.sources import Datum

__all__ = ["FIGURES", "SobolIndex", "sobol_indices"]

N_BASE = 512
FIGURES: Mapping[str, str] = {
    "total": "total_kg",
    "operational": "operational_kg",
    "energy": "energy_j",
    "water": "water_l",
}
"""Figures by name, and the part of the footprint behind each."""


@dataclass(frozen=True)
class SobolIndex:
    """Share of a figure's variance: by the factor alone (first), and with its interactions (total); `conf` of the total."""

    name: str
    first: float
    total: float
    conf: float
    source: str


def _salib() -> tuple[Any, Any]:
    try:
        return import_module("SALib.sample.sobol"), import_module("SALib.analyze.sobol")
    except ImportError as error:
        raise InputError(
            "Sobol indices need SALib", key="uncertainty", remedy="pip install 'carbonscaling[uncertainty]'"
        ) from error


def sobol_indices(
    model: CarbonModel,
    n_devices: float,
    duration_s: float,
    utilisation: float,
    time: Datum | None = None,
    figure: str = "total",
    n_base: int = N_BASE,
) -> tuple[SobolIndex, ...]:
    """Return the indices of every ranged factor, largest total first; the same seed gives the same figures.

    Raises
    ------
    InputError
        SALib is not installed.
    """
    sample, analyse = _salib()
    ranged = {name: datum for name, datum in model.factors.items() if datum.low is not None}
    if time is not None and time.low is not None:
        ranged["time"] = time
    if len(ranged) < 2:
        return tuple(SobolIndex(name, 1.0, 1.0, 0.0, datum.source) for name, datum in ranged.items())
    names = list(ranged)
    problem = {"num_vars": len(names), "names": names, "bounds": [[0.0, 1.0]] * len(names)}
    unit = np.clip(sample.sample(problem, n_base, calc_second_order=False, seed=SEED), 1e-6, 1.0 - 1e-6)
    normal = np.vectorize(NormalDist().inv_cdf)(unit)
    parts, _ = sample_footprint(
        model.assemble, model.factors, n_devices, duration_s, utilisation, time,
        normals={name: normal[:, i] for i, name in enumerate(names)},
    )  # fmt: skip
    values = np.asarray(getattr(parts, FIGURES[figure]), dtype=float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = analyse.analyze(problem, values, calc_second_order=False, seed=SEED, print_to_console=False)
    indices = [
        SobolIndex(name, float(found["S1"][i]), float(found["ST"][i]), float(found["ST_conf"][i]), ranged[name].source)
        for i, name in enumerate(names)
    ]
    return tuple(sorted(indices, key=lambda index: -index.total))

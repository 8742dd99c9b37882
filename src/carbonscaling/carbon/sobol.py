"""Which factors widen a figure: Sobol indices over the ranges of all factors (SciPy, extra ``uncertainty``)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from carbonscaling.arrays import Array
from carbonscaling.carbon.assess import CarbonModel
from carbonscaling.carbon.uncertainty import SEED, sample_footprint
from carbonscaling.platform import need
from carbonscaling.record import dataclass
from carbonscaling.sources import Datum

__all__ = ["FIGURES", "SobolIndex", "sobol_indices"]

N_BASE, N_REPEATS = 256, 8
"""Points of a scrambled Sobol sequence, and independent scramblings of it, whose spread is the error of their mean."""
FIGURES: Mapping[str, str] = {
    "total": "total_kg",
    "operational": "operational_kg",
    "energy": "energy_j",
    "water": "water_l",
}
"""Figures by name, and the part of the footprint behind each."""


@dataclass(frozen=True)
class SobolIndex:
    """Share of a figure's variance: by the factor alone (first), and with its interactions (total).

    `conf` is half the 95 % interval of the total.
    """

    name: str
    first: float
    total: float
    conf: float
    source: str


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
        SciPy is not installed.
    """
    stats = need("scipy.stats", "uncertainty")
    ranged = dict(model.ranged)
    if time is not None and time.low is not None:
        ranged["time"] = time
    if len(ranged) < 2:
        return tuple(SobolIndex(name, 1.0, 1.0, 0.0, datum.source) for name, datum in ranged.items())
    names = list(ranged)

    def run(unit: Array) -> Array:
        normal = stats.norm.ppf(np.clip(unit, 1e-6, 1.0 - 1e-6))
        parts, _ = sample_footprint(
            model.assemble, model.factors, n_devices, duration_s, utilisation, time,
            normals=dict(zip(names, normal, strict=True)),
        )  # fmt: skip
        return np.array(getattr(parts, FIGURES[figure]), dtype=float)  # SciPy writes to it

    dists = [stats.uniform()] * len(names)
    found = [
        stats.sobol_indices(func=run, n=n_base, dists=dists, rng=np.random.default_rng([SEED, repeat]))
        for repeat in range(N_REPEATS)
    ]
    totals = np.array([one.total_order for one in found])
    first, total = np.mean([one.first_order for one in found], axis=0), totals.mean(axis=0)
    conf = stats.t.ppf(0.975, N_REPEATS - 1) * stats.sem(totals)
    indices = [
        SobolIndex(name, float(first[i]), float(total[i]), float(conf[i]), ranged[name].source)
        for i, name in enumerate(names)
    ]
    return tuple(sorted(indices, key=lambda index: -index.total))

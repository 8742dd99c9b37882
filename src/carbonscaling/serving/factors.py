"""Learnt factors of serving: what software and devices make of each term of a cycle, and how hot each keeps a device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from carbonscaling.arrays import Array
from carbonscaling.catalog.read import read_toml
from carbonscaling.record import dataclass
from carbonscaling.serving.cycle import TERMS
from carbonscaling.serving.effects import BELIEVED, POWER, POWER_PRIORS, PRIORS, Effects, taken

__all__ = ["Additive", "ServingFactors", "shipped_factors", "unfitted"]


@dataclass(frozen=True)
class Additive:
    """Factors by term whose logarithms add up over effects.

    Attributes
    ----------
    terms : tuple of str
    logs : Mapping[str, Mapping[str, float]]
        By effect, then term; what is not there counts for nothing.
    rows : Mapping[str, int]
        Measurements that each effect was learnt from.
    """

    terms: tuple[str, ...]
    logs: Mapping[str, Mapping[str, float]]
    rows: Mapping[str, int] = field(default_factory=dict)

    def factors(self, rows: Sequence[Effects]) -> Array:
        """Return the factor of every term for every row, terms first."""
        each = {
            effects: [
                sum(self.logs[name].get(term, 0.0) for name in effects if name in self.logs and taken(name, term))
                for term in self.terms
            ]
            for effects in set(rows)
        }
        logs = np.array([each[effects] for effects in rows], dtype=float).reshape(-1, len(self.terms))
        return np.asarray(np.exp(logs).T)


@dataclass(frozen=True)
class ServingFactors:
    """Everything learnt of serving.

    Attributes
    ----------
    time, heat : Additive
        Of the terms of a cycle, and of what draws power.
    intervals : Mapping[str, Mapping[str, float]]
        By quantity (speed, watts, joules): how far 90 % of what is measured lies from what is predicted, as a logarithm, by
        `serving.width.FLAGS`.
    """

    time: Additive
    heat: Additive
    intervals: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def unfitted() -> ServingFactors:
    """Return the physics before any row was seen: every factor at its prior, and what is believed of software."""
    time = {"all": {term: float(np.log(value)) for term, (value, _) in PRIORS.items()}} | BELIEVED
    heat = {"all": {term: float(np.log(value)) for term, (value, _) in POWER_PRIORS.items()}}
    return ServingFactors(Additive(TERMS, time), Additive(POWER, heat))


def _additive(terms: tuple[str, ...], table: Mapping[str, Any]) -> Additive:
    logs = {name: {t: float(v) for t, v in own.items() if t in terms} for name, own in table.items()}
    return Additive(terms, logs, {name: int(own.get("rows", 0)) for name, own in table.items()})


@lru_cache(maxsize=1)
def shipped_factors() -> ServingFactors:
    """Return the factors learnt from the shipped measurements (``validate --inference shipped --fit``)."""
    tables = read_toml(Path(str(resources.files("carbonscaling.serving").joinpath("factors.toml"))))
    return ServingFactors(
        _additive(TERMS, tables["time"]), _additive(POWER, tables["heat"]), tables.get("interval", {})
    )

"""What "best" means: the keys a setting is ranked by, most important first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from carbonscaling.perf.numbers import Number, Setting

__all__ = ["OBJECTIVES", "Objective", "Outcome"]


class Outcome(NamedTuple):
    """What a setting takes: run time, carbon (operational and embodied), money."""

    duration_s: Number
    carbon_kg: Number
    cost_usd: Number


@dataclass(frozen=True)
class Objective:
    """A lexicographic objective.

    Attributes
    ----------
    name, description : str
    columns : callable
        (settings, outcome) to the arrays to minimise, most important first.
    key : callable
        The same for one `Candidate`.
    """

    name: str
    description: str
    columns: Callable[[Setting, Outcome], tuple[Number, ...]]
    key: Callable[[Any], tuple[float, ...]]


OBJECTIVES: dict[str, Objective] = {
    o.name: o
    for o in (
        Objective(
            "paper",
            "fewest devices, then shortest time (the papers' Algorithm 1)",
            lambda s, o: (s.n_devices, o.duration_s),
            lambda c: (c.n_devices, c.duration_s),
        ),
        Objective(
            "time",
            "shortest time, then fewest devices",
            lambda s, o: (o.duration_s, s.n_devices),
            lambda c: (c.duration_s, c.n_devices),
        ),
        Objective(
            "carbon",
            "least carbon, operational and embodied, then shortest time",
            lambda s, o: (o.carbon_kg, o.duration_s),
            lambda c: (c.carbon_kg, c.duration_s),
        ),
        Objective(
            "cost",
            "least money, then shortest time",
            lambda s, o: (o.cost_usd, o.duration_s),
            lambda c: (c.cost_usd, c.duration_s),
        ),
    )
}
"""Objectives by name (ruling R11)."""

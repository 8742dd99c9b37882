"""What "best" means: the keys a setting is ranked by, most important first."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from carbonscaling.hints import NamedTuple
from carbonscaling.perf.numbers import Number, Setting
from carbonscaling.record import dataclass

__all__ = ["OBJECTIVES", "Objective", "Outcome"]


class Outcome(NamedTuple):
    """What a setting takes: run time, carbon (operational and embodied), money, energy."""

    duration_s: Number
    carbon_kg: Number
    cost_usd: Number
    energy_j: Number = math.inf


@dataclass(frozen=True)
class Objective:
    """A lexicographic objective.

    Attributes
    ----------
    name, description : str
    columns : callable
        (settings, outcome) to the arrays to minimise, most important first.
    main : int
        The column in which a near-optimal setting may be a little worse; in those before it, not at all.
    by_time : bool
        Whether the columns look at nothing of an outcome but the run time.
    """

    name: str
    description: str
    columns: Callable[[Setting, Outcome], tuple[Number, ...]]
    main: int = 0
    by_time: bool = False

    def key(self, candidate: Any) -> tuple[float, ...]:
        """Return the columns of one `Candidate`."""
        return tuple(float(column) for column in self.columns(candidate.setting, candidate))


OBJECTIVES: dict[str, Objective] = {
    o.name: o
    for o in (
        Objective(
            "paper",
            "fewest devices, then shortest time (the papers' Algorithm 1)",
            lambda s, o: (s.n_devices, o.duration_s),
            main=1,
            by_time=True,
        ),
        Objective("time", "shortest time, then fewest devices", lambda s, o: (o.duration_s, s.n_devices), by_time=True),
        Objective(
            "carbon",
            "least carbon, operational and embodied, then shortest time",
            lambda s, o: (o.carbon_kg, o.duration_s),
        ),
        Objective("energy", "least energy, then shortest time", lambda s, o: (o.energy_j, o.duration_s)),
        Objective("cost", "least money, then shortest time", lambda s, o: (o.cost_usd, o.duration_s)),
    )
}
"""Objectives by name (ruling R11)."""

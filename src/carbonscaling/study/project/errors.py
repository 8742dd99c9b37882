"""Which errors stages share: one and the same number is one and the same unknown, two numbers are two.

A factor that two stages take with the same value and range (the intensity of a place, a PUE, the embodied carbon of a
device) is drawn once for both. The time of trainings on one device has one error, and that of servings on one device another:
a model of speed that is wrong about one of them is wrong about all. Stated amounts that are assumptions err alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from carbonscaling.arrays import Array
from carbonscaling.carbon.assessment import Assessment
from carbonscaling.carbon.uncertainty import draws, intervals, sample_factor
from carbonscaling.sources import Datum

__all__ = ["Shared", "amount_label", "amounts", "ends"]

Key = tuple[str, object]


def _key(name: str, datum: Datum, clock: str) -> Key:
    return (name, clock) if name == "time" else (name, (datum.si, *datum.si_range))


class Shared:
    """The draws of all numbers behind a project."""

    def __init__(self, used: Iterable[tuple[Assessment, str]]) -> None:
        """Give every unknown its own random numbers; where a factor is one number throughout, those of a single answer.

        Parameters
        ----------
        used : iterable of (Assessment, str)
            Every assessment with its clock.
        """
        keys = {_key(name, datum, clock) for a, clock in used for name, datum in a.ranged()}
        self._label: dict[Key, str] = {}
        n_of: dict[str, int] = {}
        for key in sorted(keys, key=str):
            n_of[key[0]] = n_of.get(key[0], 0) + 1
            self._label[key] = key[0] if n_of[key[0]] == 1 else f"{key[0]} {n_of[key[0]]}"

    def labels(self, a: Assessment, clock: str) -> dict[str, str]:
        """Return the unknown that every ranged factor of an assessment is."""
        return {name: self._label[_key(name, datum, clock)] for name, datum in a.ranged()}

    def normals(self, a: Assessment, clock: str) -> dict[str, Array]:
        """Return standard normal numbers for every ranged factor of an assessment."""
        return {name: draws(label) for name, label in self.labels(a, clock).items()}

    def of_time(self, clock: str, datum: Datum) -> Array:
        """Return what a time is drawn as, over its stated value."""
        return sample_factor("time", datum, draws(self._label.get(("time", clock), f"time {clock}")))


def amount_label(name: str) -> str:
    """Return the name of the random numbers of a stage's amount."""
    return f"amount of {name}"


def amounts(name: str, ends: tuple[float, float] | None) -> Array | float:
    """Return the true amount of a stage over the stated one."""
    return 1.0 if ends is None else sample_factor("amount", Datum(1.0, "1", "user", *ends), draws(amount_label(name)))


def ends(drawn: Mapping[str, Sequence[Array | float]], central: Mapping[str, float]) -> dict[str, tuple[float, float]]:
    """Return the 5th and 95th percentile of sums, draw by draw.

    Parameters
    ----------
    drawn : Mapping of str to sequence of arrays
        What is added up, by figure.
    central : Mapping of str to float
        The sums of central values.
    """
    n = max((np.size(x) for parts in drawn.values() for x in parts), default=1)
    return intervals(
        {name: (np.broadcast_to(np.asarray(sum(parts), float), (n,)), central[name]) for name, parts in drawn.items()}
    )

"""What people needed: device-hours that were reported over those that can be reached, as published trainings have them.

Makers differ, and one maker's trainings differ less: the logarithm of the ratio is a maker's own mean plus a deviation of the
training. Both spreads are learnt from published trainings (``carbonscaling validate --trainings shipped``); own earlier runs
draw the mean towards theirs, the more of them there are the further.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

from carbonscaling.catalog.factors import factor
from carbonscaling.hints import NamedTuple
from carbonscaling.record import dataclass

__all__ = ["NINETY", "Needed", "Practice", "shipped_practice"]

NINETY = 1.6448536
"""Standard deviations on either side of the mean of a normal distribution that hold 90 % of it."""


class Needed(NamedTuple):
    """Device-hours that people needed, or their ratio to what can be reached: the median, and the 90 % interval."""

    median: float
    low: float
    high: float

    def times(self, reachable: float) -> Needed:
        """Return the ratios as device-hours."""
        return Needed(*(reachable * ratio for ratio in self))


@dataclass(frozen=True)
class Practice:
    """The distribution of reported over reachable device-hours; means and standard deviations of the logarithm.

    Attributes
    ----------
    mean : float
    between, within : float
        Standard deviations of makers' means, and of one maker's trainings.
    """

    mean: float
    between: float
    within: float

    def needed(self, history: Sequence[float] = ()) -> Needed:
        """Return what a further training needs; `history` are the maker's own ratios of earlier ones, each above 0.

        The maker's mean is that of a normal distribution given its own runs (random effects: Efron and Morris 1975).

        >>> [round(end, 2) for end in Practice(0.2, 0.3, 0.2).needed()]
        [1.22, 0.67, 2.21]
        >>> [round(end, 2) for end in Practice(0.2, 0.3, 0.2).needed((1.5, 1.5))]
        [1.44, 0.98, 2.14]
        """
        n = len(history)
        unknown = self.between**2 * self.within**2 / (n * self.between**2 + self.within**2)
        own = sum(math.log(ratio) for ratio in history) / n if n else self.mean
        trust = n * unknown / self.within**2
        centre, spread = trust * own + (1.0 - trust) * self.mean, math.sqrt(unknown + self.within**2)
        ends = (centre, centre - NINETY * spread, centre + NINETY * spread)
        return Needed(*(math.exp(end) for end in ends))


@cache
def shipped_practice() -> Practice:
    """Return the distribution over the published trainings that ship."""
    everyone, one = factor("time.practice.everyone"), factor("time.practice.maker")
    whole, within = (math.log(row.si_range[1] / row.si_range[0]) / (2.0 * NINETY) for row in (everyone, one))
    return Practice(math.log(everyone.si), math.sqrt(max(0.0, whole**2 - within**2)), within)

"""Power laws through a curve: loss = k · CO^-alpha by least squares in logarithms, with intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["PowerLaw", "fit"]

STUDENT = (math.inf, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)
"""97.5 % points of Student's distribution by degrees of freedom."""


@dataclass(frozen=True)
class PowerLaw:
    """A fit with its 95 % intervals; infinite where two points leave no freedom.

    Attributes
    ----------
    k, alpha : float
    k_interval, alpha_interval : tuple of float
    r2 : float
        In logarithms.
    n : int
    """

    k: float
    alpha: float
    k_interval: tuple[float, float]
    alpha_interval: tuple[float, float]
    r2: float
    n: int

    def __str__(self) -> str:
        """Return the fit as the tables print it."""
        (a, b), (c, d) = self.k_interval, self.alpha_interval
        return (
            f"k = {self.k:.3g} ({a:.3g} to {b:.3g}), alpha = {self.alpha:.4f} ({c:.4f} to {d:.4f}), R2 = {self.r2:.3f}"
        )


def fit(tonnes: Sequence[float], loss: Sequence[float]) -> PowerLaw | None:
    """Fit loss = k · CO^-alpha; None for fewer than two points.

    >>> law = fit([1.0, 10.0, 100.0], [4.0, 2.0, 1.0])
    >>> round(law.k, 6), round(law.alpha, 4)
    (4.0, 0.301)
    """
    if len(tonnes) < 2:
        return None
    x, y = np.log(np.asarray(tonnes, dtype=float)), np.log(np.asarray(loss, dtype=float))
    n, centre = len(x), x - x.mean()
    slope = float(centre @ y / (centre @ centre))
    at_one = float(y.mean() - slope * x.mean())
    rest = y - at_one - slope * x
    freedom = n - 2
    variance = float(rest @ rest) / freedom if freedom else math.inf
    t = STUDENT[min(freedom, len(STUDENT) - 1)]
    wide = t * math.sqrt(variance / float(centre @ centre)) if freedom else math.inf
    wide_k = (
        t * math.sqrt(variance * (1.0 / n + float(x.mean()) ** 2 / float(centre @ centre))) if freedom else math.inf
    )
    spread = float(((y - y.mean()) ** 2).sum())
    return PowerLaw(
        math.exp(at_one), -slope, (math.exp(at_one - wide_k), math.exp(min(at_one + wide_k, 700.0))),
        (-slope - wide, -slope + wide), 1.0 - float(rest @ rest) / spread if spread else math.nan, n,
    )  # fmt: skip

"""Loss against carbon: the curves that most figures share, power laws through them, and tests of order."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from carbonscaling.carbon.footprint import CarbonNumbers
from carbonscaling.papers.figure import CANNOT, Band, Outcome, Panel, Series
from carbonscaling.papers.study import Point, carbon
from carbonscaling.record import dataclass

__all__ = ["PowerLaw", "curve", "curve_panel", "descending", "fit", "found", "ideal_curve", "percent", "saving", "sizes",
           "times", "untested"]  # fmt: skip

CARBON, LOSS = "carbon footprint (tCO2e)", "loss by the paper's law"
NO_POINT = "no size has a setting that finishes in time on every device compared"

Change = Callable[[CarbonNumbers], CarbonNumbers]


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
    n, freedom = len(x), len(x) - 2
    (slope, at_one), spread = np.polyfit(x, y, 1, cov="unscaled")
    rest = y - at_one - slope * x
    residual = math.sqrt(float(rest @ rest) / freedom) if freedom else math.inf
    wide, wide_k = STUDENT[min(freedom, len(STUDENT) - 1)] * residual * np.sqrt(np.diag(spread))
    about = float(((y - y.mean()) ** 2).sum())
    return PowerLaw(
        math.exp(at_one), float(-slope), (math.exp(at_one - wide_k), math.exp(min(at_one + wide_k, 700.0))),
        (float(-slope - wide), float(-slope + wide)), 1.0 - float(rest @ rest) / about if about else math.nan, n,
    )  # fmt: skip


def found(points: Sequence[Point]) -> list[Point]:
    """Return the points that have an answer."""
    return [p for p in points if p.found is not None]


def curve(label: str, points: Sequence[Point], change: Change | None = None) -> Series:
    """Loss over tonnes at the points that have an answer."""
    kept = found(points)
    return Series(label, tuple(carbon(p, change) for p in kept), tuple(p.loss for p in kept))


def ideal_curve(points: Sequence[Point], tonnes: Callable[[Point], float]) -> Series:
    """Loss over the tonnes of the compute alone, at every point."""
    return Series("ideal", tuple(tonnes(p) for p in points), tuple(p.loss for p in points))


def times(label: str, base: Series, low: float, high: float) -> Band:
    """Return what a paper claims as an area: `low` to `high` times the carbon of a curve."""
    x = (*(low * x for x in base.x), *(high * x for x in reversed(base.x)))
    return Band(label, x, (*base.y, *reversed(base.y)))


def curve_panel(name: str, title: str, series: Sequence[Series], note: str = "", bands: Sequence[Band] = ()) -> Panel:
    """Return a panel of loss over carbon; noted is the power law of every curve of three points, with 95 % intervals."""
    laws = "; ".join(f"{s.label}: {fit(s.x, s.y)}" for s in series if len(s.x) >= 3)
    fits = f"Power laws loss = k CO^-alpha: {laws}" if laws else "Too few points for a power law."
    return Panel(name, title, CARBON, LOSS, tuple(series), note=f"{note} {fits}".strip(), bands=tuple(bands))


def descending(values: Sequence[float]) -> bool:
    """Whether every value is below the one before.

    >>> descending([3.0, 2.0, 1.0]), descending([3.0, 3.0])
    (True, False)
    """
    return all(b < a for a, b in pairwise(values))


def saving(base: float, other: float) -> float:
    """Relative saving of `other` against `base`.

    >>> saving(4.0, 1.0)
    0.75
    """
    return 1.0 - other / base


def percent(values: Sequence[float]) -> str:
    """Return shares as the text of a range.

    >>> percent([0.1, 0.25])
    '10 to 25 %'
    """
    low, high = min(values), max(values)
    one = f"{100 * low:.3g}"
    return f"{one} %" if math.isclose(low, high) else f"{one} to {100 * high:.3g} %"


def sizes(points: Sequence[Point]) -> str:
    """Return how many of the sizes have an answer, and up to which one.

    The sentence stands in every reason, because a claim "at every size" is only as good as the sizes tested.
    """
    kept = found(points)
    if len(kept) == len(points):
        return f"tested at all {len(points)} sizes"
    widest = f", up to d = {kept[-1].d_model:,}" if kept else ""
    return f"tested at {len(kept)} of {len(points)} sizes{widest}; no setting finishes the others in time"


def untested(*claims: str, reason: str = NO_POINT) -> dict[str, Outcome]:
    """Return the outcomes of claims that have no point to be tested at."""
    return {claim: Outcome("no point", CANNOT, reason) for claim in claims}

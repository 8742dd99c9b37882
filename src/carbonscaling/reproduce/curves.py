"""Loss against carbon: the curves that most figures share, and tests of order over all their points."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

from carbonscaling.carbon.footprint import CarbonNumbers
from carbonscaling.reproduce.figure import CANNOT, Outcome, Panel, Series
from carbonscaling.reproduce.powerlaw import PowerLaw, fit
from carbonscaling.reproduce.study import Point, carbon

__all__ = ["CARBON", "LOSS", "NO_POINT", "curve", "curve_panel", "descending", "law_of", "percent", "saving", "sizes",
           "untested", "with_fits"]  # fmt: skip

CARBON, LOSS = "carbon footprint (tCO2e)", "loss by the paper's law"
NO_POINT = "no size has a setting that finishes in time on every device compared"

Change = Callable[[CarbonNumbers], CarbonNumbers]


def curve(label: str, points: Sequence[Point], change: Change | None = None) -> Series:
    """Loss over tonnes at the points that have an answer."""
    kept = [p for p in points if p.found is not None]
    return Series(label, tuple(carbon(p, change) for p in kept), tuple(p.loss for p in kept))


def law_of(series: Series) -> PowerLaw | None:
    """Return the power law through a curve."""
    return fit(series.x, series.y)


def with_fits(series: Sequence[Series]) -> str:
    """Return a note with the power law of every curve of three points or more, loss = k · CO^-alpha, 95 % intervals."""
    found = [(s.label, law_of(s)) for s in series if len(s.x) >= 3]
    if not found:
        return "Too few points for a power law."
    return "Power laws loss = k CO^-alpha: " + "; ".join(f"{label}: {law}" for label, law in found)


def curve_panel(name: str, title: str, series: Sequence[Series], note: str = "") -> Panel:
    """Return a panel of loss over carbon with its fits."""
    return Panel(name, title, CARBON, LOSS, tuple(series), note=f"{note} {with_fits(series)}".strip())


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
    kept = [p for p in points if p.found is not None]
    if len(kept) == len(points):
        return f"tested at all {len(points)} sizes"
    widest = f", up to d = {kept[-1].d_model:,}" if kept else ""
    return f"tested at {len(kept)} of {len(points)} sizes{widest}; no setting finishes the others in time"


def untested(reason: str = NO_POINT) -> Outcome:
    """Return the outcome of a claim that has no point to be tested at."""
    return Outcome("no point", CANNOT, reason)

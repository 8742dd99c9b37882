"""Up to which carbon intensity to work where only bounds of hours and of the length are known, and what that promises."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from carbonscaling.hints import NamedTuple
from carbonscaling.timetable.job import Array

__all__ = ["Lengths", "Limits", "limits_of", "promised"]

MOST_BLOCKS = 16
HALVINGS = 24
NEWTON = 60


class Lengths(NamedTuple):
    """Steps of work that a run takes, at least and at most; the true length shows when it ends."""

    shortest: float
    longest: int


class Limits(NamedTuple):
    """Greatest intensity at which a run works of its own accord, over the least there is, by work done; it never rises.

    Attributes
    ----------
    of : tuple of float
        One for every block of work.
    steps : tuple of int
        Steps of work in each block.
    """

    of: tuple[float, ...]
    steps: tuple[int, ...]

    @property
    def by_step(self) -> Array:
        """One limit for every step of work."""
        return np.repeat(self.of, self.steps)


@lru_cache(maxsize=256)
def limits_of(spread: float, lengths: Lengths) -> Limits:
    """Return the limits that promise least.

    Each is the lowest that keeps the bound of `promised` for a ratio; the ratio is the least for which a run that is never
    forced keeps it too. One limit for all of the work is the reservation price of El-Yaniv, Fiat, Karp and Turpin,
    Algorithmica 30 (2001), section 2, sqrt(least most), with a ratio of sqrt(spread) where the length is known; falling limits
    promise less. The limits of one-way trading (their section 4) and of k-search (Lorenz, Panagiotou and Steger,
    Algorithmica 55 (2009)) fall too, but count on several steps of work at one price, which a step of time does not hold.
    Where no limits promise less than the spread, which anything keeps, the reservation price is all limits.

    Parameters
    ----------
    spread : float
        Greatest intensity over the least.
    lengths : Lengths

    Examples
    --------
    >>> round(limits_of(4.0, Lengths(1.0, 1)).of[0], 6)
    2.0
    """
    edges = np.linspace(0, lengths.longest, min(lengths.longest, MOST_BLOCKS) + 1).round().astype(int)
    steps = np.diff(edges)
    low, high = 1.0, spread
    for _ in range(HALVINGS):
        ratio = math.sqrt(low * high)
        low, high = (ratio, high) if _lowest(ratio, spread, lengths, steps) is None else (low, ratio)
    found = _lowest(high, spread, lengths, steps) if high < spread else None
    of = np.full(len(steps), math.sqrt(spread)) if found is None else found
    return Limits(tuple(of.tolist()), tuple(steps.tolist()))


@lru_cache(maxsize=256)
def promised(limits: Limits, spread: float, lengths: Lengths) -> float:
    """Return the carbon of a run that keeps the limits over the least possible, at worst, where pauses cost nothing.

    The run works in hours up to its limit, and in every hour once the deadline leaves no more than its longest length m. With
    intensities of 1 to U, limits f_1 >= f_2 >= ... and the true length c:

    - Never forced, it takes at most ``sum f_i`` over c steps, and the least possible is c or more.
    - Forced after j steps, every hour that it passed over is above ``f' = f_(j+1)``, and ``m - c`` hours come after its end.
      Put the hours of any other timetable beside its own, one by one. The other's is the same, one passed over, or
      a late one: at least the less of the own hour and f', save in ``min(m - c, c)`` hours, where it may be 1. An hour worked
      freely has at most f_i, a forced one at most U, so that the ratio r holds where
      ``sum_(i<=j) max(1 - r, f_i - r f') + (c - j) max(1 - r, U - r f') + r min(m - c, c) (f' - 1) <= 0``.

    This falls with j while f' stays, and is concave in c with a bend at m/2: beginnings of blocks and three lengths decide.

    Examples
    --------
    >>> round(promised(Limits((2.0,), (10,)), 4.0, Lengths(10.0, 10)), 6)
    2.0
    """
    of, steps = np.array(limits.of), np.array(limits.steps)
    low, high = max(1.0, _never_forced(of, steps, lengths)), spread
    for _ in range(HALVINGS):
        ratio = 0.5 * (low + high)
        kept = all(_excess(ratio, own, of[:k], steps[:k], spread, lengths)[0] <= 0.0 for k, own in enumerate(limits.of))
        low, high = (low, ratio) if kept else (ratio, high)
    return high


def _never_forced(of: Array, steps: Array, lengths: Lengths) -> float:
    """Return the mean limit over the shortest length; over a longer one it is no greater."""
    ends = np.minimum(np.cumsum(steps), lengths.shortest)
    return float(np.diff(ends, prepend=0.0) @ of) / lengths.shortest


def _excess(
    ratio: float, own: float, accepted: Array, steps: Array, spread: float, lengths: Lengths
) -> tuple[float, float]:  # fmt: skip
    """Return the left side of the bound of `promised` at the worst length, and its slope in the limit `own`."""
    least, done, m = 1.0 - ratio, float(steps.sum()), lengths.longest
    given_up = accepted - ratio * own
    free = float(steps @ np.maximum(least, given_up))
    slope = -ratio * float(steps[given_up > least].sum())
    gap = spread - ratio * own
    found = []
    for length in (lengths.shortest, 0.5 * m, float(m)):
        c = max(length, lengths.shortest, done)
        late = ratio * min(m - c, c)
        found.append(
            (
                free + (c - done) * max(least, gap) + late * (own - 1.0),
                slope - (c - done) * ratio * (gap > least) + late,
            )
        )
    return max(found)


def _lowest(ratio: float, spread: float, lengths: Lengths, steps: Array) -> Array | None:
    """Return the lowest limits that keep the ratio; None where none do. The bound is convex in a limit: Newton from below."""
    limits = np.empty(len(steps))
    for k in range(len(steps)):
        own, most = 1.0, limits[k - 1] if k else spread
        for _ in range(NEWTON):
            excess, slope = _excess(ratio, own, limits[:k], steps[:k], spread, lengths)
            if excess <= 1e-12 * lengths.longest:
                break
            if slope >= 0.0 or (own := own - excess / slope) > most * (1.0 + 1e-12):
                return None
        limits[k] = own
    return limits if _never_forced(limits, steps, lengths) <= ratio else None

"""Rollouts that start together: what is in flight falls as they end, and the last of them is waited for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from carbonscaling.hints import NamedTuple
from carbonscaling.study.project.work import before_the_cut

__all__ = ["Drained", "drained"]

POINTS = 2000
"""Tokens at which a wave of rollouts is looked at, evenly between its first and its last."""


class Drained(NamedTuple):
    """A wave over as many rollouts with all of them in flight until the end: its time, and its watts in the mean."""

    time: float
    watts: float


def drained(
    output: float,
    limit: float,
    together: float,
    in_flight: Sequence[float],
    tpot_s: Sequence[float],
    watts: Sequence[float],
) -> Drained:
    """Return what a wave takes against rollouts that are replaced as they end.

    Parameters
    ----------
    output, limit : float
        Mean tokens of a rollout, and where it is cut.
    together : float
        Rollouts of a wave.
    in_flight, tpot_s, watts : sequence of float
        Of a copy: seconds between tokens and watts by the number in flight, ascending.

    Notes
    -----
    Of lengths only the mean is known, and they are taken as exponential (`longest`): after x tokens a share exp(-x/scale) is
    in flight, one at least until the last ends. A wave takes the sum of the seconds of every token until then.

    >>> flat = drained(100.0, 1e9, 64.0, (1.0, 64.0), (0.02, 0.02), (500.0, 500.0))
    >>> round(flat.time, 2), round(flat.watts, 2)  # the sum of 1/k up to 64
    (4.74, 1.0)
    """
    scale = before_the_cut(output, limit)
    most = min(limit, scale * (np.log(together) + 12.0))
    x = (np.arange(POINTS) + 0.5) * most / POINTS
    left = np.exp(-x / scale)
    some = -np.expm1(together * np.log1p(-left))  # the chance that one is still in flight
    n = np.log(together * left / some)
    lengths = np.log(np.asarray(in_flight, dtype=float))
    seconds, power = (np.interp(n, lengths, np.asarray(of, dtype=float)) for of in (tpot_s, watts))
    full_s, full_w = (float(np.interp(np.log(together), lengths, of)) for of in (tpot_s, watts))
    time = float(np.sum(some * seconds) * most / POINTS)
    energy = float(np.sum(some * seconds * power) * most / POINTS)
    return Drained(time / (output * full_s), energy / time / full_w)

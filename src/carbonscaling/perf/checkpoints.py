"""Interruptions of a run, and how often to write checkpoints for them."""

from __future__ import annotations

import numpy as np

from carbonscaling.formula import formula
from carbonscaling.perf.numbers import Number

__all__ = ["daly_interval", "interrupted_time"]


@formula(
    "√(2·write_s·mtbf_s)·(1 + ⅓·√(write_s/(2·mtbf_s)) + write_s/(18·mtbf_s)) − write_s, at most mtbf_s",
    unit="s",
    source="daly_2006",
    place="equation 37",
)
def daly_interval(write_s: Number, mtbf_s: Number) -> Number:
    """Time of training between checkpoints that loses least; Young's √(2·write_s·mtbf_s) where writing is quick.

    Parameters
    ----------
    write_s : s to write a checkpoint, the run waiting. mtbf_s : mean time between interruptions of the job.

    >>> round(float(daly_interval(60.0, 1e4)))
    1056
    """
    share = write_s / (2.0 * mtbf_s)
    best = np.sqrt(2.0 * write_s * mtbf_s) * (1.0 + np.sqrt(share) / 3.0 + share / 9.0) - write_s
    return np.where(write_s < 2.0 * mtbf_s, best, mtbf_s)


@formula(
    "mtbf_s·exp(restart_s/mtbf_s)·(exp((interval_s + write_s)/mtbf_s) − 1)·steady_s/interval_s",
    unit="s",
    source="daly_2006",
    place="equation 20",
)
def interrupted_time(
    steady_s: Number, interval_s: Number, write_s: Number, restart_s: Number, mtbf_s: Number
) -> Number:
    """Mean time of a run with checkpoints and interruptions, whose intervals are exponential.

    >>> round(float(interrupted_time(1000.0, 10.0, 0.0, 0.0, 1e9)))
    1000
    """
    rounds = steady_s / interval_s
    return mtbf_s * np.exp(restart_s / mtbf_s) * np.expm1((interval_s + write_s) / mtbf_s) * rounds

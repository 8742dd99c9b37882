"""Interruptions of a run, and how often to write checkpoints for them."""

from __future__ import annotations

import numpy as np

from carbonscaling.formula import formula
from carbonscaling.perf.numbers import Number

__all__ = ["daly_interval"]


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

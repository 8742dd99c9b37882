"""Speculative decoding: tokens that a draft proposes and the model checks together."""

from __future__ import annotations

import numpy as np

from carbonscaling.arrays import Number
from carbonscaling.formula import formula

__all__ = ["gained_tokens"]


@formula(
    "(1 − acceptance^(proposed + 1))/(1 − acceptance)",
    unit="1",
    source="leviathan_2023",
    place="equation 1: each proposed token is kept with the same chance, until the first that is not",
)
def gained_tokens(acceptance: Number, proposed: Number) -> Number:
    """Mean tokens that a sequence gains a step: the accepted ones, and the one that the model gives itself.

    >>> round(float(gained_tokens(0.8, 5.0)), 2), float(gained_tokens(1.0, 3.0)), float(gained_tokens(0.5, 0.0))
    (3.69, 4.0, 1.0)
    """
    a = np.minimum(acceptance, 1.0 - 1e-12)
    return np.where(acceptance >= 1.0, proposed + 1.0, (1.0 - a ** (proposed + 1.0)) / (1.0 - a))

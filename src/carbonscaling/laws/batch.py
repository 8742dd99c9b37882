"""The critical batch size: how many sequences a step may take before more of them stop helping."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from carbonscaling.errors import InputError
from carbonscaling.laws.numbers import Reals, positive

__all__ = ["CriticalBatch", "critical_batch", "round_batch"]


def critical_batch(
    compute: Reals, n_experts: Reals, seq_len: Reals, exponent: float, anchor_compute: float, anchor_tokens: float
) -> Reals:
    """Critical batch b = E^0.5 (C / C_0)^p · T_0 / s, in sequences.

    Parameters
    ----------
    compute : float or array
        Training compute C, in FLOP.
    n_experts : float or array
        E of top-1 routing; 1 for a dense model.
    seq_len : float or array
        Sequence length s, in tokens.
    exponent : float
        p: 1/6, or 0.33 for the aggressive variant of DeepSeek LLM (arXiv 2401.02954, equation 1).
    anchor_compute, anchor_tokens : float
        C_0 in FLOP, and the dense batch T_0 in tokens there; both exponents share this point (ruling R3).

    References
    ----------
    CarbonScaling, arXiv 2508.06524v1, figure 2.

    >>> float(critical_batch(3e23, 1, 2048, 1 / 6, 3e23, 2048**2))
    2048.0
    """
    return np.sqrt(n_experts) * (compute / anchor_compute) ** exponent * anchor_tokens / seq_len


def round_batch(batch: float, tolerance: float = 0.05) -> int:
    """Return a whole batch near `batch` that many data-parallel degrees divide (ruling R6).

    Of all powers of two whose nearest multiple stays within `tolerance` of the value the largest is taken, so the
    result is divisible by at least the largest 2^k ≤ 2·tolerance·batch. Below ten sequences the nearest integer, at
    least 1, may be further off.

    >>> round_batch(2048.0), round_batch(1700.0), round_batch(6230.4)
    (2048, 1664, 6144)

    Raises
    ------
    InputError
        The batch is not positive, or the tolerance not between 0 and 1.
    """
    positive("batch", batch)
    if not 0 < tolerance < 1:
        raise InputError("the tolerance is a fraction", key="tolerance", value=tolerance, allowed="between 0 and 1")
    powers = 2.0 ** np.arange(53)
    multiples = powers * np.floor(batch / powers + 0.5)
    multiples[0] = np.maximum(multiples[0], 1.0)
    fits = np.abs(multiples / batch - 1) <= tolerance
    fits[0] = True
    return int(multiples[np.flatnonzero(fits)[-1]])


@dataclass(frozen=True)
class CriticalBatch:
    """A critical batch law with its exponent and its anchor.

    Attributes
    ----------
    exponent : float
    anchor_compute : float
        FLOP.
    anchor_tokens : float
        Tokens of a dense batch at the anchor.
    """

    exponent: float
    anchor_compute: float
    anchor_tokens: float

    def sequences(self, compute: Reals, n_experts: Reals = 1.0, seq_len: Reals = 2048.0) -> Reals:
        """Return the critical batch in sequences, not rounded.

        Raises
        ------
        InputError
            An argument is not positive.
        """
        positive("compute", compute)
        positive("n_experts", n_experts)
        positive("seq_len", seq_len)
        return critical_batch(compute, n_experts, seq_len, self.exponent, self.anchor_compute, self.anchor_tokens)

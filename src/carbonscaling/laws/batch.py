"""The critical batch size: how many sequences a step may take before more of them stop helping."""

from __future__ import annotations

from typing import Literal

import numpy as np

from carbonscaling.errors import InputError
from carbonscaling.formula import formula
from carbonscaling.laws.numbers import Reals, positive
from carbonscaling.record import dataclass

__all__ = [
    "BatchLaw",
    "BatchOverhead",
    "CriticalBatch",
    "critical_batch",
    "overhead_batch",
    "round_batch",
    "token_overhead",
]


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


@formula(
    "factor·tokens^exponent·max(1, n_params/active_params)^expert_exponent",
    unit="1",
    source="zhang_2024",
    place="figure 1, 20 % definition; experts: fitted on Step Law's open runs (arXiv 2503.04715)",
)
def overhead_batch(
    tokens: Reals, n_params: Reals, active_params: Reals, factor: float, exponent: float, expert_exponent: float
) -> Reals:
    """Batch B20, in tokens, that needs 20 % more tokens than a small one for the same loss; parameters hardly matter.

    Parameters
    ----------
    tokens : float or array
        Training tokens D.
    n_params, active_params : float or array
        All parameters, and those that a token passes.
    factor, exponent, expert_exponent : float

    >>> round(float(overhead_batch(1e11, 1e9, 1e9, 17.75, 0.47, 0.25)) / 1e6, 1)
    2.6
    """
    return factor * tokens**exponent * np.maximum(1.0, n_params / active_params) ** expert_exponent


@formula(
    "share·(batch/overhead_batch)^steepness",
    unit="1",
    source="step_law_2025",
    place="fitted on the open runs: rms 7.0 %, bias -0.8 % over 86 points",
)
def token_overhead(batch: Reals, overhead_batch: Reals, share: float, steepness: float) -> Reals:
    """Tokens that a batch needs beyond a small one's for the same loss, as a share of them.

    Parameters
    ----------
    batch, overhead_batch : float or array
        In the same unit.
    share : float
        Overhead at `overhead_batch`.
    steepness : float
    """
    return share * (batch / overhead_batch) ** steepness


@dataclass(frozen=True)
class BatchOverhead:
    """What a batch costs in tokens at equal loss.

    Attributes
    ----------
    factor, exponent, expert_exponent, share, steepness : float
        As in `overhead_batch` and `token_overhead`.
    low, high : float
        Ends of the range of batches that people choose from, as shares of the overhead batch.
    usual : float
        The batch, as such a share, that a number of tokens is meant for where nobody says.
    before : float
        Tokens a parameter that a model has seen when its training is continued.
    """

    factor: float
    exponent: float
    expert_exponent: float
    share: float
    steepness: float
    low: float
    high: float
    usual: float
    before: float

    def batch(self, tokens: Reals, n_params: Reals, active_params: Reals) -> Reals:
        """Return the overhead batch in tokens."""
        return overhead_batch(tokens, n_params, active_params, self.factor, self.exponent, self.expert_exponent)

    def ramp(self, batch: Reals, n_params: Reals, active_params: Reals) -> Reals:
        """Return the tokens of which a batch, in tokens, is the overhead batch: from there a ramp takes it within 20 %."""
        few = self.batch(1.0, n_params, active_params)
        return (batch / few) ** (1.0 / self.exponent)

    def tokens(self, tokens: Reals, batch: Reals, reference: Reals, overhead_batch: Reals) -> Reals:
        """Return the tokens that reach at `batch` the loss that `tokens` reach at `reference`; batches in one unit."""
        needs, meant = (token_overhead(b, overhead_batch, self.share, self.steepness) for b in (batch, reference))
        return tokens * (1.0 + needs) / (1.0 + meant)


@dataclass(frozen=True)
class BatchLaw:
    """A published power law of the batch, with its own definition of what it gives.

    Attributes
    ----------
    title, definition : str
        Where from, and what the batch is: an optimum, or where more tokens are needed than with a small batch.
    of : {"tokens", "compute", "params", "loss"}
        What it is a power of: D, 6·N·D in FLOP, N, or the loss in nats a token.
    factor, exponent : float
        Batch in tokens over that power.
    experts : float
        Exponent of routed experts over those that a token takes.
    """

    title: str
    definition: str
    of: Literal["tokens", "compute", "params", "loss"]
    factor: float
    exponent: float
    experts: float = 0.0

    def batch(self, tokens: Reals, compute: Reals, params: Reals, loss: Reals, experts: Reals = 1.0) -> Reals:
        """Return the batch in tokens of a training; `experts` are those of top-1 routing."""
        power = {"tokens": tokens, "compute": compute, "params": params, "loss": loss}[self.of]
        return self.factor * power**self.exponent * experts**self.experts

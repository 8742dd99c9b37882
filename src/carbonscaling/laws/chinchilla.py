"""The Chinchilla law, and the rule of a fixed number of tokens per parameter."""

from __future__ import annotations

import numpy as np

from carbonscaling.laws.numbers import Reals, finite, least_where, positive, reachable
from carbonscaling.laws.optimum import Optimum, ScalingLaw
from carbonscaling.laws.parametric import ParametricLaw
from carbonscaling.record import dataclass

__all__ = ["ChinchillaLaw", "TokensPerParam"]

FLOPS_PER_PAIR = 6.0
"""FLOP per parameter and token, forward and backward (Kaplan et al. 2020, section 2.1)."""


@dataclass(frozen=True)
class ChinchillaLaw(ParametricLaw):
    """L = E + A / N^alpha + B / D^beta under C = 6 N D, for dense models.

    N counts every parameter of the model, embeddings included (Hoffmann et al. 2022, appendix F).

    Attributes
    ----------
    irreducible : float
        E, in nats per token.
    a, alpha, b, beta : float
        Weights (nats) and exponents of the terms in parameters and in tokens.

    References
    ----------
    Hoffmann et al. 2022, arXiv 2203.15556, equations 2 and 4.
    """

    irreducible: float
    a: float
    alpha: float
    b: float
    beta: float

    @property
    def weight(self) -> float:
        """A."""
        return self.a

    @property
    def flops_per_pair(self) -> float:
        """6 FLOP per parameter and token."""
        return FLOPS_PER_PAIR


@dataclass(frozen=True)
class TokensPerParam:
    """A fixed ratio D = r N under C = 6 N D, with the loss of another law.

    Attributes
    ----------
    law : ScalingLaw
        Gives the loss.
    ratio : float
        Tokens per parameter. 20 is a reading of Hoffmann et al. 2022, table 3 (20.0 to 22.4); the paper does not
        state it as a rule.
    """

    law: ScalingLaw
    ratio: float

    @property
    def irreducible(self) -> float:
        """The irreducible loss of the law behind it."""
        return self.law.irreducible

    def loss(self, n_params: Reals, n_tokens: Reals) -> Reals:
        """Return the loss of the law behind it, at any ratio."""
        return self.law.loss(n_params, n_tokens)

    def optimum_for_compute(self, compute: Reals) -> Optimum:
        """Return the training of a budget in FLOP at this ratio: N = sqrt(C / 6 r).

        Raises
        ------
        InputError
            The budget is not positive.
        """
        positive("compute", compute)
        n_params = np.sqrt(compute / (FLOPS_PER_PAIR * self.ratio))
        n_tokens = self.ratio * n_params
        return Optimum(n_params, n_tokens, compute, self.loss(n_params, n_tokens))

    def optimum_for_loss(self, loss: Reals) -> Optimum:
        """Return the training at this ratio that reaches a loss.

        Raises
        ------
        InputError
            The loss is not above the irreducible loss, or needs more than 1e200 or less than 1 FLOP.
        """
        reachable(loss, self.irreducible)
        ends = self.optimum_for_compute(np.array([1e200, 1.0])).loss
        worst, best = np.max(ends), np.min(ends)
        inside = np.logical_and(np.asarray(loss) > best, np.asarray(loss) < worst)
        finite("compute", np.where(inside, 1.0, np.inf), "loss", loss)
        shape = np.ones_like(loss, dtype=float)
        compute = least_where(lambda c: self.optimum_for_compute(c).loss <= loss, shape, 1e200 * shape)
        return self.optimum_for_compute(compute)

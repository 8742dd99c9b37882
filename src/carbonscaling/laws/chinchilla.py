"""The Chinchilla law, and the rule of a fixed number of tokens per parameter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from carbonscaling.laws import powerlaw
from carbonscaling.laws.numbers import Reals, finite, least_where, positive, reachable
from carbonscaling.laws.optimum import Optimum, ScalingLaw

__all__ = ["ChinchillaLaw", "TokensPerParam"]

FLOPS_PER_PAIR = 6.0
"""FLOP per parameter and token, forward and backward (Kaplan et al. 2020, section 2.1)."""


@dataclass(frozen=True)
class ChinchillaLaw:
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

    def loss(self, n_params: Reals, n_tokens: Reals) -> Reals:
        """Return the loss of `n_params` parameters trained on `n_tokens` tokens.

        Raises
        ------
        InputError
            Either is not positive.
        """
        positive("n_params", n_params)
        positive("n_tokens", n_tokens)
        return powerlaw.parametric_loss(n_params, n_tokens, self.irreducible, self.a, self.alpha, self.b, self.beta)

    def optimum_for_compute(self, compute: Reals) -> Optimum:
        """Return the split of a budget in FLOP that minimises the loss.

        Raises
        ------
        InputError
            The budget is not positive.
        """
        positive("compute", compute)
        n_params = powerlaw.optimal_params(compute, FLOPS_PER_PAIR, self.a, self.alpha, self.b, self.beta)
        n_tokens = compute / (FLOPS_PER_PAIR * n_params)
        return Optimum(n_params, n_tokens, compute, self.loss(n_params, n_tokens))

    def optimum_for_loss(self, loss: Reals) -> Optimum:
        """Return the training that reaches a loss with the least compute.

        Raises
        ------
        InputError
            The loss is not above the irreducible loss.
        """
        reachable(loss, self.irreducible)
        compute = powerlaw.compute_at_optimum(
            loss, FLOPS_PER_PAIR, self.irreducible, self.a, self.alpha, self.b, self.beta
        )
        finite("compute", compute, "loss", loss)
        return self.optimum_for_compute(compute)


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

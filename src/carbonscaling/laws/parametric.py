"""What laws of the form L = E + w / N^alpha + B / D^beta under C = k N D have in common: loss and optimum."""

from __future__ import annotations

from abc import ABC, abstractmethod

from carbonscaling.laws import powerlaw
from carbonscaling.laws.numbers import Reals, finite, positive, reachable
from carbonscaling.laws.optimum import Optimum

__all__ = ["ParametricLaw"]


class ParametricLaw(ABC):
    """A law with two power terms.

    Attributes
    ----------
    irreducible : float
        E, in nats per token.
    alpha, b, beta : float
        Exponents, and weight (nats) of the term in tokens.

    References
    ----------
    Hoffmann et al. 2022, arXiv 2203.15556, equations 2 and 4.
    """

    irreducible: float
    alpha: float
    b: float
    beta: float

    @property
    @abstractmethod
    def weight(self) -> float:
        """Weight of the term in parameters, in nats."""

    @property
    @abstractmethod
    def flops_per_pair(self) -> float:
        """FLOP per (counted parameter, token)."""

    def loss(self, n_params: Reals, n_tokens: Reals) -> Reals:
        """Return the loss of `n_params` parameters trained on `n_tokens` tokens.

        Raises
        ------
        InputError
            Either is not positive.
        """
        positive("n_params", n_params)
        positive("n_tokens", n_tokens)
        return powerlaw.parametric_loss(
            n_params, n_tokens, self.irreducible, self.weight, self.alpha, self.b, self.beta
        )

    def optimum_for_compute(self, compute: Reals) -> Optimum:
        """Return the split of a budget in FLOP that minimises the loss.

        Raises
        ------
        InputError
            The budget is not positive.
        """
        positive("compute", compute)
        n_params = powerlaw.optimal_params(compute, self.flops_per_pair, self.weight, self.alpha, self.b, self.beta)
        n_tokens = compute / (self.flops_per_pair * n_params)
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
            loss, self.flops_per_pair, self.irreducible, self.weight, self.alpha, self.b, self.beta
        )
        finite("compute", compute, "loss", loss)
        return self.optimum_for_compute(compute)

"""What every scaling law answers: the loss of a training, and the best training for a budget or a loss."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from carbonscaling.laws.numbers import Reals
from carbonscaling.record import dataclass

__all__ = ["Optimum", "ScalingLaw"]


@dataclass(frozen=True)
class Optimum:
    """The training that a law recommends.

    Attributes
    ----------
    n_params : float or array
        Parameters N, counted as the law counts them (its docstring says how).
    n_tokens : float or array
        Training tokens D.
    compute : float or array
        Training compute C, in FLOP.
    loss : float or array
        The loss that the law predicts, in nats per token unless the law says otherwise.
    """

    n_params: Reals
    n_tokens: Reals
    compute: Reals
    loss: Reals


@runtime_checkable
class ScalingLaw(Protocol):
    """A published relation between parameters, tokens, compute and loss; takes floats and arrays alike."""

    @property
    def irreducible(self) -> float:
        """The loss that no amount of parameters and tokens undercuts."""
        ...

    def loss(self, n_params: Reals, n_tokens: Reals) -> Reals:
        """Return the loss after training `n_params` parameters on `n_tokens` tokens."""
        ...

    def optimum_for_compute(self, compute: Reals) -> Optimum:
        """Return the best use of a compute budget in FLOP."""
        ...

    def optimum_for_loss(self, loss: Reals) -> Optimum:
        """Return the training that reaches a loss with the least compute."""
        ...

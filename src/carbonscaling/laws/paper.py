"""The family of models that the CarbonScaling papers sweep, by width: an exact reading and one for a real run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from carbonscaling.errors import InputError
from carbonscaling.laws.batch import CriticalBatch, round_batch
from carbonscaling.laws.numbers import Reals, finite, least_where, positive, reachable
from carbonscaling.laws.optimum import Optimum, ScalingLaw
from carbonscaling.laws.paper_shape import (
    expert_count,
    ffn_params,
    layer_count,
    nearest_count,
    training_compute,
    width_of_params,
)
from carbonscaling.record import dataclass

__all__ = ["PaperFamily", "PaperModel"]

WIDEST = 1e30
"""Upper end of the search for a width; its parameters and compute are still representable."""


@dataclass(frozen=True)
class PaperModel:
    """One member of the family and its training; floats or arrays in the exact reading, whole in the integer one.

    Attributes
    ----------
    d_model, d_ff, n_experts, n_layers : number
        Widths, experts per layer (1: dense), layers.
    n_params, n_active : number
        All feed-forward parameters (ruling R2), and those that a token meets, N / E.
    n_tokens, compute : number
        Training tokens D, and compute C in FLOP.
    batch : number
        Critical batch in sequences of `seq_len` tokens.
    seq_len : int
    loss : number
        By the family's law.
    """

    d_model: Any
    d_ff: Any
    n_experts: Any
    n_layers: Any
    n_params: Any
    n_active: Any
    n_tokens: Any
    compute: Any
    batch: Any
    seq_len: int
    loss: Any


@dataclass(frozen=True)
class PaperFamily:
    """Models by width d: d_ff = 4 d, E ~ d, L ~ d^0.75, N = 2 d d_ff L E, D = 20 N, C = 6 N D / E.

    A `ScalingLaw` whose one degree of freedom is the width: an "optimum" is the member that spends a compute budget
    or reaches a loss, not a minimum over N and D.

    Attributes
    ----------
    dense_law, moe_law : ScalingLaw
        Loss of dense members and of those with experts (version 1: one law for both).
    layer_coefficient, layer_exponent : float
        Of L = c d^p (ruling R1).
    ffn_ratio : float
        d_ff / d.
    reference_width, reference_experts : float
        E = E_0 d / d_0.
    tokens_per_param : float
        D / N, with N the total parameter count.
    batch_law : CriticalBatch
    dense_below : float
        Members that would have fewer parameters than this are dense; 0 for version 1.
    seq_len : int

    References
    ----------
    CarbonScaling, arXiv 2508.06524v1, figure 2; its revision, sections 4.1 and 5.1.
    """

    dense_law: ScalingLaw
    moe_law: ScalingLaw
    layer_coefficient: float
    layer_exponent: float
    ffn_ratio: float
    reference_width: float
    reference_experts: float
    tokens_per_param: float
    batch_law: CriticalBatch
    dense_below: float = 0.0
    seq_len: int = 2048

    def exact(self, d_model: Reals) -> PaperModel:
        """Return the member of a width as the formulas give it, nothing rounded: the reading of the papers' sizes.

        Raises
        ------
        InputError
            The width is not positive.
        """
        positive("d_model", d_model)
        n_layers = layer_count(d_model, self.layer_coefficient, self.layer_exponent)
        n_experts = expert_count(d_model, self.reference_width, self.reference_experts)
        dense = ffn_params(d_model, self.ffn_ratio * d_model, n_layers, n_experts) < self.dense_below
        return self._train(d_model, n_layers, np.where(dense, 1.0, n_experts)[()])

    def integer(self, d_model: int, layer_multiple: int = 1) -> PaperModel:
        """Return the member of a width with whole layers, experts and batch, as a real run needs them (ruling R6).

        Parameters
        ----------
        d_model : int
        layer_multiple : int
            Layers round to the nearest multiple of this; 1 is the ruling.

        Raises
        ------
        InputError
            The width is not a positive whole number.
        """
        exact = self.exact(float(d_model))
        if d_model != int(d_model):
            raise InputError(
                "a real run needs a whole width",
                key="d_model",
                value=d_model,
                remedy="round it, to a multiple of 128 for instance",
            )
        d, d_ff = int(d_model), round(exact.d_ff)
        n_layers = int(nearest_count(exact.n_layers / layer_multiple)) * layer_multiple
        n_experts = int(nearest_count(exact.n_experts))
        run = self._train(float(d), float(n_layers), float(n_experts))
        n_active = 2 * d * d_ff * n_layers
        return replace(
            run,
            d_model=d,
            d_ff=d_ff,
            n_experts=n_experts,
            n_layers=n_layers,
            n_params=n_active * n_experts,
            n_active=n_active,
            n_tokens=round(run.n_tokens),
            batch=round_batch(run.batch),
        )

    def _train(self, d_model: Any, n_layers: Any, n_experts: Any) -> PaperModel:
        d_ff = self.ffn_ratio * d_model
        n_params = ffn_params(d_model, d_ff, n_layers, n_experts)
        n_tokens = self.tokens_per_param * n_params
        compute = training_compute(n_params, n_tokens, n_experts)
        return PaperModel(
            d_model=d_model,
            d_ff=d_ff,
            n_experts=n_experts,
            n_layers=n_layers,
            n_params=n_params,
            n_active=n_params / n_experts,
            n_tokens=n_tokens,
            compute=compute,
            batch=self.batch_law.sequences(compute, n_experts, self.seq_len),
            seq_len=self.seq_len,
            loss=self._choose(np.asarray(n_experts) <= 1.0, n_params, n_tokens),
        )

    def _choose(self, dense: Any, n_params: Reals, n_tokens: Reals) -> Any:
        return np.where(dense, self.dense_law.loss(n_params, n_tokens), self.moe_law.loss(n_params, n_tokens))[()]

    @property
    def irreducible(self) -> float:
        """The lower of the two laws' irreducible losses."""
        return min(self.dense_law.irreducible, self.moe_law.irreducible)

    def loss(self, n_params: Reals, n_tokens: Reals) -> Reals:
        """Return the loss of `n_params` feed-forward parameters on `n_tokens` tokens; dense below `dense_below`.

        Raises
        ------
        InputError
            Either is not positive.
        """
        return self._choose(np.asarray(n_params) < self.dense_below, n_params, n_tokens)  # type: ignore[no-any-return]

    def width_for_compute(self, compute: Reals) -> Reals:
        """Return the least width whose training takes `compute` FLOP, not rounded.

        Raises
        ------
        InputError
            No width takes so little or so much.
        """
        positive("compute", compute)
        return self._least_width(lambda m: np.asarray(m.compute) >= compute, "compute", compute)

    def width_for_loss(self, loss: Reals) -> Reals:
        """Return the least width that reaches `loss`, not rounded.

        In version 2 the loss rises where members stop being dense; a target in that gap gets the dense member.

        Raises
        ------
        InputError
            No width reaches it, or every width does.
        """
        reachable(loss, self.irreducible)
        return self._least_width(lambda m: np.asarray(m.loss) <= loss, "loss", loss)

    def optimum_for_compute(self, compute: Reals) -> Optimum:
        """Return the member that takes this much compute.

        Raises
        ------
        InputError
            As `width_for_compute`.
        """
        return self._optimum(self.width_for_compute(compute))

    def optimum_for_loss(self, loss: Reals) -> Optimum:
        """Return the smallest member that reaches a loss.

        Raises
        ------
        InputError
            As `width_for_loss`.
        """
        return self._optimum(self.width_for_loss(loss))

    def _optimum(self, d_model: Reals) -> Optimum:
        member = self.exact(d_model)
        return Optimum(member.n_params, member.n_tokens, member.compute, member.loss)

    def _least_width(self, reaches: Callable[[PaperModel], Any], key: str, target: Reals) -> Reals:
        shape = np.ones_like(target, dtype=float)
        one, widest = shape[()], (WIDEST * shape)[()]

        def wide_enough(d_model: Any) -> Any:
            return reaches(self.exact(d_model))

        inside = np.logical_and(wide_enough(widest), np.logical_not(wide_enough(one)))
        finite("width", np.where(inside, 1.0, np.inf), key, target)
        # Dense members and those with experts are each monotone in the width; between them the loss may jump.
        last_dense = np.maximum(1.0, self._width_without_rule(self.dense_below) * (1 - 1e-12)) * one
        dense = least_where(wide_enough, one, last_dense)
        moe = least_where(wide_enough, last_dense, widest)
        return np.where(wide_enough(last_dense), dense, moe)[()]  # type: ignore[no-any-return]

    def _width_without_rule(self, n_params: float) -> Reals:
        width_per_expert = self.reference_width / self.reference_experts
        return width_of_params(n_params, self.ffn_ratio, self.layer_coefficient, self.layer_exponent, width_per_expert)

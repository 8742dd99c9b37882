"""The formulas by which the CarbonScaling papers turn a model width into a model and its training."""

from __future__ import annotations

import numpy as np

from carbonscaling.laws.numbers import Reals

__all__ = ["expert_count", "ffn_params", "layer_count", "nearest_count", "training_compute", "width_of_params"]


def expert_count(d_model: Reals, reference_width: float, reference_experts: float) -> Reals:
    """Experts per layer, E = E_0 d / d_0 and at least 1; not rounded.

    Parameters
    ----------
    d_model : float or array
        Model width d.
    reference_width, reference_experts : float
        d_0 and E_0 of the model that sets the ratio (a GPT-4-like one: 12288 and 8).

    References
    ----------
    CarbonScaling, arXiv 2508.06524v1, figure 2.
    """
    return np.maximum(1.0, reference_experts * d_model / reference_width)


def layer_count(d_model: Reals, coefficient: float, exponent: float) -> Reals:
    """Layers L = c d^p; not rounded.

    Parameters
    ----------
    d_model : float or array
        Model width d.
    coefficient, exponent : float
        c and p. The paper prints c = 0.402 with p = 0.75; its own model sizes need c = 0.1618 (ruling R1).

    References
    ----------
    CarbonScaling, arXiv 2508.06524v1, figure 2.
    """
    return coefficient * d_model**exponent


def ffn_params(d_model: Reals, d_ff: Reals, n_layers: Reals, n_experts: Reals) -> Reals:
    """Parameters N = 2 d d_ff L E of the feed-forward blocks, all the papers count (ruling R2).

    References
    ----------
    CarbonScaling, arXiv 2508.06524v1, figure 2.
    """
    return 2.0 * d_model * d_ff * n_layers * n_experts


def width_of_params(
    n_params: Reals, ffn_ratio: float, coefficient: float, exponent: float, width_per_expert: float
) -> Reals:
    """Width at which the family has N parameters when experts follow the width: `ffn_params` inverted.

    N is the larger of c d^(p+2) (one expert) and c d^(p+3) / w (more), with c = 2 · ffn_ratio · coefficient, so d is
    the smaller of their inverses.

    Parameters
    ----------
    n_params : float or array
        N.
    ffn_ratio, coefficient, exponent : float
        d_ff / d; c and p of `layer_count`.
    width_per_expert : float
        w = d_0 / E_0 of `expert_count`.
    """
    scaled = n_params / (2.0 * ffn_ratio * coefficient)
    few, many = scaled ** (1 / (2 + exponent)), (scaled * width_per_expert) ** (1 / (3 + exponent))
    return np.minimum(few, many)


def training_compute(n_params: Reals, n_tokens: Reals, n_experts: Reals) -> Reals:
    """Training compute C = 6 N D / E in FLOP: a token visits one expert of E.

    References
    ----------
    CarbonScaling, arXiv 2508.06524v1, figure 2.
    """
    return 6.0 * n_params * n_tokens / n_experts


def nearest_count(value: Reals) -> Reals:
    """Nearest integer, halves upwards, at least 1 (ruling R6).

    >>> float(nearest_count(2.5)), float(nearest_count(0.2))
    (3.0, 1.0)
    """
    return np.maximum(1.0, np.floor(value + 0.5))

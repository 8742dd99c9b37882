"""A loss that is a sum of two power laws, and its compute-optimal split in closed form (Hoffmann et al. 2022)."""

from __future__ import annotations

import numpy as np

from carbonscaling.laws.numbers import Reals

__all__ = [
    "allocation_exponent",
    "allocation_scale",
    "compute_at_optimum",
    "optimal_params",
    "parametric_loss",
]


def parametric_loss(
    n_params: Reals, n_tokens: Reals, irreducible: float, a: float, alpha: float, b: float, beta: float
) -> Reals:
    """Loss L = E + A / N^alpha + B / D^beta.

    Parameters
    ----------
    n_params, n_tokens : float or array
        Parameters N and training tokens D.
    irreducible : float
        E, the entropy of the text, in nats per token.
    a, alpha : float
        Weight (nats) and exponent of what a finite model costs.
    b, beta : float
        Weight (nats) and exponent of what finite data cost.

    References
    ----------
    Hoffmann et al. 2022, arXiv 2203.15556, equation 2.

    >>> round(parametric_loss(70e9, 1.4e12, 1.69, 406.4, 0.34, 410.7, 0.28), 4)
    1.9366
    """
    return irreducible + a / n_params**alpha + b / n_tokens**beta


def allocation_exponent(alpha: float, beta: float) -> float:
    """Exponent a of N_opt ~ C^a: beta / (alpha + beta); tokens take 1 - a.

    References
    ----------
    Hoffmann et al. 2022, arXiv 2203.15556, equation 4.
    """
    return beta / (alpha + beta)


def allocation_scale(a: float, alpha: float, b: float, beta: float) -> float:
    """Scale G = (alpha A / (beta B))^(1 / (alpha + beta)) of the compute-optimal split.

    References
    ----------
    Hoffmann et al. 2022, arXiv 2203.15556, equation 4.
    """
    return float((alpha * a / (beta * b)) ** (1 / (alpha + beta)))


def optimal_params(compute: Reals, flops_per_pair: float, a: float, alpha: float, b: float, beta: float) -> Reals:
    """Parameters that minimise the loss under C = k N D: N_opt = G (C / k)^(beta / (alpha + beta)).

    Parameters
    ----------
    compute : float or array
        Budget C in FLOP.
    flops_per_pair : float
        k, FLOP per (counted parameter, token): 6 for a dense model, 6 times the active share for experts.
    a, alpha, b, beta : float
        As in `parametric_loss`.

    References
    ----------
    Hoffmann et al. 2022, arXiv 2203.15556, equation 4 (there k = 6).
    """
    return allocation_scale(a, alpha, b, beta) * (compute / flops_per_pair) ** allocation_exponent(alpha, beta)


def compute_at_optimum(
    loss: Reals, flops_per_pair: float, irreducible: float, a: float, alpha: float, b: float, beta: float
) -> Reals:
    """Least compute in FLOP that reaches a loss above E: L = E + K (C / k)^-g inverted, with g = alpha beta / (alpha + beta).

    K = (1 + alpha / beta) A G^-alpha follows from inserting equation 4 of Hoffmann et al. 2022 into equation 2; the
    parameters are those of `optimal_params`. Infinite, without a warning, where the answer exceeds the floating-point range.
    """
    k = (1 + alpha / beta) * a * allocation_scale(a, alpha, b, beta) ** -alpha
    with np.errstate(over="ignore"):
        least: Reals = flops_per_pair * np.power(k / (loss - irreducible), (alpha + beta) / (alpha * beta))
    return least

"""The laws of Kaplan et al. 2020."""

from __future__ import annotations

import numpy as np

from carbonscaling.laws.numbers import Reals, finite, positive, reachable
from carbonscaling.laws.optimum import Optimum
from carbonscaling.record import dataclass
from carbonscaling.units import DAY

__all__ = ["PF_DAY", "KaplanLaw", "joint_loss", "single_loss"]

PF_DAY = 1e15 * DAY
"""One petaFLOP/s for a day, in FLOP (Kaplan et al. 2020, section 1.3)."""


def single_loss(quantity: Reals, scale: float, exponent: float) -> Reals:
    """Loss (X_c / X)^alpha where one quantity X is all that limits the training, in nats per token.

    References
    ----------
    Kaplan et al. 2020, arXiv 2001.08361, equations 1.1 (parameters), 1.2 (tokens) and 1.3 (compute).
    """
    return (scale / quantity) ** exponent


def joint_loss(
    n_params: Reals, n_tokens: Reals, params_scale: float, alpha_n: float, tokens_scale: float, alpha_d: float
) -> Reals:
    """Early-stopped loss ((N_c / N)^(alpha_N / alpha_D) + D_c / D)^alpha_D, in nats per token.

    Parameters
    ----------
    n_params : float or array
        Parameters N without embeddings.
    n_tokens : float or array
        Distinct tokens D of the data set.
    params_scale, tokens_scale : float
        N_c and D_c.
    alpha_n, alpha_d : float

    References
    ----------
    Kaplan et al. 2020, arXiv 2001.08361, equation 1.5 with the fit of table 2.
    """
    return ((params_scale / n_params) ** (alpha_n / alpha_d) + tokens_scale / n_tokens) ** alpha_d


@dataclass(frozen=True)
class KaplanLaw:
    """Joint loss, and the compute-efficient frontier N ~ C^0.73, of Kaplan et al. 2020.

    N leaves out embeddings. Compute is C_min = 6 N D, spent far below the critical batch size; training *at* the
    critical batch size costs twice that (section 5.1). The frontier and its loss (equation 1.3, table 6) were fitted
    to learning curves, the joint loss to early-stopped runs that repeat their data: so the loss of an optimum is not
    `loss` of its parameters and tokens, and no optimum of `loss`.

    Attributes
    ----------
    params_scale, alpha_n, tokens_scale, alpha_d : float
        The joint fit, table 2.
    params_scale_alone, alpha_n_alone : float
        The fit in parameters alone, equation 1.1.
    compute_scale_pf_days, alpha_c : float
        The fit in compute, equation 1.3; in PF-days.
    params_at_pf_day, params_exponent : float
        N_opt = params_at_pf_day · (C / PF-day)^params_exponent, table 6.
    """

    params_scale: float
    alpha_n: float
    tokens_scale: float
    alpha_d: float
    params_scale_alone: float
    alpha_n_alone: float
    compute_scale_pf_days: float
    alpha_c: float
    params_at_pf_day: float
    params_exponent: float

    @property
    def irreducible(self) -> float:
        """Zero: the paper saw no floor, and says that there must be one."""
        return 0.0

    def loss(self, n_params: Reals, n_tokens: Reals) -> Reals:
        """Return the early-stopped loss, equation 1.5.

        Raises
        ------
        InputError
            Either is not positive.
        """
        positive("n_params", n_params)
        positive("n_tokens", n_tokens)
        return joint_loss(n_params, n_tokens, self.params_scale, self.alpha_n, self.tokens_scale, self.alpha_d)

    def optimum_for_compute(self, compute: Reals) -> Optimum:
        """Return the compute-efficient training of a budget in FLOP.

        Raises
        ------
        InputError
            The budget is not positive.
        """
        positive("compute", compute)
        n_params = self.params_at_pf_day * (compute / PF_DAY) ** self.params_exponent
        loss = single_loss(compute, self.compute_scale_pf_days * PF_DAY, self.alpha_c)
        return Optimum(n_params, compute / (6 * n_params), compute, loss)

    def optimum_for_loss(self, loss: Reals) -> Optimum:
        """Return the compute-efficient training that reaches a loss (equation 1.3 inverted).

        Raises
        ------
        InputError
            The loss is not positive.
        """
        reachable(loss, self.irreducible)
        with np.errstate(over="ignore", under="ignore", divide="ignore"):
            compute = self.compute_scale_pf_days * PF_DAY * np.power(loss, -1 / self.alpha_c)
        finite("compute", compute, "loss", loss)
        return self.optimum_for_compute(compute)

"""The law of fine-grained mixtures of experts (Krajewski, Ludziejewski et al. 2024)."""

from __future__ import annotations

from carbonscaling.laws.numbers import Reals, positive
from carbonscaling.laws.parametric import ParametricLaw
from carbonscaling.record import dataclass

__all__ = ["MoeLaw", "active_share", "granular_weight", "routed_compute"]


def granular_weight(granularity: Reals, a: float, g: float, gamma: float) -> Reals:
    """Weight g / G^gamma + a of the term in parameters, in nats.

    Parameters
    ----------
    granularity : float or array
        G = d_ff / d_expert: into how many parts a feed-forward block is cut to make one expert, and how many experts
        a token then visits. 1 is the ordinary expert.
    a, g, gamma : float
        Fitted.

    References
    ----------
    Krajewski, Ludziejewski et al. 2024, arXiv 2402.07871, equation 9.
    """
    return g / granularity**gamma + a


def active_share(expansion: Reals) -> Reals:
    """Active over total parameters of the fitted architecture, 12 / (8 E + 4); neither counts embeddings or router.

    Parameters
    ----------
    expansion : float or array
        E: parameters of all experts over those of one dense feed-forward block.

    References
    ----------
    Krajewski, Ludziejewski et al. 2024, arXiv 2402.07871, section 6.1.
    """
    return 12 / (8 * expansion + 4)


def routed_compute(
    d_model: Reals, n_blocks: Reals, n_tokens: Reals, expansion: Reals, granularity: Reals, router_flops: float = 14.0
) -> Reals:
    """Training compute with the router, (12 d² c_f + d E G c_r) D n_blocks, in FLOP.

    Parameters
    ----------
    d_model, n_blocks, n_tokens, expansion, granularity : float or array
    router_flops : float
        c_r, FLOP per router parameter and token; c_f = 6 for the rest.

    References
    ----------
    Krajewski, Ludziejewski et al. 2024, arXiv 2402.07871, equation 10 and appendix E.
    """
    return (12 * d_model**2 * 6.0 + d_model * expansion * granularity * router_flops) * n_tokens * n_blocks


@dataclass(frozen=True)
class MoeLaw(ParametricLaw):
    """L = c + (g / G^gamma + a) / N^alpha + b / D^beta under C = 6 s N D.

    N counts *all* parameters except embeddings, idle experts included; a share s of them is active for a token. The
    optimum holds G and s, and leaves out the router's own compute: with it (`routed_compute`) a larger G costs more,
    and the paper finds G rising from 8 to 64 between 3e18 and 5e25 FLOP.

    Attributes
    ----------
    irreducible : float
        c, in nats per token.
    a, alpha, b, beta, g, gamma : float
        Fitted weights (nats) and exponents.
    granularity : float
        G.
    active_share : float
        s; see `active_share`. The fit is for E = 64.

    References
    ----------
    Krajewski, Ludziejewski et al. 2024, arXiv 2402.07871, equation 9 and table 1.
    """

    irreducible: float
    a: float
    alpha: float
    b: float
    beta: float
    g: float
    gamma: float
    granularity: float = 1.0
    active_share: float = 12 / 516

    def __post_init__(self) -> None:
        """Refuse a granularity or a share that is not positive."""
        positive("granularity", self.granularity)
        positive("active_share", self.active_share)

    @property
    def flops_per_pair(self) -> float:
        """FLOP per (counted parameter, token)."""
        return 6 * self.active_share

    @property
    def weight(self) -> float:
        """Weight of the term in parameters at this granularity, in nats."""
        return float(granular_weight(self.granularity, self.a, self.g, self.gamma))

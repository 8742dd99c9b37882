"""The best utilisation that anybody published for a device and a model of this size, beside an answer's own."""

from __future__ import annotations

from functools import lru_cache

from carbonscaling.evidence.published import published_speeds
from carbonscaling.record import dataclass

__all__ = ["BestRun", "best_run"]

ALIKE = 2.0
"""Models within this factor of active parameters are of one size."""


@dataclass(frozen=True)
class BestRun:
    """The fastest published training configuration of a device, kind of model and size.

    Attributes
    ----------
    id, source, model : str
        Row of the shipped measurements (``carbonscaling data show runs``), and what it says.
    n_devices : int
        0 where the source does not say.
    active_params : float
    model_flops : float
        Model FLOP/s of a device, attention counted over the causal half.
    n_alike : int
        Configurations of this device, kind of model, size and number format that were compared.
    """

    id: str
    source: str
    model: str
    n_devices: int
    active_params: float
    model_flops: float
    n_alike: int = 1

    @property
    def named(self) -> str:
        """The model, and on how many devices where that is known."""
        return f"{self.model} on {self.n_devices:,} devices" if self.n_devices else self.model

    def mfu(self, peak: float) -> float:
        """Return the share of a device's peak FLOP/s."""
        return self.model_flops / peak


@lru_cache(maxsize=256)
def best_run(
    device: str, active_params: float | None = None, *, low_bits: bool = False, experts: bool = False
) -> BestRun | None:
    """Return the best published configuration of a device, kind and size; None where nobody published one.

    Parameters
    ----------
    device : str
        Catalogue id.
    active_params : float, optional
        Parameters that a token passes; models within a factor of two count. Models of any size if not given.
    low_bits : bool
        Matrices multiplied in 8 bits rather than in 16.
    experts : bool
        Mixtures of experts alone, rather than dense models alone.
    """
    alike = [
        run
        for run in published_speeds(device, low_bits=low_bits, experts=experts)
        if active_params is None or active_params / ALIKE <= run.active_params <= active_params * ALIKE
    ]
    if not alike:
        return None
    best = max(alike, key=lambda run: run.model_flops)
    return BestRun(best.id, best.source, best.model, best.n_devices, best.active_params, best.model_flops, len(alike))

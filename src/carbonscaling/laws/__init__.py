"""What to train: scaling laws that tie parameters, tokens and compute to a loss, and the critical batch size.

Formulas and dataclasses only; the published coefficients are rows of the catalogue (`carbonscaling.catalog.laws`).
"""

from carbonscaling.laws.batch import BatchLaw, BatchOverhead, CriticalBatch, critical_batch, round_batch
from carbonscaling.laws.chinchilla import ChinchillaLaw, TokensPerParam
from carbonscaling.laws.kaplan import KaplanLaw
from carbonscaling.laws.moe import MoeLaw, active_share, routed_compute
from carbonscaling.laws.optimum import Optimum, ScalingLaw
from carbonscaling.laws.paper import PaperFamily, PaperModel

__all__ = [
    "BatchLaw",
    "BatchOverhead",
    "ChinchillaLaw",
    "CriticalBatch",
    "KaplanLaw",
    "MoeLaw",
    "Optimum",
    "PaperFamily",
    "PaperModel",
    "ScalingLaw",
    "TokensPerParam",
    "active_share",
    "critical_batch",
    "round_batch",
    "routed_compute",
]

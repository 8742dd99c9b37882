"""Members of the papers' model family as real runs take them: whole layers, experts and batches."""

from __future__ import annotations

from functools import lru_cache

from carbonscaling.catalog import laws
from carbonscaling.laws.paper import PaperModel

__all__ = ["batch_of", "member"]

TOLERANCE = 0.05
"""Most that a batch may lie off its law."""


@lru_cache(maxsize=256)
def member(version: str, d_model: int, layer_multiple: int = 1) -> PaperModel:
    """Return the model family's member of a width as a real run takes it, with whole layers and experts."""
    return laws.paper_family(version).integer(d_model, layer_multiple)


def batch_of(version: str, d_model: int, aggressive: bool = False) -> int:
    """Return the critical batch in sequences as a real run takes it.

    A multiple of E·2^k with the largest k that stays within 5 % of the law; ruling R6.
    """
    law, model = laws.critical_batch_law("aggressive" if aggressive else "chinchilla"), member(version, d_model)
    exact = float(law.sequences(model.compute, model.n_experts, model.seq_len))
    unit = int(model.n_experts)
    while abs(round(exact / (2 * unit)) * 2 * unit / exact - 1.0) <= TOLERANCE:
        unit *= 2
    return max(1, round(exact / unit)) * unit

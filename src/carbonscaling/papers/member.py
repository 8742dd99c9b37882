"""Members of the papers' model family as real runs take them: whole layers, experts and batches."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from carbonscaling.catalog import laws
from carbonscaling.laws.paper import PaperModel
from carbonscaling.model.from_law import paper_family_spec
from carbonscaling.perf.build import workload
from carbonscaling.study.resolve import Resolved

__all__ = ["batch_of", "member", "with_layers"]

TOLERANCE = 0.05
"""Most that a batch may lie off its law."""


@lru_cache(maxsize=256)
def member(version: str, d_model: int, layer_multiple: int = 1) -> PaperModel:
    """Return the model family's member of a width as a real run takes it, with whole layers and experts."""
    return laws.paper_family(version).integer(d_model, layer_multiple)


def batch_of(version: str, d_model: int, aggressive: bool = False, multiple: int = 1, layer_multiple: int = 1) -> int:
    """Return the critical batch in sequences as a real run takes it.

    A multiple of E·2^k (and of `multiple`) with the largest k that stays within 5 % of the law; ruling R6.
    """
    law = "aggressive" if aggressive else "chinchilla"
    model = laws.paper_family(version, batch=law).integer(d_model, layer_multiple)
    exact = float(laws.critical_batch_law(law).sequences(model.compute, model.n_experts, model.seq_len))
    unit = int(model.n_experts) * multiple
    while abs(round(exact / (2 * unit)) * 2 * unit / exact - 1.0) <= TOLERANCE:
        unit *= 2
    return max(1, round(exact / unit)) * unit


def with_layers(r: Resolved, model: PaperModel) -> Resolved:
    """Return a training of another member of the same width."""
    spec = paper_family_spec(model.d_model, model.d_ff, model.n_layers, model.n_experts, r.seq_len)
    setup = replace(r.setup, subject=replace(r.setup.subject, spec=spec), work=workload(spec, r.seq_len))
    return replace(
        r, setup=setup, tokens=float(model.n_tokens), loss=float(model.loss), compute=float(model.compute)
    )  # fmt: skip

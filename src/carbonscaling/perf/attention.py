"""Scores, softmax and context: fused kernels, and the explicit ones of older stacks."""

from __future__ import annotations

from carbonscaling.formula import formula
from carbonscaling.perf.numbers import Number

__all__ = ["explicit_softmax_bytes", "score_flops"]


@formula(
    "2·tokens·span·(d_query + d_context)", unit="FLOP", source="dao_2023", place="section 3.1; causal halves the span"
)
def score_flops(tokens: Number, span: Number, d_query: Number, d_context: Number) -> Number:
    """FLOPs of scores and context for `tokens` queries that each see `span` keys.

    Parameters
    ----------
    d_query, d_context : summed widths of the query heads and of the value heads on this device.
    """
    return 2.0 * tokens * span * (d_query + d_context)


@formula(
    "11·tokens·seq_len·n_heads",
    unit="B",
    source="korthikanti_2022",
    place="section 4.1: 5·a·s²·b kept, and its traffic",
)
def explicit_softmax_bytes(tokens: Number, seq_len: Number, n_heads: Number) -> Number:
    """HBM traffic of an unfused softmax and dropout: scores written, read, normalised, masked and read again.

    Two bytes a score written by the first product, read and written by the softmax, read and written by the dropout
    with a one-byte mask: 11 bytes a score.
    """
    return 11.0 * tokens * seq_len * n_heads

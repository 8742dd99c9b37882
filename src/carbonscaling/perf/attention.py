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
    "(9 + 2·backward)·tokens·seq_len·n_heads",
    unit="B",
    source="korthikanti_2022",
    place="section 4.1: 5·a·s²·b kept, and its traffic",
)
def explicit_softmax_bytes(tokens: Number, seq_len: Number, n_heads: Number, backward: Number) -> Number:
    """HBM traffic of a softmax and dropout between two products, each a streaming kernel of its own; `backward` is 0 or 1.

    Forward, in bytes a score: 4 read and written by the softmax, 5 by the dropout with its one-byte mask. Backward: 5 by
    the dropout, and 6 by the softmax, which reads its gradient and its result. The products' own traffic is theirs.
    """
    return (9.0 + 2.0 * backward) * tokens * seq_len * n_heads

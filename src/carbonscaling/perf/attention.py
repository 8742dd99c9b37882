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
    "(8 + backward + (10 + backward)·separate)·tokens·seq_len·n_heads",
    unit="B",
    source="megatron_softmax",
    place="reads stop at the diagonal, writes do not; its dropout and the operations it replaces are PyTorch's",
)
def explicit_softmax_bytes(
    tokens: Number, seq_len: Number, n_heads: Number, backward: Number, separate: Number
) -> Number:
    """HBM traffic of a causal softmax and dropout between two products; `backward` is 0 or 1.

    Fused with its scale and mask, in bytes a score: forward 3 (half of them read, all written) and 5 for the dropout with
    its one-byte mask; backward 5 for the dropout and 4, half of the gradients and of the results read. XLA, which drops
    nothing, takes 8 and 10: passes for maximum, sum and quotient, then for the sum of the products and the gradient. The
    products' own traffic is theirs.

    Parameters
    ----------
    separate : 1 where scale, mask and softmax are kernels of their own: 4, 5 (with a one-byte mask) and 4 forward, 4, 5
        and 6 backward.
    """
    return (8.0 + backward + (10.0 + backward) * separate) * tokens * seq_len * n_heads

"""Bytes of activations a layer keeps for the backward pass.

The formulas of Korthikanti et al. 2022 (arXiv 2205.05198), section 4, split by what tensor parallelism divides, so that
the gated and grouped-query forms are the same formula. Two bytes an element (bf16); every argument may be an array.

Stored once per rank unless sequence parallelism divides it ("outer"): inputs of the two norms and of the two blocks.
Always divided by the tensor-parallel degree ("inner"): queries, keys, values, the attention result, the feed-forward
block's hidden elements. The score matrix is kept only without flash attention and without selective recomputation.
Left out: flash attention's log-sum-exp (4 bytes a head and token, under 0.2 % of the rest), query/key norms, router
scores, and the loss.
"""

from __future__ import annotations

import numpy as np

from carbonscaling.arrays import Number, Truth
from carbonscaling.model.spec import ModelSpec

__all__ = ["FULL", "NONE", "SELECTIVE", "dense_layer_bytes", "inner_width", "layer_bytes", "moe_layer_bytes"]
__all__ += ["outer_width", "spec_layer_bytes"]

NONE, SELECTIVE, FULL = 0, 1, 2
"""Recomputation codes."""


def layer_bytes(
    s: Number,
    b: Number,
    h: Number,
    t: Number,
    sp: Number | Truth,
    outer: Number,
    inner: Number,
    n_heads: Number,
    flash: Number | Truth,
    recompute: Number,
    dropout: Number = 0,
) -> Number:
    """Return the activation bytes one layer stores for one micro-batch on one rank.

    Parameters
    ----------
    s, b, h : float or array
        Sequence length in tokens, sequences in the micro-batch, model width.
    t : int or array
        Tensor-parallel degree.
    sp : bool or array
        Sequence parallelism over the same ranks.
    outer, inner : float or array
        Elements a token stores, outside and inside the tensor-parallel blocks (`outer_width`, `inner_width`).
    n_heads : int or array
        Query heads.
    flash : bool or array
        No score matrix is stored.
    recompute : int or array
        0 none, 1 selective (the score matrix again), 2 full (the layer's input alone is kept).
    dropout : bool or array
        Dropout on scores and both residuals, as in the GPT models (one mask byte each).

    Returns
    -------
    float or array
        Bytes. With t = 1, dropout, no flash: ``sbh(34 + 5as/h)`` (eq. 1) for a GPT layer.
    """
    divide = np.where(sp, t, 1)
    kept = (2.0 * outer + 2.0 * dropout * h) / divide + 2.0 * inner / t
    scores = np.where(flash, 0.0, (2.0 + 3.0 * dropout) * n_heads * s / t)
    stored = kept + np.where(np.equal(recompute, NONE), scores, 0.0)
    return s * b * np.where(np.equal(recompute, FULL), 2.0 * h / divide, stored)


def dense_layer_bytes(
    s: Number,
    b: Number,
    h: Number,
    t: Number,
    sp: Number | Truth,
    r: Number,
    f: Number,
    gated: Number | Truth,
    flash: Number | Truth,
    n_heads: Number,
    recompute: Number,
    dropout: Number = 0,
) -> Number:
    """Return the activation bytes of a dense layer whose heads together are as wide as the model.

    Parameters
    ----------
    r : float or array
        Key/value heads per query head.
    f : float or array
        Inner feed-forward width over model width, d_ff/h.
    gated : bool or array
        Gated block: three inner tensors (gate, up, product) instead of two.

    The other arguments are those of `layer_bytes`.

    Returns
    -------
    float or array
        Bytes: with flash and sequence parallelism ``sbh(12 + 4r + 6f)/t`` for SwiGLU with grouped queries, and
        ``34sbh/t`` for a GPT layer with dropout (Korthikanti et al., eq. 6).

    >>> float(dense_layer_bytes(2048, 1, 12288, 8, True, 1, 4, False, True, 96, 0, dropout=1)) / (2048 * 12288)
    4.25
    """
    inner = h * (2.0 + 2.0 * r + f * np.where(gated, 3.0, 2.0))
    return layer_bytes(s, b, h, t, sp, 4.0 * h, inner, n_heads, flash, recompute, dropout)


def moe_layer_bytes(
    s: Number,
    b: Number,
    h: Number,
    t: Number,
    sp: Number | Truth,
    r: Number,
    f_expert: Number,
    top_k: Number,
    f_shared: Number,
    gated: Number | Truth,
    flash: Number | Truth,
    n_heads: Number,
    recompute: Number,
    imbalance: Number = 1.0,
) -> Number:
    """Return the activation bytes of a mixture-of-experts layer with its dispatch buffers.

    As `dense_layer_bytes`, with ``f = top_k·f_expert + f_shared`` and ``4·top_k·sbh`` bytes for the tokens sent to the
    experts and their results.

    Parameters
    ----------
    f_expert, f_shared : float or array
        Inner width of one routed expert, and of the shared experts together, over h.
    top_k : int or array
        Routed experts a token visits.
    imbalance : float or array
        Tokens on the fullest expert-parallel rank over the mean.

    The other arguments are those of `layer_bytes` and `dense_layer_bytes`.
    """
    routed = top_k * imbalance
    inner = h * (2.0 + 2.0 * r + (routed * f_expert + f_shared) * np.where(gated, 3.0, 2.0))
    return layer_bytes(s, b, h, t, sp, (4.0 + 2.0 * routed) * h, inner, n_heads, flash, recompute)


def outer_width(spec: ModelSpec, moe: bool, imbalance: float = 1.0) -> float:
    """Elements a token stores outside the tensor-parallel blocks of a layer.

    Inputs of both norms and both blocks, 4d (2d where attention and feed-forward share them); MLA's latents before and
    after their norms; for experts the tokens sent and returned, 2·top_k·d.
    """
    a, e, d = spec.attention, spec.experts, spec.d_model
    blocks = 1 if spec.parallel_block or a is None else 2
    latent = 0 if a is None or a.kv_lora_rank is None else 2 * ((a.q_lora_rank or 0) + a.kv_lora_rank) + a.rope_head_dim
    dispatch = 2.0 * e.top_k * imbalance * d if moe and e is not None else 0.0
    return 2.0 * blocks * d + latent + dispatch


def inner_width(spec: ModelSpec, moe: bool, imbalance: float = 1.0) -> float:
    """Elements a token stores inside the tensor-parallel blocks: queries, keys, values, result, feed-forward."""
    a, e = spec.attention, spec.experts
    heads = 0 if a is None else a.n_heads * (a.d_query_key + a.d_value) + a.kv_width
    if moe and e is not None:
        return heads + e.n_matrices * (e.top_k * imbalance * e.d_ff + e.d_ff_shared)
    return float(heads + spec.ffn.n_matrices * spec.ffn.d_ff)


def spec_layer_bytes(
    spec: ModelSpec,
    s: Number,
    b: Number = 1,
    t: Number = 1,
    sp: Number | Truth = False,
    *,
    moe: bool | None = None,
    flash: Number | Truth = True,
    recompute: Number = NONE,
    imbalance: float = 1.0,
) -> Number:
    """Return the activation bytes of one layer of `spec`, real head widths, latents and experts counted.

    Parameters
    ----------
    spec : ModelSpec
    s, b, t, sp, flash, recompute
        As in `layer_bytes`.
    moe : bool, optional
        The mixture-of-experts layer rather than the dense one; by default whether the model has any.
    imbalance : float
        As in `moe_layer_bytes`.
    """
    with_experts = spec.experts is not None if moe is None else moe
    outer, inner = outer_width(spec, with_experts, imbalance), inner_width(spec, with_experts, imbalance)
    n_heads = 0 if spec.attention is None else spec.attention.n_heads
    return layer_bytes(s, b, spec.d_model, t, sp, outer, inner, n_heads, flash, recompute)

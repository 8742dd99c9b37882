"""Bytes of activations a layer keeps for the backward pass.

The formulas of Korthikanti et al. 2022 (arXiv 2205.05198), section 4, split by what tensor parallelism divides, so that
the gated and grouped-query forms are the same formula. Two bytes an element (bf16); every argument may be an array.

Stored once per rank unless sequence parallelism divides it ("outer"): inputs of the norms and of the blocks.
Always divided by the tensor-parallel degree ("inner"): queries, keys, values, the attention result, the feed-forward
block's hidden elements. The score matrix is kept only without flash attention and without selective recomputation.
Left out: flash attention's log-sum-exp (4 bytes a head and token, under 0.2 % of the rest), query/key norms, router
scores, and the loss.
"""

from __future__ import annotations

import numpy as np

from carbonscaling.arrays import Number, Truth
from carbonscaling.hints import NamedTuple
from carbonscaling.perf.numbers import Recompute, Workload

__all__ = ["KeptWidths", "kept_by_kind", "kept_widths", "layer_bytes"]


class KeptWidths(NamedTuple):
    """Elements that a token of the mean layer stores outside and inside the tensor-parallel blocks.

    `outer_least` and `inner_least` are those that selective recomputation with flash attention leaves: without the outputs
    of norms and activation functions, expert results, and what MLA's up-projections make (Korthikanti et al., section 5).
    `inner_second` are those where it repeats every second product too: of queries, keys, values, output, gate, input and
    result of the feed-forward block the first, third, fifth and seventh stay, the last of them outside. `gates` are activated
    gates, which stay beside where activation and product are two operations. `sent` and `hidden`, tokens at their experts and
    hidden elements, go where feed-forward blocks are recomputed whole.
    """

    outer: Number
    inner: Number
    outer_least: Number
    inner_least: Number
    inner_second: Number
    gates: Number
    sent: Number
    hidden: Number


def kept_widths(work: Workload, imbalance: Number = 1.0, t: Number = 1.0) -> KeptWidths:
    """Return what the mean layer stores of a token.

    Inputs of both norms and both blocks are 4 widths, 2 where attention and feed-forward share them; MLA adds its latents
    before and after their norms, experts the tokens sent and returned. Bare blocks leave out the inputs of their products.

    Parameters
    ----------
    imbalance : float or array
        Tokens on the fullest expert-parallel rank over the mean.
    t : int or array
        Tensor-parallel degree; MLA's latents, which nothing divides, count as that many inside.
    """
    moe, attended = work.moe, work.attended
    routed = moe * work.top_k * imbalance
    d_ff = work.plain * work.d_ff + routed * work.d_ff_expert + moe * work.d_ff_shared
    heads, mixer = work.d_query + work.d_kv, work.mixed * work.mix_kept
    sent = routed * np.where(work.d_routed > 0, work.d_routed, work.d_model)
    latents = work.d_latent * t
    experts_ff = routed * work.d_ff_expert + moe * work.d_ff_shared
    # Where blocks run side by side on one norm, attention's adapters need its output.
    blocks = attended + work.mixed + work.plain + moe
    own_norm = np.where(blocks > 1.5 * work.reduces, 0.0, work.d_model)
    bare = work.bare_dense * work.plain * own_norm + work.bare_experts * (moe * own_norm + sent)
    bare_ff = work.bare_dense * work.plain * work.d_ff + work.bare_experts * experts_ff
    return KeptWidths(
        outer=2.0 * work.reduces * work.d_model + 2.0 * sent - bare,
        inner=attended * (heads + 2.0 * latents + work.d_context) + work.matrices * d_ff + mixer - bare_ff,
        outer_least=work.reduces * work.d_model + sent,
        inner_least=attended * (np.where(work.d_latent > 0, latents, heads) + work.d_context)
        + (work.matrices - 1.0) * d_ff
        + mixer,
        inner_second=attended * (np.where(work.d_latent > 0, latents, heads - 0.5 * work.d_kv) + work.d_context)
        + d_ff
        + mixer,
        gates=(work.matrices - 2.0) * d_ff,
        sent=sent,
        hidden=d_ff,
    )


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
        Elements a token stores, outside and inside the tensor-parallel blocks (`kept_widths`).
    n_heads : int or array
        Query heads.
    flash : bool or array
        No score matrix is stored.
    recompute : int or array
        Code of `Recompute`: all but none compute the score matrix again, full keeps the layer's input alone.
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
    stored = kept + np.where(np.equal(recompute, Recompute.NONE), scores, 0.0)
    return s * b * np.where(np.equal(recompute, Recompute.FULL), 2.0 * h / divide, stored)


def kept_by_kind(work: Workload) -> dict[str, float]:
    """Return the bytes one layer keeps of a sequence on one device with flash attention, by kind of layer.

    "dense" and "moe", as far as the model has them, or "mean" where layers differ in more; and "full recomputation".
    """
    mixed = work.mixed or work.unattended or work.n_bare
    kinds = {
        "dense": work._replace(n_moe=0.0) if work.n_dense else None,
        "moe": work._replace(n_dense=0.0) if work.n_moe else None,
    }
    kinds = {"mean": work} if mixed else kinds

    def kept(one: Workload, recompute: int) -> float:
        widths = kept_widths(one)
        return float(
            layer_bytes(one.seq_len, 1, one.d_model, 1, False, widths.outer, widths.inner, one.n_heads, True, recompute)
        )

    found = {kind: kept(one, Recompute.NONE) for kind, one in kinds.items() if one is not None}
    return found | {"full recomputation": kept(work, Recompute.FULL)}

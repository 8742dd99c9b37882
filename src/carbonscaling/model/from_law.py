"""Architectures for a scaling law's answer: the papers' family, and a real dense model near a parameter count."""

from __future__ import annotations

import math

from carbonscaling.errors import InputError
from carbonscaling.fields import finite
from carbonscaling.model.params import total_params
from carbonscaling.model.spec import Attention, Experts, FeedForward, ModelSpec

__all__ = ["paper_family_spec", "spec_for_params"]

HEAD_DIM = 128
ASPECT = 128.0
FFN_RATIO = 3.25
FFN_MULTIPLE = 64
TIED_BELOW = 5e9


def paper_family_spec(d_model: int, d_ff: int, n_layers: int, n_experts: int, seq_len: int) -> ModelSpec:
    """Return the model of the papers' family: feed-forward blocks alone, ``N = 2·d·d_ff·L·E`` (ruling R2).

    Parameters
    ----------
    d_model, d_ff, n_layers : int
    n_experts : int
        1 gives a dense model; more are routed top-1, without a router's weights.
    seq_len : int
        Tokens of a sequence.

    Raises
    ------
    InputError
        A count below 1.

    >>> from carbonscaling.model.params import total_params
    >>> total_params(paper_family_spec(12288, 49152, 189, 8, 2048))
    1826434842624
    """
    if not isinstance(n_experts, int) or n_experts < 1:
        raise InputError(
            "a model has at least one expert", key="n_experts", value=n_experts, allowed="1 (dense) or more"
        )
    experts = None if n_experts == 1 else Experts(n_routed=n_experts, top_k=1, d_ff=d_ff, gated=False)
    return ModelSpec(
        name=f"paper-d{d_model}-L{n_layers}-E{n_experts}",
        n_layers=n_layers,
        d_model=d_model,
        vocab_size=0,
        seq_len=seq_len,
        attention=None,
        ffn=FeedForward(d_ff=d_ff, gated=False),
        experts=experts,
        norm="none",
        norms_per_layer=0,
        final_norm=False,
        source="carbonscaling_v2",
    )


MOST_PARAMS = 1e15
"""A thousand times the largest model of a public report; every shape of this size is looked at."""


def _width(n_params: float, n_heads: int, n_layers: int, vocab_size: int) -> int | None:
    """Return the feed-forward width that brings a model nearest to `n_params`; None where it is no usual one."""
    d, kv = n_heads * HEAD_DIM, math.gcd(n_heads, 8)
    fixed = vocab_size * d * (1 if n_params < TIED_BELOW else 2) + d
    attention = 2 * d * d + 2 * d * kv * HEAD_DIM
    d_ff = ((n_params - fixed) / n_layers - attention - 2 * d) / (3 * d)
    rounded = round(d_ff / FFN_MULTIPLE) * FFN_MULTIPLE
    return rounded if 2 * d <= rounded <= 5 * d else None


def _candidate(n_params: float, n_heads: int, n_layers: int, d_ff: int, vocab_size: int, seq_len: int) -> ModelSpec:
    """Return the model with these heads, layers and feed-forward width."""
    return ModelSpec(
        name=f"dense-{n_params / 1e9:.4g}B",
        n_layers=n_layers,
        d_model=n_heads * HEAD_DIM,
        vocab_size=vocab_size,
        seq_len=seq_len,
        attention=Attention(n_heads=n_heads, n_kv_heads=math.gcd(n_heads, 8), head_dim=HEAD_DIM),
        ffn=FeedForward(d_ff=d_ff, gated=True),
        tied_embeddings=n_params < TIED_BELOW,
        source="law",
        notes=f"chosen for {n_params:.4g} parameters",
    )


def spec_for_params(n_params: float, vocab_size: int = 128256, seq_len: int = 8192) -> ModelSpec:
    """Return a dense Llama-like model of about `n_params` parameters.

    SwiGLU, grouped queries with 8 key/value heads (fewer where 8 does not divide the heads), heads of 128, width near
    128 times the depth and a feed-forward width near 3.25 times the model width, as the Llama 3 models have (arXiv
    2407.21783, table 3); embeddings are tied below 5e9 parameters, as in Llama 3.2.

    Parameters
    ----------
    n_params : float
        Wanted parameters, embeddings counted.
    vocab_size : int
    seq_len : int
        Tokens of a sequence.

    Raises
    ------
    InputError
        No such model comes within 3 %, usually because the embeddings alone are too large.

    >>> from carbonscaling.model.params import total_params
    >>> abs(total_params(spec_for_params(70e9)) / 70e9 - 1) < 0.03
    True
    """
    if not (isinstance(n_params, int | float) and finite(n_params) and n_params > 0):
        raise InputError("a parameter count is a positive number", key="n_params", value=n_params)
    if n_params > MOST_PARAMS:
        raise InputError(
            "a model beyond what shapes are known for", key="n_params", value=float(f"{n_params:.4g}"),
            allowed=f"at most {MOST_PARAMS:.0e} parameters",
            remedy="ask for a higher loss or less compute, or use law paper_v1 or paper_v2 with a width",
        )  # fmt: skip
    width = (n_params / 12 * ASPECT) ** (1 / 3) / HEAD_DIM
    best: tuple[float, ModelSpec] | None = None
    step = 1 if width < 16 else 8
    for n_heads in range(max(1, int(width / 2) // step * step), int(width * 1.5) + 3, step):
        d = n_heads * HEAD_DIM
        centre = max(1, round(d / ASPECT))
        for n_layers in range(max(1, int(centre * 0.6)), int(centre * 1.7) + 2):
            d_ff = _width(n_params, n_heads, n_layers, vocab_size)
            if d_ff is None:
                continue
            shape = abs(math.log(d / n_layers / ASPECT)) + abs(math.log(d_ff / d / FFN_RATIO))
            heads = 0.0 if n_heads % 8 == 0 else 0.1
            if best is not None and shape + heads >= best[0]:  # whatever its parameters come to
                continue
            spec = _candidate(n_params, n_heads, n_layers, d_ff, vocab_size, seq_len)
            miss = abs(total_params(spec) / n_params - 1)
            score = shape + heads + 10 * miss
            if miss <= 0.03 and (best is None or score < best[0]):
                best = score, spec
    if best is None:
        raise InputError(
            "no dense model of this size: the embeddings take too much of it",
            key="n_params",
            value=n_params,
            remedy=f"choose a smaller vocabulary than {vocab_size}, or more parameters",
        )
    return best[1]

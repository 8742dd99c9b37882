"""Falcon: parallel block, one or few key/value heads."""

from __future__ import annotations

from carbonscaling.model.huggingface.reader import Config
from carbonscaling.model.huggingface.shared import decoder, head_width
from carbonscaling.model.spec import Attention, FeedForward, ModelSpec

__all__ = ["falcon"]


def falcon(c: Config) -> ModelSpec:
    """FalconConfig: three generations in one type.

    With ``new_decoder_architecture`` (40B, 180B; default false) ``num_kv_heads`` groups and two norms for the parallel
    block (``num_ln_in_parallel_attn`` may say 1); otherwise one shared key/value head when ``multi_query`` (default
    true), one norm when ``parallel_attn`` (default true). ``ffn_hidden_size`` defaults to 4·hidden_size; tied.
    """
    d, n_heads = c.integer("hidden_size"), c.integer("num_attention_heads", "n_head")
    new, bias = c.flag("new_decoder_architecture", False), c.flag("bias", False)
    parallel = c.flag("parallel_attn", True) or new
    n_old = 1 if c.flag("multi_query", True) else n_heads
    n_kv = c.integer("num_kv_heads", "n_head_kv", default=n_heads)
    n_norms = c.integer("num_ln_in_parallel_attn", default=2 if new or not parallel else 1)
    c.read.add("alibi")
    heads = Attention(
        n_heads=n_heads,
        n_kv_heads=n_kv if new else n_old,
        head_dim=head_width(c, d, n_heads),
        qkv_bias=bias,
        out_bias=bias,
    )
    return decoder(
        c,
        tied=True,
        positions=2048,
        attention=heads,
        ffn=FeedForward(d_ff=c.integer("ffn_hidden_size", default=4 * d), gated=False, bias=bias),
        norm="layernorm",
        norms_per_layer=n_norms,
        parallel_block=parallel,
    )

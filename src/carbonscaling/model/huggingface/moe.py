"""Mixture-of-experts models with grouped-query attention: Mixtral, Qwen, OLMoE, GLM-4.5, gpt-oss, Llama 4."""

from __future__ import annotations

from carbonscaling.model.huggingface.reader import Config
from carbonscaling.model.huggingface.shared import attention, decoder, window_layers
from carbonscaling.model.spec import Experts, FeedForward, ModelSpec

__all__ = ["glm4_moe", "gpt_oss", "llama4", "llama4_text", "mixtral", "olmoe", "qwen2_moe", "qwen3_moe"]


def mixtral(c: Config) -> ModelSpec:
    """MixtralConfig: 8 experts, 2 visited, 8 KV heads by default."""
    d, d_ff, n_layers = c.integer("hidden_size"), c.integer("intermediate_size"), c.integer("num_hidden_layers")
    window = c.optional("sliding_window")
    heads = attention(c, d, n_kv_heads=8, window=window, n_window_layers=n_layers if window else 0)
    experts = Experts(
        n_routed=c.integer("num_local_experts", default=8), top_k=c.integer("num_experts_per_tok", default=2), d_ff=d_ff
    )
    ffn = FeedForward(d_ff=d_ff, gated=True)
    return decoder(c, tied=False, positions=131072, attention=heads, ffn=ffn, experts=experts)


def olmoe(c: Config) -> ModelSpec:
    """OlmoeConfig: 64 experts, 8 visited by default; queries and keys normalised over their full width."""
    d, d_ff = c.integer("hidden_size"), c.integer("intermediate_size")
    bias = c.flag("attention_bias", False)
    heads = attention(c, d, qk_norm="full", qkv_bias=bias, out_bias=bias)
    experts = Experts(
        n_routed=c.integer("num_experts", default=64), top_k=c.integer("num_experts_per_tok", default=8), d_ff=d_ff
    )
    ffn = FeedForward(d_ff=d_ff, gated=True)
    return decoder(c, tied=False, positions=4096, attention=heads, ffn=ffn, experts=experts)


def _qwen_dense_layers(c: Config) -> int:
    """Layers that ``mlp_only_layers`` or ``decoder_sparse_step`` (default 1) leave dense."""
    n_layers, step = c.integer("num_hidden_layers"), c.integer("decoder_sparse_step", default=1)
    dense = set(c.items("mlp_only_layers") or [])
    return sum(i in dense or (i + 1) % step != 0 for i in range(n_layers))


def qwen2_moe(c: Config) -> ModelSpec:
    """Qwen2MoeConfig: a gated shared expert; biases on queries, keys and values; windows as in Qwen 2."""
    c.read.update(("use_sliding_window", "max_window_layers", "sliding_window"))
    heads = attention(c, c.integer("hidden_size"), n_kv_heads=16, qkv_bias=c.flag("qkv_bias", True))
    experts = Experts(
        n_routed=c.integer("num_experts", default=60),
        top_k=c.integer("num_experts_per_tok", default=4),
        d_ff=c.integer("moe_intermediate_size", default=1408),
        d_ff_shared=c.integer("shared_expert_intermediate_size", default=5632, minimum=0),
        n_dense_layers=_qwen_dense_layers(c),
        shared_gate=True,
    )
    ffn = FeedForward(d_ff=c.integer("intermediate_size"), gated=True)
    return decoder(c, tied=False, positions=32768, attention=heads, ffn=ffn, experts=experts)


def qwen3_moe(c: Config) -> ModelSpec:
    """Qwen3MoeConfig: 128 experts, 8 visited by default, none shared; a norm per head on queries and keys."""
    c.read.update(("use_sliding_window", "max_window_layers", "sliding_window"))
    bias = c.flag("attention_bias", False)
    heads = attention(c, c.integer("hidden_size"), n_kv_heads=4, qk_norm="head", qkv_bias=bias, out_bias=bias)
    experts = Experts(
        n_routed=c.integer("num_experts", default=128),
        top_k=c.integer("num_experts_per_tok", default=8),
        d_ff=c.integer("moe_intermediate_size", default=768),
        n_dense_layers=_qwen_dense_layers(c),
    )
    ffn = FeedForward(d_ff=c.integer("intermediate_size"), gated=True)
    return decoder(c, tied=False, positions=32768, attention=heads, ffn=ffn, experts=experts)


def glm4_moe(c: Config) -> ModelSpec:
    """Glm4MoeConfig: leading dense layer(s) (default 1), shared expert, score correction, optional query/key norm."""
    width = c.integer("moe_intermediate_size", default=1408)
    heads = attention(
        c,
        c.integer("hidden_size"),
        n_kv_heads=8,
        qkv_bias=c.flag("attention_bias", False),
        qk_norm="head" if c.flag("use_qk_norm", False) else "none",
    )
    experts = Experts(
        n_routed=c.integer("n_routed_experts", default=128),
        top_k=c.integer("num_experts_per_tok", default=8),
        d_ff=width,
        d_ff_shared=width * c.integer("n_shared_experts", default=1, minimum=0),
        n_dense_layers=c.integer("first_k_dense_replace", default=1, minimum=0),
        router_bias=True,
    )
    return decoder(
        c,
        tied=False,
        positions=131072,
        attention=heads,
        ffn=FeedForward(d_ff=c.integer("intermediate_size"), gated=True),
        experts=experts,
        n_mtp=c.integer("num_nextn_predict_layers", default=0, minimum=0),
    )


def gpt_oss(c: Config) -> ModelSpec:
    """GptOssConfig: biases everywhere, a sink per head, every other layer (the first too) windowed, default 128."""
    n_layers, d_ff = c.integer("num_hidden_layers"), c.integer("intermediate_size")
    bias = c.flag("attention_bias", True)
    heads = attention(
        c,
        c.integer("hidden_size"),
        n_kv_heads=8,
        head_dim=c.integer("head_dim", default=64),
        qkv_bias=bias,
        out_bias=bias,
        sinks=True,
        window=c.integer("sliding_window", default=128),
        n_window_layers=window_layers(c, n_layers, (n_layers + 1) // 2),
    )
    experts = Experts(
        n_routed=c.integer("num_local_experts", default=128),
        top_k=c.integer("num_experts_per_tok", default=4),
        d_ff=d_ff,
        bias=True,
        router_bias=True,
    )
    ffn = FeedForward(d_ff=d_ff, gated=True, bias=True)
    return decoder(c, tied=False, positions=131072, attention=heads, ffn=ffn, experts=experts)


def llama4_text(c: Config) -> ModelSpec:
    """Llama4TextConfig: one shared and one visited expert; three of four layers see chunks of 8192 tokens.

    ``intermediate_size`` is an expert's width, ``intermediate_size_mlp`` (default 16384) a dense layer's; every
    ``interleave_moe_layer_step``-th layer (default 1) has experts. Query/key norms hold no weights.
    """
    n_layers, d_ff = c.integer("num_hidden_layers"), c.integer("intermediate_size")
    step, listed = c.integer("interleave_moe_layer_step", default=1, minimum=0), c.items("moe_layers")
    n_moe = len(listed) if listed is not None else n_layers // step if step else 0
    flags = c.items("no_rope_layers")
    c.read.update(("use_qk_norm", "no_rope_layer_interval"))
    chunked = sum(bool(flag) for flag in flags) if flags else n_layers - n_layers // 4
    bias = c.flag("attention_bias", False)
    heads = attention(
        c,
        c.integer("hidden_size"),
        n_kv_heads=8,
        head_dim=c.integer("head_dim", default=128),
        qkv_bias=bias,
        out_bias=bias,
        window=c.integer("attention_chunk_size", default=8192),
        n_window_layers=window_layers(c, n_layers, chunked),
    )
    experts = Experts(
        n_routed=c.integer("num_local_experts", default=16),
        top_k=c.integer("num_experts_per_tok", default=1),
        d_ff=d_ff,
        d_ff_shared=d_ff,
        n_dense_layers=n_layers - n_moe,
    )
    ffn = FeedForward(d_ff=c.integer("intermediate_size_mlp", default=16384), gated=True)
    return decoder(c, tied=False, positions=131072, attention=heads, ffn=ffn, experts=experts)


def llama4(c: Config) -> ModelSpec:
    """Llama4Config: the language model under ``text_config``; the vision tower is not counted."""
    return llama4_text(c.child("text_config"))

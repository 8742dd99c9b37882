"""DeepSeek-V2, DeepSeek-V3 and Kimi K2: latent attention, many small experts, leading dense layers."""

from __future__ import annotations

from carbonscaling.model.huggingface.reader import Config
from carbonscaling.model.huggingface.shared import decoder
from carbonscaling.model.spec import Attention, Experts, FeedForward, ModelSpec

__all__ = ["deepseek_v2", "deepseek_v3", "kimi_k2"]


def _node_limit(c: Config) -> int | None:
    """Most groups of experts, hence nodes, a token is routed to; None where the routing knows no groups."""
    n_groups, chosen = c.optional("n_group"), c.optional("topk_group")
    return chosen if n_groups is not None and n_groups > 1 else None


def _deepseek(c: Config, *, positions: int, first_dense: int, router_bias: bool) -> ModelSpec:
    bias = c.flag("attention_bias", False)
    n_heads = c.integer("num_attention_heads")
    heads = Attention(
        n_heads=n_heads,
        n_kv_heads=c.integer("num_key_value_heads", default=n_heads),
        head_dim=c.integer("qk_nope_head_dim", default=128),
        v_head_dim=c.integer("v_head_dim", default=128),
        q_lora_rank=c.optional("q_lora_rank", default=1536),
        kv_lora_rank=c.integer("kv_lora_rank", default=512),
        rope_head_dim=c.integer("qk_rope_head_dim", default=64),
        qkv_bias=bias,
        out_bias=bias,
    )
    c.read.update(("head_dim", "qk_head_dim"))
    n_layers, step = c.integer("num_hidden_layers"), c.integer("moe_layer_freq", default=1)
    first = c.integer("first_k_dense_replace", default=first_dense, minimum=0)
    width = c.integer("moe_intermediate_size")
    experts = Experts(
        n_routed=c.integer("n_routed_experts"),
        top_k=c.integer("num_experts_per_tok"),
        d_ff=width,
        d_ff_shared=width * c.integer("n_shared_experts", default=0, minimum=0),
        n_dense_layers=sum(i < first or i % step != 0 for i in range(n_layers)),
        router_bias=router_bias,
        node_limit=_node_limit(c),
    )
    return decoder(
        c,
        tied=False,
        positions=positions,
        attention=heads,
        ffn=FeedForward(d_ff=c.integer("intermediate_size"), gated=True),
        experts=experts,
        n_mtp=c.integer("num_nextn_predict_layers", default=0, minimum=0),
    )


def deepseek_v2(c: Config) -> ModelSpec:
    """DeepseekV2Config: ``q_lora_rank`` may be null (V2-Lite); no dense layers unless stated.

    The expert counts and widths are required; ranks and head widths default to 1536, 512, 128, 64, 128.
    """
    return _deepseek(c, positions=2048, first_dense=0, router_bias=False)


def deepseek_v3(c: Config) -> ModelSpec:
    """DeepseekV3Config: a score correction per routed expert, three leading dense layers by default."""
    return _deepseek(c, positions=4096, first_dense=3, router_bias=True)


def kimi_k2(c: Config) -> ModelSpec:
    """Kimi K2: DeepSeek-V3's architecture under another name."""
    return deepseek_v3(c)

"""Llama and the dense models of its shape: RMSNorm, rotary positions, gated feed-forward.

Defaults are those of the configuration classes of ``transformers`` 4.57; the shape itself is required.
"""

from __future__ import annotations

from typing import Any

from carbonscaling.model.huggingface.reader import Config
from carbonscaling.model.huggingface.shared import attention, decoder, window_layers
from carbonscaling.model.spec import FeedForward, ModelSpec

__all__ = ["cohere", "granite", "llama", "mistral", "olmo", "olmo2", "olmo3", "phi3", "qwen2", "qwen3", "smollm3"]


def _dense(
    c: Config,
    *,
    positions: int,
    tied: bool = False,
    mlp_bias: bool = False,
    spec: dict[str, Any] | None = None,
    **attn: Any,
) -> ModelSpec:
    gated = FeedForward(d_ff=c.integer("intermediate_size"), gated=True, bias=mlp_bias)
    heads = attention(c, c.integer("hidden_size"), **attn)
    return decoder(c, tied=tied, positions=positions, attention=heads, ffn=gated, **(spec or {}))


def _biases(c: Config) -> dict[str, Any]:
    bias = c.flag("attention_bias", False)
    return {"qkv_bias": bias, "out_bias": bias}


def llama(c: Config) -> ModelSpec:
    """LlamaConfig: multi-head unless ``num_key_value_heads`` says otherwise; no biases; untied."""
    return _dense(c, positions=2048, mlp_bias=c.flag("mlp_bias", False), **_biases(c))


def granite(c: Config) -> ModelSpec:
    """GraniteConfig: Llama with scalar multipliers that hold no weights."""
    return llama(c)


def smollm3(c: Config) -> ModelSpec:
    """SmolLM3Config: Llama, tied, with rotary positions left out of some layers."""
    c.read.update(("no_rope_layers", "no_rope_layer_interval", "use_sliding_window", "sliding_window", "layer_types"))
    return _dense(c, positions=32768, tied=True, mlp_bias=c.flag("mlp_bias", False), **_biases(c))


def mistral(c: Config) -> ModelSpec:
    """MistralConfig: every layer is windowed unless ``sliding_window`` is null (class default 4096); 8 KV heads."""
    window = c.optional("sliding_window", default=4096)
    n_window = c.integer("num_hidden_layers") if window else 0
    return _dense(c, positions=131072, n_kv_heads=8, window=window, n_window_layers=n_window)


def _late_windows(c: Config) -> dict[str, Any]:
    """Qwen: layers from ``max_window_layers`` (default 28) on are windowed, if ``use_sliding_window``."""
    n_layers = c.integer("num_hidden_layers")
    first = c.integer("max_window_layers", default=28, minimum=0)
    window = c.optional("sliding_window", default=4096)
    n_window = window_layers(c, n_layers, max(0, n_layers - first))
    used = c.flag("use_sliding_window", False) and window is not None
    return {"window": window, "n_window_layers": n_window} if used else {}


def qwen2(c: Config) -> ModelSpec:
    """Qwen2Config: biases on queries, keys and values only; 32 KV heads by default."""
    return _dense(c, positions=32768, n_kv_heads=32, qkv_bias=True, **_late_windows(c))


def qwen3(c: Config) -> ModelSpec:
    """Qwen3Config: a norm per head on queries and keys; heads of 128 by default; 32 KV heads by default."""
    width = c.integer("head_dim", default=128)
    return _dense(c, positions=32768, n_kv_heads=32, head_dim=width, qk_norm="head", **_biases(c), **_late_windows(c))


def olmo(c: Config) -> ModelSpec:
    """OlmoConfig: LayerNorm without parameters."""
    return _dense(c, positions=2048, spec={"norm": "none"}, **_biases(c))


def olmo2(c: Config) -> ModelSpec:
    """Olmo2Config: two norms after the blocks; queries and keys normalised over their full width."""
    return _dense(c, positions=2048, qk_norm="full", **_biases(c))


def olmo3(c: Config) -> ModelSpec:
    """Olmo3Config: OLMo 2 with three windowed layers (default window 4096) before each global one."""
    n_layers = c.integer("num_hidden_layers")
    window = c.optional("sliding_window", default=4096)
    n_window = window_layers(c, n_layers, n_layers - n_layers // 4)
    return _dense(c, positions=2048, qk_norm="full", window=window, n_window_layers=n_window, **_biases(c))


def phi3(c: Config) -> ModelSpec:
    """Phi3Config: fused projections of the usual sizes; every layer windowed where ``sliding_window`` is set."""
    window = c.optional("sliding_window")
    n_window = c.integer("num_hidden_layers") if window else 0
    seq_len = c.integer("original_max_position_embeddings", default=4096)
    return _dense(c, positions=4096, window=window, n_window_layers=n_window, spec={"seq_len": seq_len})


def cohere(c: Config) -> ModelSpec:
    """CohereConfig: parallel block under one LayerNorm without bias; tied; query/key norm optional."""
    norm = "full" if c.flag("use_qk_norm", False) else "none"
    block = {"parallel_block": True, "norms_per_layer": 1}
    return _dense(c, positions=8192, tied=True, spec=block, qk_norm=norm, **_biases(c))

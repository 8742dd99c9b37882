"""Gemma 1 to 3: tied embeddings, wide heads, from Gemma 2 on four norms a layer and sliding windows."""

from __future__ import annotations

from typing import Any

from carbonscaling.model.huggingface.reader import Config
from carbonscaling.model.huggingface.shared import attention, decoder, window_layers
from carbonscaling.model.spec import FeedForward, ModelSpec

__all__ = ["gemma", "gemma2", "gemma3", "gemma3_text"]


def _gemma(
    c: Config, *, positions: int, n_kv: int, norms: int, spec: dict[str, Any] | None = None, **attn: Any
) -> ModelSpec:
    bias = c.flag("attention_bias", False)
    width = c.integer("head_dim", default=256)
    heads = attention(
        c, c.integer("hidden_size"), n_kv_heads=n_kv, head_dim=width, qkv_bias=bias, out_bias=bias, **attn
    )
    gated = FeedForward(d_ff=c.integer("intermediate_size"), gated=True)
    return decoder(c, tied=True, positions=positions, attention=heads, ffn=gated, norms_per_layer=norms, **(spec or {}))


def gemma(c: Config) -> ModelSpec:
    """GemmaConfig: heads of 256 and 16 KV heads by default; norms scale by 1 + w (one weight, as any RMSNorm)."""
    return _gemma(c, positions=8192, n_kv=16, norms=2)


def gemma2(c: Config) -> ModelSpec:
    """Gemma2Config: norms before and after both blocks; every other layer windowed, the first one included."""
    c.read.add("sliding_window_size")
    window = c.integer("sliding_window", default=4096)
    n_layers = c.integer("num_hidden_layers")
    n_window = window_layers(c, n_layers, (n_layers + 1) // 2)
    return _gemma(c, positions=8192, n_kv=4, norms=4, window=window, n_window_layers=n_window)


def gemma3_text(c: Config) -> ModelSpec:
    """Gemma3TextConfig: Gemma 2 with query/key norms per head and five windowed layers before each global one.

    Published multimodal files leave out what the class defaults: 8 heads, 4 KV heads, heads of 256, 262,208 words,
    a window of 4096, positions 131072.
    """
    window = c.integer("sliding_window", default=4096)
    n_layers = c.integer("num_hidden_layers")
    pattern = c.integer("sliding_window_pattern", "_sliding_window_pattern", default=6)
    n_window = window_layers(c, n_layers, n_layers - n_layers // pattern)
    c.assume(num_attention_heads=8, vocab_size=262208)
    return _gemma(c, positions=131072, n_kv=4, norms=4, qk_norm="head", window=window, n_window_layers=n_window)


def gemma3(c: Config) -> ModelSpec:
    """Gemma3Config: the language model under ``text_config``; the vision tower is not counted."""
    text = c.child("text_config")
    return gemma3_text(text)

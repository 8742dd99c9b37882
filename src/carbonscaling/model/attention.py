"""Attention of a transformer: heads, projections, windows, and what picks the keys."""

from __future__ import annotations

from typing import Literal

from carbonscaling.errors import InputError
from carbonscaling.fields import check_fields
from carbonscaling.model.check import at_least
from carbonscaling.record import dataclass

__all__ = ["Attention", "Indexer"]


@dataclass(frozen=True)
class Indexer:
    """What picks the keys a query attends to (DeepSeek-V3.2, arXiv 2512.02556, section 2.1).

    Attributes
    ----------
    n_heads, head_dim : int
        Heads that score every key, and their width; the keys are one head's.
    top_k : int
        Keys that a query attends to.
    n_layers : int, optional
        Layers with an indexer of their own; all if not given.
    own_queries : bool
        Queries are projected from the model width, and the picks are a kv head's own (MiniMax-M3), not from MLA's latent.
    """

    n_heads: int
    head_dim: int
    top_k: int
    n_layers: int | None = None
    own_queries: bool = False

    def __post_init__(self) -> None:
        """Refuse counts that no indexer can have."""
        check_fields(self)
        at_least(self, 1, "n_heads", "head_dim", "top_k")
        at_least(self, 0, "n_layers", optional=True)


@dataclass(frozen=True)
class Attention:
    """Self-attention of one layer.

    Multi-head (``n_kv_heads == n_heads``), grouped-query (fewer), or multi-head latent attention (`kv_lora_rank` set).

    Attributes
    ----------
    n_heads, n_kv_heads : int
        Query heads, and key/value heads.
    head_dim : int
        Width of a query/key head (MLA: without the rotary part).
    v_head_dim : int, optional
        Width of a value head; `head_dim` if not given.
    q_lora_rank, kv_lora_rank : int, optional
        Ranks of MLA's compressed queries and keys/values (DeepSeek-V2, arXiv 2405.04434, section 2.1).
    rope_head_dim : int
        MLA's decoupled rotary width per head.
    qkv_bias, out_bias : bool
        Biases on the projections.
    qk_norm : {"none", "head", "full"}
        Normalised queries and keys: a weight per head width, or over the full projected width.
    sinks : bool
        A learned sink logit per head (gpt-oss).
    window : int, optional
        Sliding-window length of the windowed layers.
    n_window_layers : int
        How many layers are windowed; the others see the whole sequence.
    n_layers : int, optional
        Layers with this attention; all if not given.
    gate : {"none", "head", "full"}
        A gate on the result, projected from the layer's input: one number a head, or one for every element.
    one_kv : bool
        Keys are the values: one projection for both.
    causal : bool
        False where every token sees the whole sequence (encoders).
    indexer : Indexer, optional
        Sparse attention: a query sees its best keys only.
    out_rank, out_groups : int
        Low-rank output projection, in groups of heads (DeepSeek-V4); 0 and 1 for a plain one.
    n_without_kv : int
        Layers that use another layer's keys and values (Gemma 3n).
    compressed : int
        Tokens that one key stands for which is seen beside those of the window (DeepSeek-V4); 0 for none.
    """

    n_heads: int
    n_kv_heads: int
    head_dim: int
    v_head_dim: int | None = None
    q_lora_rank: int | None = None
    kv_lora_rank: int | None = None
    rope_head_dim: int = 0
    qkv_bias: bool = False
    out_bias: bool = False
    qk_norm: Literal["none", "head", "full"] = "none"
    sinks: bool = False
    window: int | None = None
    n_window_layers: int = 0
    n_layers: int | None = None
    gate: Literal["none", "head", "full"] = "none"
    one_kv: bool = False
    causal: bool = True
    indexer: Indexer | None = None
    out_rank: int = 0
    out_groups: int = 1
    n_without_kv: int = 0
    compressed: int = 0

    def __post_init__(self) -> None:
        """Refuse counts that no attention can have."""
        check_fields(self)
        at_least(self, 1, "n_heads", "n_kv_heads", "head_dim")
        at_least(self, 1, "v_head_dim", "q_lora_rank", "kv_lora_rank", "window", optional=True)
        at_least(self, 0, "rope_head_dim", "n_window_layers", "out_rank", "n_without_kv", "compressed")
        at_least(self, 1, "out_groups")
        at_least(self, 0, "n_layers", optional=True)
        if self.n_heads % self.n_kv_heads:
            raise InputError(
                "query heads do not divide into key/value groups",
                key="n_kv_heads",
                value=self.n_kv_heads,
                allowed=f"a divisor of n_heads = {self.n_heads}",
            )
        if self.n_window_layers and self.window is None:
            raise InputError("windowed layers need a window length", key="window", remedy="give window, in tokens")

    @property
    def kind(self) -> Literal["mha", "gqa", "mla"]:
        """Name of the variant."""
        if self.kv_lora_rank is not None:
            return "mla"
        return "mha" if self.n_kv_heads == self.n_heads else "gqa"

    @property
    def d_value(self) -> int:
        """Width of a value head."""
        return self.head_dim if self.v_head_dim is None else self.v_head_dim

    @property
    def d_query_key(self) -> int:
        """Width of a query or key head, the decoupled rotary part of MLA included."""
        return self.head_dim + self.rope_head_dim

    @property
    def kv_width(self) -> int:
        """Key and value elements a token has in one layer during training (what a context-parallel rank sends)."""
        return self.n_kv_heads * (self.d_query_key + self.d_value)

    @property
    def kv_cache_width(self) -> int:
        """Elements a token leaves in the inference cache of one layer: MLA keeps its latent and one rotary key."""
        return self.kv_width if self.kv_lora_rank is None else self.kv_lora_rank + self.rope_head_dim

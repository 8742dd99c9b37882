"""What a transformer is: the numbers of its architecture, nothing about how it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from carbonscaling.errors import InputError
from carbonscaling.fields import check_fields
from carbonscaling.model.check import at_least

__all__ = ["Attention", "Experts", "FeedForward", "ModelSpec"]


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

    def __post_init__(self) -> None:
        """Refuse counts that no attention can have."""
        check_fields(self)
        at_least(self, 1, "n_heads", "n_kv_heads", "head_dim")
        at_least(self, 1, "v_head_dim", "q_lora_rank", "kv_lora_rank", "window", optional=True)
        at_least(self, 0, "rope_head_dim", "n_window_layers")
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


@dataclass(frozen=True)
class FeedForward:
    """Feed-forward block of a dense layer: two matrices, or three when gated (SwiGLU, GeGLU)."""

    d_ff: int
    gated: bool
    bias: bool = False

    def __post_init__(self) -> None:
        """Refuse a width that is not positive."""
        check_fields(self)
        at_least(self, 1, "d_ff")

    @property
    def n_matrices(self) -> int:
        """Weight matrices of the block: 3 when gated, else 2."""
        return 2 + self.gated


@dataclass(frozen=True)
class Experts:
    """Routed and shared experts of a mixture-of-experts layer.

    Attributes
    ----------
    n_routed, top_k : int
        Routed experts of a layer, and how many of them a token visits.
    d_ff : int
        Inner width of one routed expert.
    d_ff_shared : int
        Summed inner width of the shared experts, which every token visits; 0 for none.
    n_dense_layers : int
        Layers that keep the dense feed-forward block (leading ones in DeepSeek, interleaved ones elsewhere).
    gated, bias : bool
        As in `FeedForward`, for routed and shared experts alike.
    router_bias : bool
        A bias or score correction per routed expert.
    shared_gate : bool
        A gate of d_model weights on the shared expert (Qwen2-MoE).
    node_limit : int, optional
        Most nodes the experts of one token lie on (DeepSeek's node-limited routing).
    """

    n_routed: int
    top_k: int
    d_ff: int
    d_ff_shared: int = 0
    n_dense_layers: int = 0
    gated: bool = True
    bias: bool = False
    router_bias: bool = False
    shared_gate: bool = False
    node_limit: int | None = None

    def __post_init__(self) -> None:
        """Refuse counts that no mixture can have."""
        check_fields(self)
        at_least(self, 1, "n_routed", "top_k", "d_ff")
        at_least(self, 0, "d_ff_shared", "n_dense_layers")
        if self.top_k > self.n_routed:
            raise InputError(
                "a token cannot visit more experts than there are",
                key="top_k",
                value=self.top_k,
                allowed=f"1 to n_routed = {self.n_routed}",
            )

    @property
    def n_matrices(self) -> int:
        """Weight matrices of one expert: 3 when gated, else 2."""
        return 2 + self.gated


@dataclass(frozen=True)
class ModelSpec:
    """A decoder-only transformer.

    Attributes
    ----------
    name : str
    n_layers, d_model, vocab_size : int
    seq_len : int
        Default training sequence length, in tokens.
    attention : Attention, optional
        None only in the papers' family, which counts feed-forward blocks alone (ruling R2).
    ffn : FeedForward
        Of the dense layers (also where all layers are MoE: then unused).
    experts : Experts, optional
        None for a dense model.
    tied_embeddings : bool
        Output head shares the input embedding.
    n_positions : int
        Learned absolute positions; 0 for rotary or ALiBi.
    norm : {"rmsnorm", "layernorm", "none"}
        A LayerNorm has weight and bias, an RMSNorm (or a LayerNorm without bias) a weight; "none" for parameter-free
        norms.
    norms_per_layer : int
        Full-width norms in a layer (2; gemma2/3 4; parallel blocks with a shared norm 1).
    final_norm, embedding_norm : bool
        After the last layer; after the embedding (BLOOM).
    head_bias : bool
        Bias of the output head.
    parallel_block : bool
        Attention and feed-forward run side by side on one input (GPT-NeoX, Falcon, PaLM): one all-reduce, not two.
    n_mtp : int
        Multi-token-prediction modules trained along (DeepSeek-V3: 1); not counted in the model's own parameters.
    extra_params : int
        Parameters outside this scheme (named in `notes`).
    source : str
        Reference key, file, or law this came from.
    notes : str
    """

    name: str
    n_layers: int
    d_model: int
    vocab_size: int
    seq_len: int
    attention: Attention | None
    ffn: FeedForward
    experts: Experts | None = None
    tied_embeddings: bool = False
    n_positions: int = 0
    norm: Literal["rmsnorm", "layernorm", "none"] = "rmsnorm"
    norms_per_layer: int = 2
    final_norm: bool = True
    embedding_norm: bool = False
    head_bias: bool = False
    parallel_block: bool = False
    n_mtp: int = 0
    extra_params: int = 0
    source: str = ""
    notes: str = ""
    d_embed: int | None = None

    def __post_init__(self) -> None:
        """Refuse an architecture that cannot be."""
        check_fields(self)
        at_least(self, 1, "n_layers", "d_model", "seq_len")
        at_least(self, 0, "vocab_size", "n_positions", "norms_per_layer", "n_mtp")
        at_least(self, 1, "d_embed", optional=True)
        for part, key in ((self.attention, "n_window_layers"), (self.experts, "n_dense_layers")):
            if part is not None and getattr(part, key) > self.n_layers:
                raise InputError(
                    "more layers of a kind than there are layers",
                    key=key,
                    value=getattr(part, key),
                    allowed=f"0 to n_layers = {self.n_layers}",
                )

    @property
    def ffn_only(self) -> bool:
        """Whether this is the papers' family: feed-forward blocks alone, no router, nothing else (ruling R2)."""
        return self.attention is None and self.vocab_size == 0

    @property
    def n_moe_layers(self) -> int:
        """Layers whose feed-forward block is a mixture of experts."""
        return 0 if self.experts is None else self.n_layers - self.experts.n_dense_layers

    @property
    def n_dense_layers(self) -> int:
        """Layers whose feed-forward block is dense."""
        return self.n_layers - self.n_moe_layers

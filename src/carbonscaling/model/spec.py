"""What a transformer is: the numbers of its architecture, nothing about how it runs."""

from __future__ import annotations

from pathlib import PurePath
from typing import Literal

from carbonscaling.errors import InputError
from carbonscaling.fields import check_fields
from carbonscaling.model.check import at_least
from carbonscaling.model.mixer import Mixer
from carbonscaling.model.tower import Tower
from carbonscaling.record import dataclass

__all__ = ["Attention", "Experts", "FeedForward", "Indexer", "ModelSpec"]


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


@dataclass(frozen=True)
class FeedForward:
    """Feed-forward block of a dense layer: two matrices, or three when gated (SwiGLU, GeGLU).

    Attributes
    ----------
    d_ff : int
        Inner width; where blocks differ, their mean.
    gated, bias : bool
    n_blocks : int, optional
        Blocks of the model; one in every layer without experts if not given.
    """

    d_ff: int
    gated: bool
    bias: bool = False
    n_blocks: int | None = None

    def __post_init__(self) -> None:
        """Refuse a width that is not positive."""
        check_fields(self)
        at_least(self, 1, "d_ff")
        at_least(self, 0, "n_blocks", optional=True)

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
    n_zero : int
        Experts of no size beside the routed ones, which return their input (LongCat-Flash): chosen like them, they lower
        the mean number that a token visits.
    d_latent : int, optional
        Width that routed experts work in, with a projection there and back (Nemotron 3 Super); d_model if not given.
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
    n_zero: int = 0
    d_latent: int | None = None

    def __post_init__(self) -> None:
        """Refuse counts that no mixture can have."""
        check_fields(self)
        at_least(self, 1, "n_routed", "top_k", "d_ff")
        at_least(self, 0, "d_ff_shared", "n_dense_layers", "n_zero")
        at_least(self, 1, "d_latent", optional=True)
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

    @property
    def visited(self) -> float:
        """Mean number of routed experts with weights that a token visits."""
        return self.top_k * self.n_routed / (self.n_routed + self.n_zero)


@dataclass(frozen=True)
class ModelSpec:
    """A language model: layers of attention or another mixer of tokens, and of feed-forward blocks or experts.

    Attributes
    ----------
    name : str
    n_layers, d_model, vocab_size : int
    seq_len : int
        Default training sequence length, in tokens.
    attention : Attention, optional
        None for a model of mixers alone, and in the papers' family, which counts feed-forward blocks alone (ruling R2).
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
    d_embed : int, optional
        Width of the embedding where it is not the model's (OPT-350M).
    local : Attention, optional
        A second attention, in its own `n_layers`, where windowed layers have other heads than global ones.
    mixer : Mixer, optional
        State space, linear attention or convolution, in its own `n_layers`.
    extra_weights : int
        Those of `extra_params` that are matrices which every token is multiplied with.
    n_streams : int
        Residual streams that run side by side (Gemma 3n, hyper-connections of DeepSeek-V4).
    vision, audio : Tower, optional
        Encoders beside the language model, in none of its counts; `study` trains or runs them where it is asked to.
    assumed : tuple of str
        What a file did not say and was assumed.
    unread : tuple of str
        Keys of a file that no count uses.
    seq_len_why : str
        Why `seq_len` was assumed; empty where it is stated.
    seq_len_range : tuple of int
        Shortest and longest plausible `seq_len` where that is assumed.
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
    local: Attention | None = None
    mixer: Mixer | None = None
    extra_weights: int = 0
    n_streams: int = 1
    vision: Tower | None = None
    audio: Tower | None = None
    assumed: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    seq_len_why: str = ""
    seq_len_range: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Refuse an architecture that cannot be."""
        check_fields(self)
        at_least(self, 1, "n_layers", "d_model", "seq_len", "n_streams")
        at_least(self, 0, "vocab_size", "n_positions", "norms_per_layer", "n_mtp", "extra_params", "extra_weights")
        at_least(self, 1, "d_embed", optional=True)
        for part, key in (
            (self.attention, "n_window_layers"),
            (self.experts, "n_dense_layers"),
            (self.mixer, "n_layers"),
        ):
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
        return self.attention is None and self.mixer is None and self.vocab_size == 0

    @property
    def attentions(self) -> tuple[tuple[Attention, int], ...]:
        """Every kind of attention with its number of layers."""
        kinds = (self.attention, self.local)
        return tuple((a, self.n_layers if a.n_layers is None else a.n_layers) for a in kinds if a is not None)

    @property
    def towers(self) -> dict[str, Tower]:
        """Encoders beside the language model, by what they see or hear."""
        return {name: t for name, t in (("vision", self.vision), ("audio", self.audio)) if t is not None}

    @property
    def said(self) -> tuple[str, ...]:
        """What was assumed of the model, its training length left out, and what of its file no count uses."""
        return (*self.said_alone, *((self.notes,) if self.notes.startswith("language model only") else ()))

    @property
    def said_alone(self) -> tuple[str, ...]:
        """What `said` says of the language model, its towers left out."""
        file = PurePath(self.source).name  # whose folder may be a service's own
        unread = (f"keys of {file} that no count uses: {', '.join(self.unread)}",) if self.unread else ()
        return (*self.assumed, *unread)

    @property
    def n_moe_layers(self) -> int:
        """Layers whose feed-forward block is a mixture of experts."""
        return 0 if self.experts is None else self.n_layers - self.experts.n_dense_layers

    @property
    def n_dense_layers(self) -> int:
        """Dense feed-forward blocks: one in every layer without experts, unless the blocks are counted."""
        return self.n_layers - self.n_moe_layers if self.ffn.n_blocks is None else self.ffn.n_blocks

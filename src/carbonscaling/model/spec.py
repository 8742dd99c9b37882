"""What a transformer is: the numbers of its architecture, nothing about how it runs."""

from __future__ import annotations

from pathlib import PurePath
from typing import Literal

from carbonscaling.errors import InputError
from carbonscaling.fields import check_fields
from carbonscaling.model.attention import Attention, Indexer
from carbonscaling.model.check import at_least
from carbonscaling.model.encoder import Encoder
from carbonscaling.model.feed_forward import Experts, FeedForward
from carbonscaling.model.mixer import Mixer
from carbonscaling.model.tower import Tower
from carbonscaling.record import dataclass

__all__ = ["Attention", "Encoder", "Experts", "FeedForward", "Indexer", "ModelSpec"]


@dataclass(frozen=True)
class ModelSpec:
    """A language model: layers of attention or another mixer of tokens, and of feed-forward blocks or experts.

    Attributes
    ----------
    name : str
    n_layers, d_model, vocab_size : int
    seq_len : int
        Default training sequence length, in tokens; of an encoder-decoder the encoder's.
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
    mtp_runs : int
        How often each of these modules runs, its weights the same (Nemotron 3 Super and Ultra: 2).
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
    encoder : Encoder, optional
        What makes the model an encoder-decoder, whose decoder the other fields describe.
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
    mtp_runs: int = 1
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
    encoder: Encoder | None = None
    assumed: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    seq_len_why: str = ""
    seq_len_range: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Refuse an architecture that cannot be."""
        check_fields(self)
        at_least(self, 1, "n_layers", "d_model", "seq_len", "n_streams", "mtp_runs")
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
        if self.encoder is not None:
            self._check_decoder()

    def _check_decoder(self) -> None:
        """Refuse a decoder of an encoder-decoder that has more than plain attention and dense feed-forward blocks."""
        a, plain = self.attention, ("local", "experts", "mixer", "d_embed", "n_mtp", "parallel_block", "extra_weights")
        more = [name for name in plain if getattr(self, name)] + ["n_streams"] * (self.n_streams > 1)
        if a is None or not a.causal or a.kv_lora_rank or a.window or a.indexer or a.n_layers is not None:
            more.append("attention")
        if more:
            raise InputError(
                "an encoder is counted in front of a plain decoder alone", key=more[0],
                allowed="causal attention without window or latent, and a dense feed-forward block in every layer",
                remedy=f"leave {more[0]} out, or the encoder",
            )  # fmt: skip

    @property
    def ffn_only(self) -> bool:
        """Whether this is the papers' family: feed-forward blocks alone, no router, nothing else (ruling R2)."""
        return self.attention is None and self.mixer is None and self.vocab_size == 0

    @property
    def n_predicted(self) -> int:
        """Tokens beyond the next that are predicted: modules of multi-token prediction times their runs."""
        return self.n_mtp * self.mtp_runs

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

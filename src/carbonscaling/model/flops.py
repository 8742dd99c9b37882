"""Floating-point operations a token costs, part by part, and the conventions in which utilisation is quoted.

Matrix multiplications only, a multiplication and an addition counted as two: softmax, norms and other element-wise work
are left out, as every published MFU does.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Literal, get_args

import numpy as np

from carbonscaling.arrays import Number, Truth
from carbonscaling.errors import InputError, nearest
from carbonscaling.hints import NamedTuple
from carbonscaling.model.mixer import of_all_layers, scan_flops
from carbonscaling.model.params import active_params, encoder_params, indexer_params
from carbonscaling.model.spec import Attention, ModelSpec
from carbonscaling.record import dataclass

__all__ = [
    "Convention",
    "ForwardFlops",
    "attention_span",
    "forward_flops",
    "hardware_flops_per_token",
    "mean_keys",
    "stacks",
    "training_flops_per_token",
]

Convention = Literal["causal", "full", "6N"]
"""How an MFU counts: causal half of the scores (the default), scores in full, or ``6·N`` without any scores."""


@dataclass(frozen=True)
class ForwardFlops:
    """FLOPs of one token's forward pass through the whole model; the parts add up to `total`.

    Attributes
    ----------
    qkv, out : float
        Projections into and out of attention.
    scores : float
        Queries against keys, and probabilities against values; where an indexer picks the keys, its scores of all of them.
    mixer, scan : float
        Matrices of state spaces, linear attention and convolutions, and what these do along the sequence.
    ffn : float
        Dense feed-forward blocks.
    router : float
        Expert scores and the shared experts' gate.
    experts : float
        Routed and shared experts.
    logits : float
        Output head.
    mtp : float
        Multi-token-prediction modules, each a layer, a projection and a pass through the head.
    extra : float
        `ModelSpec.extra_weights`.
    """

    qkv: float = 0.0
    scores: float = 0.0
    out: float = 0.0
    mixer: float = 0.0
    scan: float = 0.0
    ffn: float = 0.0
    router: float = 0.0
    experts: float = 0.0
    logits: float = 0.0
    mtp: float = 0.0
    extra: float = 0.0

    @property
    def total(self) -> float:
        """Sum of all parts."""
        return float(sum(getattr(self, field.name) for field in fields(self)))

    @property
    def layers(self) -> float:
        """What recomputation repeats: everything but the head and the multi-token-prediction modules."""
        return self.total - self.logits - self.mtp


def mean_keys(seq_len: Number, window: Number, causal: Number | Truth) -> Number:
    """Return the mean number of keys a query is counted against.

    Parameters
    ----------
    seq_len : float or array
        Tokens of a sequence, s.
    window : float or array
        Sliding-window length; infinity for none.
    causal : bool or array
        Count what a causal mask leaves: ``w - w²/(2s)`` with ``w = min(window, s)``, so s/2 without a window
        (Megatron's "causal half"; the exact mean is half a key more). Otherwise w (PaLM, arXiv 2204.02311, appendix B:
        s).

    >>> float(mean_keys(4096, np.inf, True)), float(mean_keys(4096, 128, False))
    (2048.0, 128.0)
    """
    w = np.minimum(window, seq_len)
    return w - np.where(causal, w * w / (2.0 * seq_len), 0.0)


def _seen(a: Attention, n_layers: int, seq_len: Number, causal: bool) -> Number:
    """Mean keys that a query sees, over the windowed and global layers of one kind of attention."""
    counted = causal and a.causal
    most = np.inf if a.indexer is None else float(a.indexer.top_k)
    share = a.n_window_layers / n_layers if n_layers else 0.0
    windowed = mean_keys(seq_len, np.inf if a.window is None else a.window, counted)
    if a.compressed:
        windowed = windowed + mean_keys(seq_len, most * a.compressed, counted) / a.compressed
    return share * windowed + (1 - share) * mean_keys(seq_len, most, counted)


class Stacks(NamedTuple):
    """Tokens of a sequence in the layers of an encoder-decoder.

    Attributes
    ----------
    inputs, targets : Number
        Tokens of the encoder's sequence, and of the decoder's.
    passed : Number
        Tokens that pass a layer, over all layers.
    queries, keyed : Number
        Tokens that attention makes queries of, and keys and values, over all blocks: an encoder's self-attention, a decoder's,
        and its cross-attention, whose keys are the encoder's result.
    scores : Number
        Pairs of a query and a key that it sees, over all blocks.
    """

    inputs: Number
    targets: Number
    passed: Number
    queries: Number
    keyed: Number
    scores: Number


def stacks(spec: ModelSpec, seq_len: Number | None = None, causal: bool = True) -> Stacks:
    """Return the tokens of an encoder-decoder's layers.

    Parameters
    ----------
    spec : ModelSpec
        With an encoder.
    seq_len : float or array, optional
        Tokens of the encoder's sequence; the model's own if not given.
    causal : bool
        As in `mean_keys`, for the decoder's self-attention.
    """
    e, m = spec.encoder, spec.n_layers
    assert e is not None
    s = float(spec.seq_len) if seq_len is None else seq_len
    t, n = s * e.target_len / spec.seq_len, e.n_layers
    return Stacks(
        inputs=s,
        targets=t,
        passed=n * s + m * t,
        queries=n * s + 2 * m * t,
        keyed=n * s + m * (t + s),
        scores=n * s * s + m * t * (mean_keys(t, np.inf, causal) + s),
    )


def attention_span(spec: ModelSpec, seq_len: Number | None = None, causal: bool = True) -> Number:
    """Return the mean number of keys a query sees, over all layers with attention, wide heads counting more.

    Parameters
    ----------
    spec : ModelSpec
    seq_len : float or array, optional
        Tokens of a sequence; the model's own if not given.
    causal : bool
        As in `mean_keys`; encoders always see all.
    """
    s = spec.seq_len if seq_len is None else seq_len
    if spec.encoder is not None:
        both = stacks(spec, s, causal)
        return both.scores / both.queries
    weights = [(n * _per_key(a), _seen(a, n, s, causal)) for a, n in spec.attentions]
    total = sum(weight for weight, _ in weights)
    return sum((weight / total * seen for weight, seen in weights), start=0.0 * s) if total else 0.0 * s


def _per_key(a: Attention) -> float:
    """Multiply-add pairs of a query and a key it sees: scores and context."""
    return float(a.n_heads * (a.d_query_key + a.d_value))


def index_width(a: Attention) -> float:
    """Return the multiply-add pairs of a query's indexer against one key."""
    return 0.0 if a.indexer is None else float(a.indexer.n_heads * a.indexer.head_dim)


def projections(d: int, a: Attention) -> tuple[float, float]:
    """Return the multiply-add pairs a token costs in the projections of one layer: into attention, and out."""
    d_q = a.n_heads * a.d_query_key
    gate = d * {"none": 0, "head": a.n_heads, "full": a.n_heads * a.d_value}[a.gate]
    out = float(a.n_heads * a.d_value * d)
    if a.out_rank:
        out = float(a.out_rank * (a.n_heads * a.d_value + a.out_groups * d))
    query = d * d_q if a.q_lora_rank is None else a.q_lora_rank * (d + d_q)
    if a.kv_lora_rank is None:
        return float(query + d * kv_projected(a) + gate), out
    latent = d * (a.kv_lora_rank + a.rope_head_dim) + a.kv_lora_rank * a.n_heads * (a.head_dim + a.d_value)
    return float(query + latent + gate), out


def kv_projected(a: Attention) -> int:
    """Return the width that a token's keys and values are projected to in one layer."""
    return a.n_kv_heads * (a.d_query_key + (0 if a.one_kv else a.d_value))


def forward_flops(spec: ModelSpec, seq_len: int | None = None, causal: bool = True) -> ForwardFlops:
    """Return the FLOPs of one token's forward pass by part.

    Narayanan et al. 2021 (arXiv 2104.04473), appendix, for the dense case; experts count `top_k` routed ones and the
    shared ones; windowed layers see at most their window. A token of an encoder-decoder is one of the encoder's, with its
    share of the decoder's.

    Parameters
    ----------
    spec : ModelSpec
    seq_len : int, optional
        Tokens of a sequence; the model's own if not given.
    causal : bool
        Count half of the attention scores.
    """
    d, e, m = spec.d_model, spec.experts, spec.mixer
    s = spec.seq_len if seq_len is None else seq_len
    if spec.encoder is not None:
        return _of_both(spec, stacks(spec, s, causal))
    kinds = [(a, n, *projections(d, a)) for a, n in spec.attentions]
    scores = sum(
        n * _per_key(a) * float(_seen(a, n, s, causal))
        + _own(a, n) * index_width(a) * float(mean_keys(s, np.inf, causal)) / (a.compressed or 1)
        for a, n, *_ in kinds
    )
    index = sum(_own(a, n) * indexer_params(d, a)[0] for a, n, *_ in kinds)
    ffn = float(spec.ffn.n_matrices * d * spec.ffn.d_ff)
    router = experts = 0.0
    if e is not None:
        latent = e.d_latent or d
        router = 0.0 if spec.ffn_only else float(d * (e.n_routed + e.n_zero + e.shared_gate + 2 * (e.d_latent or 0)))
        experts = float(e.n_matrices * (e.visited * latent * e.d_ff + d * e.d_ff_shared))
    d_embed = spec.d_embed or d
    logits = float(spec.vocab_size * d_embed) + (0.0 if spec.d_embed is None else 2.0 * d_embed * d)
    block = ffn if e is None else router + experts
    one = [into + out + _per_key(a) * float(_seen(a, 0, s, causal)) for a, _, into, out in kinds[:1]]
    mtp = 2.0 * d * d + sum(one) + block + logits
    return ForwardFlops(
        qkv=2 * (sum(n * into - a.n_without_kv * d * kv_projected(a) for a, n, into, _ in kinds) + index),
        scores=2 * scores,
        out=2 * sum(n * out for _, n, _, out in kinds),
        mixer=0.0 if m is None else 2.0 * of_all_layers(m, d)[0],
        scan=0.0 if m is None else m.n_layers * scan_flops(m),
        ffn=2 * spec.n_dense_layers * ffn,
        router=2 * spec.n_moe_layers * router,
        experts=2 * spec.n_moe_layers * experts,
        logits=2 * logits,
        mtp=2 * spec.n_predicted * mtp,
        extra=2.0 * spec.extra_weights,
    )


def _of_both(spec: ModelSpec, both: Stacks) -> ForwardFlops:
    """Return the FLOPs of an encoder-decoder, for a token of its encoder."""
    a, d, s = spec.attention, spec.d_model, float(both.inputs)
    assert a is not None
    (into, out), made = projections(d, a), d * kv_projected(a)
    return ForwardFlops(
        qkv=2.0 * float(both.queries * (into - made) + both.keyed * made) / s,
        scores=2.0 * float(both.scores) * _per_key(a) / s,
        out=2.0 * float(both.queries) * out / s,
        ffn=2.0 * float(both.passed) * spec.ffn.n_matrices * d * spec.ffn.d_ff / s,
        logits=2.0 * float(both.targets) * spec.vocab_size * d / s,
    )


def _own(a: Attention, n_layers: int) -> int:
    """Layers with an indexer of their own."""
    if a.indexer is None:
        return 0
    return n_layers if a.indexer.n_layers is None else a.indexer.n_layers


def _check(convention: str) -> None:
    if convention not in get_args(Convention):
        raise InputError(
            "unknown FLOP convention",
            value=convention,
            allowed=", ".join(get_args(Convention)),
            suggestion=nearest(convention, get_args(Convention)),
        )


def training_flops_per_token(
    spec: ModelSpec, seq_len: int | None = None, convention: Convention = "causal", mtp: bool = True
) -> float:
    """Return the model FLOPs of training on one token: three times the forward pass, no recomputation.

    Parameters
    ----------
    spec : ModelSpec
    seq_len : int, optional
        Tokens of a sequence; the model's own if not given.
    convention : {"causal", "full", "6N"}
        "full" is PaLM's (arXiv 2204.02311, appendix B) and Korthikanti et al.'s (arXiv 2205.05198, eq. 7); "6N" is
        ``6·active_params`` (Kaplan et al. 2020, arXiv 2001.08361, eq. 2.2, there without embeddings), of an encoder-decoder
        each stack's times the tokens that pass it.
    mtp : bool
        Count the multi-token-prediction modules ("6N" never does).

    Raises
    ------
    InputError
        Unknown convention.
    """
    _check(convention)
    if convention == "6N":
        both = None if spec.encoder is None else stacks(spec, seq_len)
        ahead = encoder_params(spec)
        share = 1.0 if both is None else float(both.targets / both.inputs)
        return 6.0 * (ahead + share * (active_params(spec) - ahead))
    forward = forward_flops(spec, seq_len, causal=convention == "causal")
    return 3.0 * (forward.total - (0.0 if mtp else forward.mtp))


def hardware_flops_per_token(
    spec: ModelSpec,
    seq_len: int | None = None,
    convention: Literal["causal", "full"] = "full",
    recomputed: float = 1.0,
) -> float:
    """Return the FLOPs executed for training on one token, recomputation included.

    Narayanan et al. 2021 (arXiv 2104.04473), eq. 3: full recomputation repeats the forward pass of the layers, so that
    they cost 4/3 of their model FLOPs; the head is not repeated.

    Parameters
    ----------
    spec : ModelSpec
    seq_len : int, optional
    convention : {"causal", "full"}
    recomputed : float
        Fraction of the layers' forward work done twice, 0 to 1.

    Raises
    ------
    InputError
        Unknown convention.
    """
    _check(convention)
    forward = forward_flops(spec, seq_len, causal=convention == "causal")
    return 3.0 * forward.total + recomputed * forward.layers

"""How many parameters a model has, part by part, exactly.

The formulas count weight matrices, biases and norm weights as the published checkpoints hold them; a test holds them to
the counts of the released models.
"""

from __future__ import annotations

from dataclasses import fields
from functools import cached_property, lru_cache

from carbonscaling.model.mixer import of_all_layers
from carbonscaling.model.spec import Attention, ModelSpec
from carbonscaling.record import dataclass

__all__ = [
    "ParameterCount",
    "active_params",
    "attention_params",
    "encoder_params",
    "ffn_params",
    "mla_params",
    "mtp_params",
    "parameter_count",
    "total_params",
]

NORM_VECTORS = {"rmsnorm": 1, "layernorm": 2, "none": 0}


@dataclass(frozen=True)
class ParameterCount:
    """Parameters of a model by part; the parts add up to `total`.

    Attributes
    ----------
    embedding : int
        Token table, with OPT-350M's two projections.
    positions : int
        Learned absolute positions.
    attention : int
        Projections, gates, biases, query/key and latent norms, sinks, indexers, over all layers.
    mixer : int
        State spaces, linear attention, convolutions, RWKV's token mixing, over all layers.
    ffn : int
        Feed-forward blocks of the dense layers.
    router : int
        Expert scores, their biases, the shared experts' gate, projections to a latent width.
    routed_experts, shared_experts : int
    norms : int
        Full-width norms.
    head : int
        Output projection (0 when tied) and its bias.
    extra : int
        `ModelSpec.extra_params`.
    """

    embedding: int = 0
    positions: int = 0
    attention: int = 0
    mixer: int = 0
    ffn: int = 0
    router: int = 0
    routed_experts: int = 0
    shared_experts: int = 0
    norms: int = 0
    head: int = 0
    extra: int = 0

    @cached_property
    def total(self) -> int:
        """Sum of all parts."""
        return sum(getattr(self, field.name) for field in fields(self))


def ffn_params(d_model: int, d_ff: int, n_matrices: int, bias: int = 0) -> int:
    """Parameters of a feed-forward block, ``n_matrices·d·d_ff`` and biases.

    Parameters
    ----------
    d_model, d_ff : int
    n_matrices : int
        2, or 3 when gated (Shazeer 2020, arXiv 2002.05202, eq. 5).
    bias : int
        1 when every matrix has one.

    >>> ffn_params(4096, 14336, 3)
    176160768
    """
    return n_matrices * d_model * d_ff + bias * ((n_matrices - 1) * d_ff + d_model)


def attention_params(d_model: int, n_heads: int, n_kv_heads: int, d_key: int, d_value: int) -> int:
    """Weights of multi-head or grouped-query attention (Ainslie et al. 2023, arXiv 2305.13245), without biases.

    >>> attention_params(4096, 32, 8, 128, 128)
    41943040
    """
    return d_model * (n_heads * d_key + n_kv_heads * (d_key + d_value)) + n_heads * d_value * d_model


def mla_params(
    d_model: int, n_heads: int, d_nope: int, d_rope: int, d_value: int, q_rank: int | None, kv_rank: int
) -> int:
    """Weights of multi-head latent attention with the norms of its latents, without biases.

    DeepSeek-V2 (arXiv 2405.04434), eqs. 9-19: keys and values go through a latent of `kv_rank` beside one rotary key of
    `d_rope`; queries through a latent of `q_rank`, or straight where that is None (V2-Lite).

    >>> mla_params(7168, 128, 128, 64, 128, 1536, 512)
    187107328
    """
    d_query = n_heads * (d_nope + d_rope)
    query = d_model * d_query if q_rank is None else q_rank * (d_model + 1 + d_query)
    key_value = d_model * (kv_rank + d_rope) + kv_rank + kv_rank * n_heads * (d_nope + d_value)
    return query + key_value + n_heads * d_value * d_model


def _attention(spec: ModelSpec, a: Attention) -> int:
    """Parameters of one layer's attention."""
    d, d_q, d_kv = spec.d_model, a.n_heads * a.d_query_key, a.n_kv_heads * a.d_query_key
    qkv_width = d_q + a.kv_width
    if a.kv_lora_rank is not None:
        weights = mla_params(d, a.n_heads, a.head_dim, a.rope_head_dim, a.d_value, a.q_lora_rank, a.kv_lora_rank)
        qkv_width = (a.q_lora_rank or 0) + a.kv_lora_rank + a.rope_head_dim
    else:
        weights = attention_params(d, a.n_heads, a.n_kv_heads, a.d_query_key, a.d_value)
        if a.q_lora_rank is not None:
            weights += a.q_lora_rank * (d + 1 + d_q) - d * d_q
    if a.one_kv:
        weights -= d * a.n_kv_heads * a.d_value
        qkv_width -= a.n_kv_heads * a.d_value
    if a.out_rank:
        weights += a.out_rank * (a.n_heads * a.d_value + a.out_groups * d) - a.n_heads * a.d_value * d
    norm = {"none": 0, "head": 2 * a.d_query_key, "full": d_q + d_kv}[a.qk_norm]
    gate = {"none": 0, "head": a.n_heads, "full": a.n_heads * a.d_value}[a.gate]
    return weights + a.qkv_bias * (qkv_width + gate) + a.out_bias * d + norm + a.sinks * a.n_heads + d * gate


def _shared_kv(spec: ModelSpec, a: Attention) -> int:
    """Parameters of keys and values that layers do without because they use another layer's."""
    width = a.n_kv_heads * (a.d_query_key + (0 if a.one_kv else a.d_value))
    return a.n_without_kv * (spec.d_model * width + a.qkv_bias * width + (a.qk_norm == "head") * a.d_query_key)


def indexer_params(d_model: int, a: Attention) -> tuple[int, int]:
    """Return the weights of one indexer's matrices, and the rest: norms.

    DeepSeek-V3.2: queries from MLA's latent (or the model width), one key head under a LayerNorm, a weight per head.
    MiniMax-M3: queries and one key head from the model width, a norm on both.
    """
    i = a.indexer
    if i is None:
        return 0, 0
    if i.own_queries:
        return d_model * (i.n_heads + 1) * i.head_dim, 2 * i.head_dim
    return (a.q_lora_rank or d_model) * i.n_heads * i.head_dim + d_model * (i.head_dim + i.n_heads), 2 * i.head_dim


def _indexers(spec: ModelSpec, a: Attention, n_layers: int) -> int:
    n_own = n_layers if a.indexer is None or a.indexer.n_layers is None else a.indexer.n_layers
    return n_own * sum(indexer_params(spec.d_model, a))


def _moe_layer(spec: ModelSpec) -> tuple[int, int, int]:
    """Router, routed and shared expert parameters of one mixture-of-experts layer."""
    e = spec.experts
    if e is None:
        return 0, 0, 0
    d = e.d_latent or spec.d_model
    choices = e.n_routed + e.n_zero
    router = 0 if spec.ffn_only else choices * (spec.d_model + e.router_bias) + e.shared_gate * spec.d_model
    router += 0 if e.d_latent is None else 2 * spec.d_model * e.d_latent
    routed = e.n_routed * ffn_params(d, e.d_ff, e.n_matrices, e.bias)
    shared = ffn_params(spec.d_model, e.d_ff_shared, e.n_matrices, e.bias) if e.d_ff_shared else 0
    return router, routed, shared


@lru_cache(maxsize=256)
def parameter_count(spec: ModelSpec) -> ParameterCount:
    """Return the parameters of `spec` by part, multi-token-prediction modules left out.

    In the papers' family (`ModelSpec.ffn_only`) this is ``2·d·d_ff·L·E`` and nothing else. An encoder's layers and
    cross-attention stand in the same parts.
    """
    d, n_moe = spec.d_model, spec.n_moe_layers
    n_ahead = 0 if spec.encoder is None else spec.encoder.n_layers
    n_crossed, stacks = (0, 1) if spec.encoder is None else (spec.n_layers, 2)
    router, routed, shared = _moe_layer(spec)
    norm = NORM_VECTORS[spec.norm] * d
    d_embed = spec.d_embed or d
    table = spec.vocab_size * d_embed
    n_norms = (spec.n_layers + n_ahead) * spec.norms_per_layer + n_crossed
    n_norms += stacks * (spec.final_norm + spec.embedding_norm)
    return ParameterCount(
        embedding=table + (0 if spec.d_embed is None else 2 * d_embed * d),
        positions=stacks * spec.n_positions * d,
        attention=sum(
            (n + n_ahead + n_crossed) * _attention(spec, a) + _indexers(spec, a, n) - _shared_kv(spec, a)
            for a, n in spec.attentions
        ),
        mixer=0 if spec.mixer is None else of_all_layers(spec.mixer, d)[1],
        ffn=(spec.n_dense_layers + n_ahead) * ffn_params(d, spec.ffn.d_ff, spec.ffn.n_matrices, spec.ffn.bias),
        router=n_moe * router,
        routed_experts=n_moe * routed,
        shared_experts=n_moe * shared,
        norms=0 if spec.ffn_only else n_norms * norm,
        head=(0 if spec.tied_embeddings else table) + spec.head_bias * spec.vocab_size,
        extra=spec.extra_params,
    )


def encoder_params(spec: ModelSpec) -> int:
    """Return the parameters of an encoder-decoder's encoder alone, without the embedding that both stacks share."""
    if spec.encoder is None:
        return 0
    assert spec.attention is not None
    norm, d = NORM_VECTORS[spec.norm] * spec.d_model, spec.d_model
    layer = _attention(spec, spec.attention) + ffn_params(d, spec.ffn.d_ff, spec.ffn.n_matrices, spec.ffn.bias)
    n_norms = spec.encoder.n_layers * spec.norms_per_layer + spec.final_norm + spec.embedding_norm
    return spec.encoder.n_layers * layer + n_norms * norm + spec.n_positions * d


def total_params(spec: ModelSpec) -> int:
    """Return all parameters, embeddings and head counted, multi-token-prediction modules not."""
    return parameter_count(spec).total


def active_params(spec: ModelSpec) -> int:
    """Return the parameters one token meets: everything but the routed experts it does not visit.

    Embeddings and head count in full, as in the published "active" figures (Mixtral, arXiv 2401.04088: 12.9B).
    """
    count = parameter_count(spec)
    if spec.experts is None:
        return count.total
    e = spec.experts
    visited = count.routed_experts * e.top_k // (e.n_routed + e.n_zero)
    return count.total - count.routed_experts + visited


def mtp_params(spec: ModelSpec) -> int:
    """Return the parameters of the multi-token-prediction modules alone.

    DeepSeek-V3 (arXiv 2412.19437), section 2.2: each has a projection of ``2d x d``, three norms and one layer of the
    model's last kind; embedding and head are shared with the model and not counted again (released checkpoints store
    copies of both, hence their "14B").
    """
    d = spec.d_model
    norm = NORM_VECTORS[spec.norm] * d
    block = sum(_moe_layer(spec)) or ffn_params(d, spec.ffn.d_ff, spec.ffn.n_matrices, spec.ffn.bias)
    attention = (
        0 if spec.attention is None else _attention(spec, spec.attention) + sum(indexer_params(d, spec.attention))
    )
    return spec.n_mtp * (2 * d * d + 3 * norm + attention + block + spec.norms_per_layer * norm)

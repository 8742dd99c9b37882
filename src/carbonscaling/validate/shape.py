"""The model of a measured row: its shape columns, or a name of the catalogue, a file, or a parameter count."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from carbonscaling.catalog import models
from carbonscaling.errors import InputError
from carbonscaling.evidence.row import RunRow, Unusable, count
from carbonscaling.model.from_law import spec_for_params
from carbonscaling.model.params import total_params
from carbonscaling.model.spec import Attention, Experts, FeedForward, ModelSpec

__all__ = ["shape"]


@lru_cache(maxsize=1)
def _by_shape() -> dict[tuple[int, ...], ModelSpec]:
    """Catalogue models by (layers, width, heads, experts): a row that matches one gets what a row cannot say."""
    found: dict[tuple[int, ...], ModelSpec] = {}
    for name in models.model_names():
        spec = models.model(name)
        if spec.attention is not None and spec.encoder is None:
            key = (spec.n_layers, spec.d_model, spec.attention.n_heads, spec.experts.n_routed if spec.experts else 0)
            found.setdefault(key, spec)
    return found


UNSTATED = 2048
"""Tokens of a sequence where neither a row nor the model of the catalogue that it names says how many."""


def _named(row: RunRow, seq_len: int, notes: list[str]) -> ModelSpec:
    """Model of the catalogue by the row's name, or of the file that it names, where the row has no shape."""
    try:
        spec = models.load_model(row.model) if row.model.endswith((".toml", ".json")) else models.model(row.model)
    except InputError as error:
        if row.params_b and not row.n_experts and (row.active_params_b or row.params_b) == row.params_b:
            notes.append(f"a Llama-like shape of {row.params_b:g}B parameters, {seq_len or UNSTATED} tokens a sequence")
            return spec_for_params(row.params_b * 1e9, seq_len=seq_len or UNSTATED)
        raise Unusable("no model shape (n_layers, d_model) and the model's name is not in the catalogue") from error
    notes.append(f"shape of {spec.name}")
    length, ahead = seq_len or spec.seq_len, spec.encoder
    if ahead is not None:
        ahead = replace(ahead, target_len=max(1, round(ahead.target_len * length / spec.seq_len)))
    return replace(spec, seq_len=length, n_positions=0, encoder=ahead)


def shape(row: RunRow, notes: list[str]) -> ModelSpec:
    """Return the model of a row; what had to be assumed is added to `notes`.

    Raises
    ------
    Unusable
        No shape and no known name, or a shape that contradicts itself.
    """
    n_layers, d_model, seq_len = count(row.n_layers), count(row.d_model), count(row.seq_len)
    if not n_layers or not d_model:
        return _named(row, seq_len, notes)
    if not seq_len:
        seq_len = UNSTATED
        notes.append(f"sequence length {UNSTATED}")
    n_heads = count(row.n_heads) or max(1, d_model // 128)
    n_experts = count(row.n_experts) if count(row.n_experts) > 1 else 0
    vocab = count(row.vocab) or 51200
    if not row.vocab:
        notes.append("vocabulary 51200")
    known = _by_shape().get((n_layers, d_model, n_heads, n_experts))
    if known is not None and known.attention is not None and known.attention.kind == "mla":
        return replace(known, seq_len=seq_len, vocab_size=vocab if row.vocab else known.vocab_size, n_positions=0)
    n_kv = count(row.n_kv_heads) or n_heads
    if n_kv > n_heads or n_heads % n_kv:
        raise Unusable(f"{n_kv} key/value heads do not divide {n_heads} heads")
    gated = row.ffn_type in ("swiglu", "geglu", "reglu")
    d_ff = count(row.d_ff) or (4 * d_model if not gated else 8 * d_model // 3)
    experts = None
    if n_experts:
        if not row.top_k:
            raise Unusable("experts without top_k")
        width = count(row.d_ff_expert) or d_ff
        experts = Experts(
            n_routed=n_experts,
            top_k=min(count(row.top_k), n_experts),
            d_ff=width,
            d_ff_shared=count(row.n_shared_experts) * width,
            n_dense_layers=min(count(row.n_dense_layers), n_layers - 1),
            gated=gated,
            bias=known.experts.bias if known and known.experts else False,
            node_limit=known.experts.node_limit if known and known.experts else None,
        )
    window = known.attention if known else None
    spec = ModelSpec(
        name=row.model,
        n_layers=n_layers,
        d_model=d_model,
        vocab_size=vocab,
        seq_len=seq_len,
        attention=Attention(
            n_heads=n_heads,
            n_kv_heads=n_kv,
            head_dim=count(row.head_dim) or max(1, d_model // n_heads),
            window=window.window if window else None,
            n_window_layers=window.n_window_layers if window else 0,
        ),
        ffn=FeedForward(d_ff=d_ff, gated=gated),
        experts=experts,
        tied_embeddings=bool(row.tied_embeddings),
        parallel_block=known.parallel_block if known else False,
        source=row.source,
    )
    return _every_other(row, spec, notes)


def _every_other(row: RunRow, spec: ModelSpec, notes: list[str]) -> ModelSpec:
    """Experts in every other layer, where a row says nothing of dense ones and that meets its parameter count better."""
    if spec.experts is None or row.n_dense_layers is not None or not row.params_b:
        return spec
    half = replace(spec, experts=replace(spec.experts, n_dense_layers=spec.n_layers // 2))
    stated = row.params_b * 1e9
    if abs(total_params(half) - stated) < abs(total_params(spec) - stated):
        notes.append("experts in every other layer")
        return half
    return spec

"""The model of a measured serving: its shape columns, or a name of the catalogue, or a parameter count."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache

from carbonscaling.catalog import models
from carbonscaling.errors import InputError
from carbonscaling.evidence.row import Unusable, count
from carbonscaling.evidence.serving_row import ServingRow
from carbonscaling.model.from_law import spec_for_params
from carbonscaling.model.params import total_params
from carbonscaling.model.spec import Attention, Experts, FeedForward, ModelSpec

__all__ = ["serving_shape"]

ANY_LENGTH = 4096
"""Length that shapes are counted at; the time of serving does not depend on it."""
NEAR = 0.1
"""A catalogue model with the row's layers, width and heads is the row's model where its parameters are this near."""


@lru_cache(maxsize=1)
def _by_shape() -> dict[tuple[int, int, int], tuple[ModelSpec, ...]]:
    found: dict[tuple[int, int, int], tuple[ModelSpec, ...]] = {}
    for spec in map(models.model, models.model_names()):
        if spec.attention is not None and spec.encoder is None:
            key = (spec.n_layers, spec.d_model, spec.attention.n_heads)
            found[key] = (*found.get(key, ()), spec)
    return found


def _sized(name: str) -> float | None:
    """Parameters that a name states ("Deci/DeciLM-7B": 7e9); None where it has experts or says nothing."""
    sizes = re.findall(r"(?<![\w.])(\d+(?:\.\d+)?)[bB](?![a-zA-Z])", name)
    return float(sizes[0]) * 1e9 if len(sizes) == 1 and not re.search(r"[aA]\d+[bB]|\dx\d", name) else None


def _named(row: ServingRow) -> ModelSpec:
    for name in filter(None, (row.model, row.arch)):
        try:
            return models.model(name)
        except InputError:
            continue
    dense = not row.n_experts and (row.active_params_b or row.params_b) == row.params_b
    size = row.params_b * 1e9 if row.params_b and dense else _sized(row.model)
    if size is None:
        raise Unusable("no model shape (n_layers, d_model), and the model's name is not in the catalogue")
    return spec_for_params(size, seq_len=ANY_LENGTH)


def _like(row: ServingRow, spec: ModelSpec) -> bool:
    """Whether a model of the row's layers, width and heads has its key heads and inner width too, where it states them."""
    a = spec.attention
    latent = row.kv_type == "mla"
    heads = a is None or ((a.kv_lora_rank is not None) == latent and (latent or row.n_kv_heads in (None, a.n_kv_heads)))
    dense = spec.experts is None and not count(row.n_experts)
    return heads and (not dense or spec.ffn is None or row.d_ff in (None, spec.ffn.d_ff))


def serving_shape(row: ServingRow) -> ModelSpec:
    """Return the model of a row.

    Raises
    ------
    Unusable
        No shape, no known name and no size.
    InputError
        A shape that contradicts itself.
    """
    if not row.n_layers or not row.d_model:
        return _named(row)
    n_heads = count(row.n_heads) or max(1, count(row.d_model) // 128)
    known = _by_shape().get((count(row.n_layers), count(row.d_model), n_heads), ())
    stated = (row.params_b or 0.0) * 1e9
    near = [m for m in known if stated and abs(total_params(m) / stated - 1.0) < NEAR and _like(row, m)]
    if near:
        return min(near, key=lambda m: abs(total_params(m) - stated))
    return _from_columns(row, n_heads)


def _from_columns(row: ServingRow, n_heads: int) -> ModelSpec:
    n_layers, d_model = count(row.n_layers), count(row.d_model)
    head_dim, latent = count(row.head_dim) or max(1, d_model // n_heads), row.kv_type == "mla"
    n_full = n_layers if row.n_full_attn_layers is None else min(count(row.n_full_attn_layers), n_layers)
    windowed = bool(row.window) and n_full < n_layers
    n_kv = count(row.n_kv_heads) or n_heads
    experts = None
    if count(row.n_experts) > 1:
        width = count(row.d_ff_expert) or count(row.d_ff)
        experts = Experts(
            n_routed=count(row.n_experts), top_k=max(1, min(count(row.top_k), count(row.n_experts))), d_ff=width,
            d_ff_shared=count(row.n_shared_experts) * width,
            n_dense_layers=min(count(row.n_dense_layers), n_layers - 1),
        )  # fmt: skip
    # What shapes leave open: DeepSeek's ranks for latents, which every published MLA model has.
    attention = Attention(
        n_heads=n_heads, n_kv_heads=n_heads if latent else n_kv, head_dim=head_dim,
        q_lora_rank=1536 if latent else None, kv_lora_rank=512 if latent else None, rope_head_dim=64 if latent else 0,
        window=count(row.window) if windowed else None, n_window_layers=n_layers - n_full if windowed else 0,
    )  # fmt: skip
    spec = ModelSpec(
        name=row.model, n_layers=n_layers, d_model=d_model, vocab_size=count(row.vocab_size) or 128_000,
        seq_len=ANY_LENGTH, attention=attention,
        ffn=FeedForward(d_ff=count(row.d_ff) or 4 * d_model, gated=True), experts=experts, source=row.source,
    )  # fmt: skip
    stated = (row.params_b or 0.0) * 1e9
    kinds = [
        replace(spec, ffn=FeedForward(d_ff=spec.ffn.d_ff, gated=gated), tied_embeddings=tied)
        for gated, tied in ((True, False), (False, False), (True, True), (False, True))
    ]
    return min(kinds, key=lambda kind: abs(total_params(kind) - stated)) if stated else spec

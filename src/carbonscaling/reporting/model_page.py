"""A model in figures."""

from __future__ import annotations

from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from carbonscaling.model.card import ModelCard
from carbonscaling.model.tower import Tower, tower_flops, tower_params
from carbonscaling.perf.activations import kept_by_kind
from carbonscaling.perf.build import untimed, workload
from carbonscaling.reporting.bars import Bars
from carbonscaling.reporting.blocks import bullets
from carbonscaling.reporting.jsonable import jsonable
from carbonscaling.reporting.tables import grid
from carbonscaling.words import COUNTS, count, data

__all__ = ["model_dict", "model_page", "shape_sentence"]


MIXERS = {
    "mamba": "state space (Mamba)", "mamba2": "state space (Mamba-2)", "delta": "linear attention (gated delta rule)",
    "kda": "linear attention (Kimi delta rule)", "lightning": "linear attention (lightning)", "conv": "short convolution",
    "rwkv4": "RWKV-4", "rwkv5": "RWKV-5 (Eagle)", "rwkv6": "RWKV-6 (Finch)", "rwkv7": "RWKV-7 (Goose)",
}  # fmt: skip
"""Mixers by what a reader calls them."""


def shape_sentence(card: ModelCard) -> str:
    """Return the architecture in one sentence."""
    s = card.spec
    words = [f"{s.n_layers} layers of width {s.d_model:,}"]
    if s.encoder is not None:
        words = [f"an encoder of {s.encoder.n_layers} and a decoder of {words[0]}"]
    for a, n in s.attentions:
        heads = f"{a.n_heads} heads"
        if a.kind == "gqa":
            heads += f" sharing {a.n_kv_heads} key/value heads"
        words.append(f"{a.kind.upper()} attention with {heads}" + (f" in {n} layers" if n != s.n_layers else ""))
    if s.mixer is not None:
        words.append(f"{MIXERS[s.mixer.kind]} of width {s.mixer.d_inner:,} in {s.mixer.n_layers} layers")
    if s.experts is not None:
        words.append(
            f"{s.experts.n_routed} experts of width {s.experts.d_ff:,}, {s.experts.top_k} per token, "
            f"in {s.n_moe_layers} layers"
        )
    if s.n_dense_layers:
        words.append(f"feed-forward width {s.ffn.d_ff:,}")
    words.append(f"vocabulary {s.vocab_size:,}" + (", tied embeddings" if s.tied_embeddings else ""))
    ahead = "" if s.encoder is None else f" in the encoder, {s.encoder.target_len:,} in the decoder"
    words.append(f"sequences of {s.seq_len:,} tokens{ahead}")
    return "; ".join(words)


def model_dict(card: ModelCard) -> dict[str, Any]:
    """Return the card as plain data, the totals at the top."""
    spec, params = jsonable(card.spec), jsonable(card.params)
    return {
        "name": card.spec.name,
        "total_params": card.total_params,
        "active_params": card.active_params,
        "mtp_params": card.mtp_params,
        "params": params,
        "seq_len": card.seq_len,
        "forward_flops_per_token": {**jsonable(card.forward_flops), "total": card.forward_flops.total},
        "training_flops_per_token": jsonable(card.training_flops_per_token),
        "kv_width": card.kv_width,
        "kv_cache_width": card.kv_cache_width,
        "activation_bytes_per_layer": _kept(card),
        "state_bytes_per_layer": _state(card),
        "towers": {
            name: {"params": tower_params(t), "patches": n, "tokens": n // t.merge, "forward_flops": tower_flops(t, n)}
            for name, t, n in _towers(card)
        },
        "assumed": _assumed(card),
        "unread": list(card.spec.unread),
        "spec": spec,
    }


def _towers(card: ModelCard) -> list[tuple[str, Tower, int]]:
    """Towers by name, each with the patches of the image that its figures are for."""
    return [(name, t, card.patches or t.n_patches) for name, t in card.spec.towers.items()]


def _kept(card: ModelCard) -> dict[str, float]:
    return {} if untimed(card.spec) else kept_by_kind(workload(card.spec, card.seq_len))


def _state(card: ModelCard) -> float:
    """Bytes of the state of a mixer's layer for one sequence, in 32 bits."""
    return 0.0 if card.spec.mixer is None else 4.0 * card.spec.mixer.state_size


def _assumed(card: ModelCard) -> list[str]:
    """Return what was assumed of the model, its training length among it."""
    s = card.spec
    length = (f"sequences of {s.seq_len:,} tokens: {s.seq_len_why}",) if s.seq_len_why else ()
    return [*length, *s.said]


def _parameters(card: ModelCard) -> Bars:
    named = {"head": "output head", "ffn": "dense feed-forward"}
    parts = {named.get(name, name): value for name, value in jsonable(card.params).items()}
    return Bars("Parameters", parts, "", units=COUNTS)


def model_page(card: ModelCard) -> Group:
    """Return the page of a model."""
    active = f", {count(card.active_params)} of them active for a token" if card.spec.experts else ""
    mtp = f", and {count(card.mtp_params)} in multi-token-prediction modules" if card.mtp_params else ""
    flops = jsonable(card.forward_flops)
    table, kept = grid(34), grid(34)
    names = {"causal": "causal half of attention", "full": "attention in full", "6N": "6 N, without attention"}
    for key, value in card.training_flops_per_token.items():
        table.add_row(f"  {names.get(key, key)}", f"{value / 1e9:,.6g} GFLOP per token")
    for key, value in _kept(card).items():
        kept.add_row(f"  {key}", data(value))
    if card.spec.mixer is not None:
        kept.add_row("  state of a mixer, for one sequence", data(_state(card)))
    if reason := untimed(card.spec):
        kept.add_row("  not modelled", reason)
    beside = Table.grid(padding=(0, 2))
    for name, t, n in _towers(card):
        made = f"{n:,} patches, {n // t.merge:,} tokens: {tower_flops(t, n) / 1e9:,.6g} GFLOP forward"
        beside.add_row(f"  {name}", f"{tower_params(t):,} parameters", made)
    towers = (Text("Towers, not counted above", style="bold"), beside, Text("")) if card.spec.towers else ()
    return Group(
        Text(
            f"{card.spec.name}: {count(card.total_params)} parameters{active}{mtp}",
            style="bold",
        ),
        Text(shape_sentence(card)),
        Text(""),
        _parameters(card),
        Text(""),
        Bars(f"Forward pass of a token at {card.seq_len:,} tokens", {k: v / 1e9 for k, v in flops.items()}, "GFLOP"),
        Text(""),
        Text("Training, by convention", style="bold"),
        table,
        Text(""),
        Text("Kept for the backward pass by a layer, per sequence, on one device", style="bold"),
        kept,
        Text(""),
        *towers,
        *bullets("Assumed", _assumed(card)),
    )

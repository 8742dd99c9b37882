"""A row of the table and a file become a model."""

from __future__ import annotations

from typing import Any

from carbonscaling.model.huggingface.entries import Values
from carbonscaling.model.huggingface.layers import block_kinds, mixer_kinds
from carbonscaling.model.huggingface.lengths import train_length
from carbonscaling.model.mixer import Mixer
from carbonscaling.model.spec import Attention, Encoder, Experts, FeedForward, Indexer, ModelSpec

__all__ = ["assemble"]


def _indexer(v: Values) -> Indexer | None:
    if "index_heads" not in v:
        return None
    kinds = v["index_kinds"]
    n_own = None if kinds is None else sum(kind == v["index_kind"] for kind in kinds)
    return Indexer(v["index_heads"], v["index_dim"], v["index_top"], n_own, own_queries=v["index_own_queries"])


def _heads(v: Values, prefix: str = "") -> dict[str, Any]:
    """Heads of the main or of the windowed attention, which may differ."""
    n_heads, head_dim, n_kv = v[prefix + "n_heads"], v[prefix + "head_dim"], v[prefix + "n_kv_heads"]
    if n_heads % n_kv:
        raise v.c.fail("heads do not divide into groups", "num_key_value_heads", n_kv, f"a divisor of {n_heads}")
    return {
        "n_heads": n_heads, "n_kv_heads": n_kv, "head_dim": head_dim, "v_head_dim": v[prefix + "v_head_dim"],
        "sinks": v[prefix + "sinks"], "one_kv": v[prefix + "one_kv"],
    }  # fmt: skip


def _attentions(v: Values, kinds: list[str]) -> dict[str, Any]:
    """Return the model's attention, and a second one where windowed layers have other heads."""
    n_full, n_window = sum(kind in ("full", "both") for kind in kinds), kinds.count("window")
    window = v["window"] if v["window_if"] else None
    if n_full + n_window == 0:
        return {"attention": None}
    shared: dict[str, Any] = {
        "q_lora_rank": v["q_rank"], "kv_lora_rank": v["kv_rank"], "rope_head_dim": v["rope_dim"] if v["kv_rank"] else 0,
        "qkv_bias": v["qkv_bias"], "out_bias": v["out_bias"], "qk_norm": v["qk_norm"] if v["qk_norm_if"] else "none",
        "gate": v["gate"] if v["gate_if"] else "none", "causal": v["causal"], "out_rank": v["out_rank"],
        "out_groups": v["out_groups"],
    }  # fmt: skip

    if "compressed_layers" in v:
        n_sparse, n_heavy = v["compressed_layers"]
        shared |= _heads(v) | {"window": window}
        return {
            "attention": Attention(
                **shared, n_layers=n_sparse, n_window_layers=n_sparse, compressed=v["rate_sparse"], indexer=_indexer(v)
            ),
            "local": Attention(**shared, n_layers=n_heavy, n_window_layers=n_heavy, compressed=v["rate_heavy"]),
        }

    def counted(n: int) -> int | None:
        return None if n == len(kinds) else n

    if window is not None and n_window and "local_n_heads" in v and _heads(v, "local_") != _heads(v):
        shared_kv = v["shared_kv"]
        return {
            "attention": Attention(
                **_heads(v), **shared, n_layers=n_full, indexer=_indexer(v), n_without_kv=shared_kv[0]
            ),
            "local": Attention(
                **_heads(v, "local_"), **shared, n_layers=n_window, window=window, n_window_layers=n_window,
                n_without_kv=shared_kv[1],
            ),
        }  # fmt: skip
    return {
        "attention": Attention(
            **_heads(v), **shared, n_layers=counted(n_full + n_window), indexer=_indexer(v), window=window,
            n_window_layers=0 if window is None else n_window, n_without_kv=sum(v["shared_kv"]),
        )
    }  # fmt: skip


def _mixer(v: Values, n_layers: int) -> Mixer | None:
    if not n_layers:
        return None
    return Mixer(
        kind=v["mixer"], n_layers=n_layers, n_heads=v["mix_heads"], d_value=v["mix_dim"], d_key=v["mix_state"],
        n_groups=v["mix_groups"], conv=v["conv"], chunk=v["chunk"], rank=v["rank"], bias=v["mix_bias"],
        conv_bias=v["conv_bias"], inner_norm=v["inner_norm"], full_gate=v["full_gate"],
        shift_rank=v["shift_rank"], value_rank=v["value_rank"],
    )  # fmt: skip


def _experts(v: Values, n_moe: int) -> Experts | None:
    if not n_moe:
        return None
    width = v.count("d_expert")
    shared = v["d_shared"] if "d_shared" in v else width * (v["n_shared"] or 0)
    groups, chosen = v["groups"], v["groups_chosen"]
    return Experts(
        n_routed=v.count("n_routed"), top_k=v.count("top_k"), d_ff=width, d_ff_shared=shared,
        n_dense_layers=v.count("n_layers") - n_moe, gated=v["expert_gated"], bias=v["expert_bias"],
        router_bias=v["router_bias"], shared_gate=v["shared_gate"], n_zero=v["n_zero"], d_latent=v["d_latent"],
        node_limit=chosen if groups is not None and groups > 1 else None,
    )  # fmt: skip


def _encoder(v: Values) -> Encoder | None:
    if "encoder_layers" not in v:
        return None
    return Encoder(v.count("encoder_layers"), v.count("targets"), score_bias="score_bias" in v)


def _d_ff(v: Values, n_dense: int) -> int:
    """Inner width of dense blocks, the mean of a list; where there are none and no key, an expert's."""
    if not n_dense and "intermediate_size" not in v.c.data and "d_ff_bare" in v:
        v.put("d_ff", v["d_expert"])
    width = v["d_ff"]
    if isinstance(width, list):
        if not width or not all(isinstance(x, int) and not isinstance(x, bool) and x > 0 for x in width):
            raise v.c.fail("not a list of widths", "intermediate_size", width, "positive integers")
        width = round(sum(width) / len(width))
    return int(width * v.count("d_ff_times"))


def assemble(v: Values, name: str) -> ModelSpec:
    """Return the model that a row makes of a file.

    Raises
    ------
    InputError
        A required key is missing, or a value is of the wrong type or range.
    """
    mixers, blocks = mixer_kinds(v), block_kinds(v)
    n_layers, d = v.count("n_layers"), v.count("d_model")
    n_moe = blocks.count("moe")
    n_dense = blocks.count("dense") if "n_dense" not in v else v.count("n_dense")
    norm: Any = v["norm"] if v["norm_affine"] else "none"
    length = train_length(v)
    d_embed = v["d_embed"]
    return ModelSpec(
        name=name,
        n_layers=n_layers,
        d_model=d,
        vocab_size=v["vocab"],
        seq_len=length.seq_len,
        seq_len_range=length.range,
        seq_len_why=length.why,
        **_attentions(v, mixers),
        mixer=_mixer(v, sum(kind in ("mix", "both") for kind in mixers)),
        ffn=FeedForward(
            d_ff=_d_ff(v, n_dense), gated=v["gated"], bias=v["mlp_bias"],
            n_blocks=None if n_dense == n_layers - n_moe else n_dense,
        ),
        experts=_experts(v, n_moe),
        tied_embeddings=v["tied"],
        n_positions=v["n_positions"] + v["offset"] if v["learned"] else 0,
        norm="rmsnorm" if norm == "layernorm" and not v["norm_bias"] else norm,
        norms_per_layer=v["norms"],
        final_norm=v["final_norm"],
        embedding_norm=v["embedding_norm"],
        head_bias=v["head_bias"],
        parallel_block=v["parallel"],
        n_mtp=v["mtp"] or 0,
        extra_params=v["extra_params"],
        extra_weights=v["extra_weights"],
        n_streams=v["streams"],
        d_embed=None if d_embed == d else d_embed,
        encoder=_encoder(v),
    )  # fmt: skip

"""A transformer as arguments of Megatron-LM, and back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from carbonscaling.catalog.models import model, model_names
from carbonscaling.errors import InputError
from carbonscaling.model.params import total_params
from carbonscaling.model.spec import Attention, Experts, FeedForward, ModelSpec

__all__ = ["known_model", "model_arguments", "model_of", "unsaid"]

VOCABULARY = {"GPT2BPETokenizer": 50257, "Llama2Tokenizer": 32000}
"""Entries of the tokenizers that stand for one vocabulary (Radford et al. 2019; Touvron et al. 2023)."""
_BESIDE = ("name", "source", "notes", "seq_len", "node_limit", "extra_params")
"""Fields that are no shape."""
BESIDE_SHARE = 1e-3
"""Share of the parameters above which those beside every shape are missed where they are not said."""
MLA = {"q_lora_rank": 1536, "kv_lora_rank": 512, "qk_head_dim": 128, "qk_pos_emb_head_dim": 64, "v_head_dim": 128}


def model_arguments(spec: ModelSpec) -> dict[str, Any]:
    """Return the arguments that make a model, by name with underscores; True for a switch."""
    a, f, e = spec.attention, spec.ffn, spec.experts
    found: dict[str, Any] = {"num_layers": spec.n_layers, "hidden_size": spec.d_model, "ffn_hidden_size": f.d_ff}
    if a is not None:
        found |= {"num_attention_heads": a.n_heads, "kv_channels": a.head_dim}
        if a.kind == "mla":
            found |= {
                "multi_latent_attention": True, "q_lora_rank": a.q_lora_rank, "kv_lora_rank": a.kv_lora_rank,
                "qk_head_dim": a.head_dim, "qk_pos_emb_head_dim": a.rope_head_dim, "v_head_dim": a.d_value,
            }  # fmt: skip
            found.pop("kv_channels")
        elif a.n_kv_heads != a.n_heads:
            found |= {"group_query_attention": True, "num_query_groups": a.n_kv_heads}
        if a.window is not None and a.n_window_layers:
            whole = spec.n_layers - a.n_window_layers
            found |= {
                "window_size": f"{a.window - 1},0",
                "window_attn_skip_freq": spec.n_layers // whole if whole else None,
            }
        found |= {"qk_layernorm": a.qk_norm != "none", "softmax_type": "learnable" if a.sinks else None}
        found |= {"add_qkv_bias": a.qkv_bias and not f.bias}
    if e is not None:
        moe = [0] * e.n_dense_layers + [1] * (spec.n_layers - e.n_dense_layers)
        found |= {
            "num_experts": e.n_routed, "moe_router_topk": e.top_k, "moe_ffn_hidden_size": e.d_ff, "moe_grouped_gemm": True,
            "moe_shared_expert_intermediate_size": e.d_ff_shared or None, "moe_shared_expert_gate": e.shared_gate,
            "moe_router_enable_expert_bias": e.router_bias,
            "moe_layer_freq": f"([0]*{e.n_dense_layers}+[1]*{sum(moe)})" if e.n_dense_layers else None,
        }  # fmt: skip
    found |= {
        "swiglu": f.gated, "disable_bias_linear": not f.bias,
        "normalization": "RMSNorm" if spec.norm == "rmsnorm" else "LayerNorm",
        "position_embedding_type": "learned_absolute" if spec.n_positions else "rope",
        "max_position_embeddings": spec.n_positions or spec.seq_len,
        "untie_embeddings_and_output_weights": not spec.tied_embeddings,
        "mtp_num_layers": spec.n_predicted or None, "mtp_use_repeated_layer": spec.mtp_runs > 1, "vocab_size": spec.vocab_size,
    }  # fmt: skip
    return {name: value for name, value in found.items() if value not in (None, False)}


def unsaid(spec: ModelSpec) -> list[str]:
    """Return what of a model the arguments cannot say: fields that are others when they are read back."""
    beside = ["extra_params"] if spec.extra_params > BESIDE_SHARE * float(total_params(spec)) else []
    try:
        return [*_differing(spec, model_of(model_arguments(spec), spec.seq_len)), *beside]
    except InputError as error:
        return ["mixer" if spec.attention is None else error.problem]


def _differing(one: Any, other: Any, before: str = "") -> list[str]:
    found: list[str] = []
    for field in fields(one):
        own, read = getattr(one, field.name), getattr(other, field.name)
        if own == read or field.name in _BESIDE:
            continue
        if is_dataclass(own) and is_dataclass(read):
            found += _differing(own, read, f"{before}{field.name}.")
        else:
            found.append(f"{before}{field.name}")
    return found


def model_of(said: Mapping[str, Any], seq_len: int) -> ModelSpec:
    """Return the model that arguments make; the catalogue's where it has the same.

    Raises
    ------
    InputError
        They say no width, depth or heads, or nothing says the vocabulary.
    """
    missing = [name for name in ("num_layers", "hidden_size", "num_attention_heads") if name not in said]
    if missing:
        raise _no_model(f"it does not say {', '.join(missing)}")
    width, heads, gated = (
        said["hidden_size"],
        said["num_attention_heads"],
        bool(said.get("swiglu") or said.get("quick_geglu")),
    )
    default = int(4 * width * 2 / 3 / 64) * 64 if gated else 4 * width
    d_ff, biased = said.get("ffn_hidden_size") or default, not said.get("disable_bias_linear")
    learned = not said.get("use_rotary_position_embeddings")
    learned = learned and said.get("position_embedding_type", "learned_absolute") == "learned_absolute"
    learned = learned and not said.get("no_position_embedding")
    spec = ModelSpec(
        name="as the launch file says",
        n_layers=said["num_layers"],
        d_model=width,
        vocab_size=_vocabulary(said) or 0,
        seq_len=seq_len,
        attention=_attention(said, heads, width, biased),
        ffn=FeedForward(d_ff, gated, biased),
        experts=_experts(said, d_ff, gated, biased),
        tied_embeddings=not said.get("untie_embeddings_and_output_weights"),
        n_positions=(said.get("max_position_embeddings") or seq_len) if learned else 0,
        norm="rmsnorm" if said.get("normalization") == "RMSNorm" else "layernorm",
        embedding_norm=bool(said.get("embed_layernorm")),
        n_mtp=1 if said.get("mtp_use_repeated_layer") else said.get("mtp_num_layers") or 0,
        mtp_runs=(said.get("mtp_num_layers") or 1) if said.get("mtp_use_repeated_layer") else 1,
    )  # fmt: skip
    known = known_model(spec)
    if known is not None:
        return known
    if not spec.vocab_size:
        raise _no_model("nothing in it says the entries of the vocabulary")
    return spec


def _no_model(why: str) -> InputError:
    return InputError(f"the launch file does not describe its model: {why}", key="model", remedy="add --model NAME")


def _vocabulary(said: Mapping[str, Any]) -> int | None:
    usual = "GPT2BPETokenizer" if said.get("merge_file") else None
    return (
        said.get("padded_vocab_size")
        or said.get("vocab_size")
        or VOCABULARY.get(str(said.get("tokenizer_type", usual)))
    )


def _attention(said: Mapping[str, Any], heads: int, width: int, biased: bool) -> Attention:
    if said.get("multi_latent_attention"):
        rank = {name: said.get(name, usual) for name, usual in MLA.items()}
        return Attention(
            heads, heads, rank["qk_head_dim"], v_head_dim=rank["v_head_dim"], q_lora_rank=said.get("q_lora_rank"),
            kv_lora_rank=rank["kv_lora_rank"], rope_head_dim=rank["qk_pos_emb_head_dim"],
            qkv_bias=biased or bool(said.get("add_qkv_bias")), out_bias=biased,
        )  # fmt: skip
    groups = said.get("num_query_groups", 1) if said.get("group_query_attention") else heads
    return Attention(
        heads, groups, said.get("kv_channels") or width // heads, qkv_bias=biased or bool(said.get("add_qkv_bias")),
        out_bias=biased, qk_norm="head" if said.get("qk_layernorm") else "none", sinks=said.get("softmax_type") == "learnable",
        window=_window(said), n_window_layers=_windowed(said),
    )  # fmt: skip


def _window(said: Mapping[str, Any]) -> int | None:
    """Return what a windowed layer sees: keys to the left, and the token itself."""
    first = str(said.get("window_size", "")).strip("()[] ").partition(",")[0]
    return int(first) + 1 if first.isdigit() else None


def _windowed(said: Mapping[str, Any]) -> int:
    """Return how many layers are windowed: all but each n-th one."""
    every = said.get("window_attn_skip_freq")
    whole = said["num_layers"] // every if isinstance(every, int) and every > 0 else 0
    return 0 if _window(said) is None else int(said["num_layers"] - whole)


def _experts(said: Mapping[str, Any], d_ff: int, gated: bool, biased: bool) -> Experts | None:
    if (said.get("num_experts") or 1) == 1:  # Megatron-DeepSpeed calls a dense layer one expert
        return None
    return Experts(
        said["num_experts"], said.get("moe_router_topk", 2), said.get("moe_ffn_hidden_size") or d_ff,
        d_ff_shared=said.get("moe_shared_expert_intermediate_size") or 0,
        n_dense_layers=_dense_layers(str(said.get("moe_layer_freq", 1)), said["num_layers"]),
        gated=gated, bias=biased, router_bias=bool(said.get("moe_router_enable_expert_bias")),
        shared_gate=bool(said.get("moe_shared_expert_gate")), node_limit=said.get("moe_router_group_topk"),
    )  # fmt: skip


def _dense_layers(frequency: str, n_layers: int) -> int:
    """Return the layers without experts: every layer but each n-th, or zeros of a pattern such as ([0]*3+[1]*58)."""
    if frequency.strip().isdigit():
        return n_layers - len(range(0, n_layers, max(1, int(frequency))))
    parts = re.findall(r"\[([01,\s]+)\]\s*(?:\*\s*(\d+))?", frequency)
    return sum(inner.count("0") * int(times or 1) for inner, times in parts)


def known_model(spec: ModelSpec) -> ModelSpec | None:
    """Return the catalogue's model of the same numbers; of the same shape, where the vocabulary is not known."""

    def numbers(one: ModelSpec) -> ModelSpec:
        experts = one.experts and replace(one.experts, node_limit=None)
        vocabulary = one.vocab_size if spec.vocab_size else 0
        return replace(one, name="", source="", notes="", seq_len=1, vocab_size=vocabulary, experts=experts)

    wanted = numbers(spec)
    return next((known for known in map(model, model_names()) if numbers(known) == wanted), None)

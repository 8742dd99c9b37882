"""Pieces several families share: heads, windows, the training length, the keys that do not matter here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from carbonscaling.model.huggingface.reader import Config
from carbonscaling.model.spec import Attention, ModelSpec

__all__ = ["IRRELEVANT", "Mapper", "attention", "decoder", "head_width", "train_length", "unused", "window_layers"]

Mapper = Callable[[Config], ModelSpec]

IRRELEVANT = frozenset(
    # bookkeeping, precision, regularisation, generation, positions without weights
    """
    _name_or_path architectures auto_map model_type torch_dtype dtype transformers_version use_cache
    quantization_config bos_token_id eos_token_id pad_token_id sep_token_id unk_token_id initializer_range
    init_std init_config init_device layer_norm_epsilon layer_norm_eps rms_norm_eps norm_epsilon hidden_dropout
    attention_dropout resid_pdrop embd_pdrop emb_pdrop attn_pdrop dropout activation_dropout embedding_dropout
    embed_dropout residual_dropout classifier_dropout layerdrop resid_dropout gradient_checkpointing rope_theta
    rope_scaling rope_parameters rope_interleave rope_local_base_freq rotary rotary_dim rotary_pct
    rotary_emb_base partial_rotary_factor hidden_act activation_function activation hidden_activation
    alibi_bias_max pretraining_tp output_router_logits router_aux_loss_coef router_jitter_noise aux_loss_alpha
    seq_aux scoring_func topk_method n_group topk_group norm_topk_prob routed_scaling_factor ep_size
    capacity_factor query_pre_attn_scalar attn_logit_softcapping final_logit_softcapping logit_scale
    attention_multiplier embedding_multiplier residual_multiplier logits_scaling swiglu_limit clip_qkv
    cache_implementation summary_activation summary_first_dropout summary_proj_to_labels summary_type
    summary_use_proj scale_attn_weights task_specific_params scale_attn_by_inverse_layer_idx
    reorder_and_upcast_attn slow_but_exact masked_softmax_fusion attention_softmax_in_fp32 bias_dropout_fusion
    skip_bias_add skip_bias_add_qkv n_ctx tokenizer_class prefix initial_context_length experts_per_token
    mm_tokens_per_image boi_token_index eoi_token_index image_token_index vision_config verbose
    attn_temperature_tuning attn_scale floor_scale embedding_fraction logits_scale offset_alibi
    """.split()  # noqa: SIM905
)
"""Keys that may stand in a configuration and change none of the counts."""


def unused(config: Config) -> str:
    """Name the keys that no mapper used and that are not known to be irrelevant."""
    left = [key for key in config.unread() if key not in IRRELEVANT and not key.startswith("_")]
    return f"keys not used: {', '.join(left)}" if left else ""


def train_length(c: Config, *keys: str, default: int) -> int:
    """Sequence length of pre-training: before rotary scaling where that is stated, else the longest position."""
    c.read.update(("rope_scaling", "original_max_position_embeddings"))
    scaling = c.data.get("rope_scaling")
    stated = scaling.get("original_max_position_embeddings") if isinstance(scaling, dict) else None
    longest = c.integer(*(keys or ("max_position_embeddings",)), default=default)
    if isinstance(stated, int) and not isinstance(stated, bool) and stated > 0:
        return stated
    return longest


def head_width(c: Config, d_model: int, n_heads: int) -> int:
    """Width of a head where the configuration does not state one.

    Raises
    ------
    InputError
        The heads do not divide the width.
    """
    stated = c.optional("head_dim")
    if stated is not None:
        return stated
    if d_model % n_heads:
        raise c.fail(
            "the heads do not divide the model width", "num_attention_heads", n_heads, f"a divisor of {d_model}"
        )
    return d_model // n_heads


def window_layers(c: Config, n_layers: int, default: int) -> int:
    """Count the windowed layers: by ``layer_types`` where it is there, else the type's own pattern.

    Raises
    ------
    InputError
        ``layer_types`` has another length than there are layers.
    """
    kinds = c.items("layer_types")
    if kinds is None:
        return default
    if len(kinds) != n_layers:
        raise c.fail("one kind a layer is needed", "layer_types", f"{len(kinds)} entries", f"{n_layers} entries")
    return sum(kind in ("sliding_attention", "chunked_attention") for kind in kinds)


def attention(c: Config, d_model: int, **changes: Any) -> Attention:
    """Read query and key/value heads and the head width; `changes` are the family's own fields."""
    n_heads = c.integer("num_attention_heads")
    default_kv = changes.pop("n_kv_heads", n_heads)
    fields: dict[str, Any] = {
        "n_heads": n_heads,
        "n_kv_heads": c.integer("num_key_value_heads", default=default_kv),
        "head_dim": changes.pop("head_dim", None) or head_width(c, d_model, n_heads),
    }
    n_kv = fields["n_kv_heads"]
    if n_heads % n_kv:
        raise c.fail("heads do not divide into groups", "num_key_value_heads", n_kv, f"a divisor of {n_heads}")
    return Attention(**(fields | changes))


def decoder(c: Config, *, tied: bool, positions: int, **changes: Any) -> ModelSpec:
    """Read the keys nearly every type has; `tied` and `positions` are the class's defaults.

    ``hidden_size``, ``num_hidden_layers`` and ``vocab_size`` are required.
    """
    fields: dict[str, Any] = {
        "name": c.data.get("_name_or_path") or c.where,
        "n_layers": c.integer("num_hidden_layers"),
        "d_model": c.integer("hidden_size"),
        "vocab_size": c.integer("vocab_size"),
        "seq_len": train_length(c, default=positions),
        "tied_embeddings": c.flag("tie_word_embeddings", tied),
        "source": c.where,
    }
    return ModelSpec(**(fields | changes))

"""Keys of a file that no count uses: harmless ones, ones to show, and ones that speak of an architecture not counted."""

from __future__ import annotations

import difflib
import re
from typing import Any

from carbonscaling.errors import InputError
from carbonscaling.model.huggingface.entries import Values
from carbonscaling.model.huggingface.reader import Config

__all__ = ["ARCHITECTURE", "IRRELEVANT", "check_unread"]

IRRELEVANT = frozenset(
    # bookkeeping, precision, regularisation, generation, positions and scales without weights
    """
    _name_or_path architectures auto_map model_type torch_dtype dtype transformers_version use_cache language_model_only
    quantization_config compression_config bos_token_id eos_token_id pad_token_id sep_token_id unk_token_id cls_token_id
    eod_token_id im_start_id im_end_id text_start_id text_end_id image_start_id image_end_id video_start_id video_end_id
    org_vocab_size initializer_range init_std init_config init_device layer_norm_epsilon layer_norm_eps layernorm_epsilon
    rms_norm_eps norm_epsilon norm_eps mixer_rms_eps hidden_dropout hidden_dropout_prob attention_probs_dropout_prob
    attention_dropout resid_pdrop embd_pdrop emb_pdrop attn_pdrop dropout activation_dropout embedding_dropout embed_dropout
    residual_dropout classifier_dropout layerdrop resid_dropout gradient_checkpointing use_recompute rope_theta rope_scaling
    rope_parameters rope_interleave rope_local_base_freq rope_type rope_scale rope_local_theta rope_pct rotary rotary_dim
    rotary_pct rotary_base rotary_emb_base partial_rotary_factor position_embedding_type position_encoding_type rope_ratio
    mrope_section use_mrope use_rope hidden_act activation_function activation hidden_activation hidden_activation_function
    mlp_hidden_act mamba_hidden_act alibi_bias_max alibi pretraining_tp output_router_logits router_aux_loss_coef
    router_z_loss_coef router_jitter_noise input_jitter_noise aux_loss_alpha aux_loss_coef seq_aux scoring_func
    score_function topk_method n_group topk_group norm_topk_prob norm_topk_prob routed_scaling_factor route_scale route_norm
    router_scaling_factor router_dtype score_func ep_size capacity_factor query_pre_attn_scalar attn_logit_softcapping
    final_logit_softcapping logit_scale logits_soft_cap attention_multiplier embedding_multiplier residual_multiplier
    logits_scaling lm_head_multiplier key_multiplier attention_out_multiplier attention_in_multiplier ssm_multipliers
    mlp_multipliers ssm_in_multiplier ssm_out_multiplier swiglu_limit swiglu_alpha clip_qkv cache_implementation
    summary_activation summary_first_dropout summary_proj_to_labels summary_type summary_use_proj scale_attn_weights
    task_specific_params scale_attn_by_inverse_layer_idx reorder_and_upcast_attn slow_but_exact masked_softmax_fusion
    attention_softmax_in_fp32 bias_dropout_fusion skip_bias_add skip_bias_add_qkv n_ctx tokenizer_class prefix
    experts_per_token mm_tokens_per_image verbose attn_temperature_tuning attn_scale floor_scale embedding_fraction
    offset_alibi residual_in_fp32 rescale_prenorm_residual time_step_min time_step_max time_step_floor time_step_limit
    num_logits_to_keep use_mamba_kernels mamba_ssm_dtype mamba_ssm_cache_dtype z_loss_coefficient moe_norm_min
    moe_renormalize id2label label2id return_dict output_attentions output_hidden_states is_encoder_decoder is_decoder
    chunk_size_feed_forward problem_type add_cross_attention cross_attention_hidden_size tie_encoder_decoder pruned_heads
    bad_words_ids begin_suppress_tokens suppress_tokens decoder_start_token_id forced_bos_token_id forced_eos_token_id
    diversity_penalty do_sample early_stopping encoder_no_repeat_ngram_size exponential_decay_length_penalty
    finetuning_task length_penalty max_length min_length no_repeat_ngram_size num_beam_groups num_beams
    num_return_sequences output_scores remove_invalid_values repetition_penalty return_dict_in_generate temperature
    tf_legacy_loss top_k top_p torchscript typical_p use_bfloat16 _attn_implementation attn_implementation
    vision_config audio_config speech_config video_config vision_tower ignore_index
    image_token_id image_token_index video_token_id video_token_index audio_token_id audio_token_index vision_token_id
    vision_start_token_id vision_end_token_id boi_token_id eoi_token_id boa_token_id eoa_token_id boi_token_index
    eoi_token_index eoa_token_index media_placeholder_token_id image_break_token_id image_seq_length
    vision_feature_layer vision_feature_select_strategy vision_soft_tokens_per_image spatial_merge_size
    projector_hidden_act multimodal_projector_bias scale_embedding initializer_factor use_unified_vision_chunk
    moe_capacity video_placeholder vision_aspect_ratio image_grid_pinpoints audio_soft_tokens_per_image scale_depth scale_emb
    mup_enabled use_flash_attn use_cache_quantization use_dynamic_ntk use_logn_attn fp16 bf16 fp32 onnx_safe
    fuse_norm fuse_cross_entropy fuse_linear_cross_entropy use_l2warp
    """.split()  # noqa: SIM905
)
"""Keys that may stand in a configuration and change none of the counts."""
_WEIGHTS_IF_ON = ("add_cross_attention", "is_encoder_decoder")
"""Switches that are off in a decoder's file, and add weights where they are on."""
SWITCHES = re.compile(
    r"expert|mamba|ssm|linear_|lora|index|conv|gate|gating|bias|norm|shared|tie|altup|laurel|sparse|cross"
)
"""What the name of a switch has in it when it adds weights."""
ARCHITECTURE = re.compile(
    r"expert|moe|mamba|ssm|linear_|lora|index|conv|head|kv_|_kv|layer|block|width|hidden|intermediate|ffn|mlp|gate|gating|"
    r"altup|laurel|latent|rank|state_size|d_state|d_model|d_ff|n_embd|n_inner|group|dim$|_dim_|sparse|compress|shared|"
    r"tie|bias|norm_type|qk_norm|vocab|attn_type|attention_type|pattern|mixer|expan|proj|sink|hc_|hyper|engram|ngram|nextn|"
    r"mtp|recurrent|cross|merge|adapter|prun|window"
)
"""What a key's name has in it when it speaks of the architecture."""
_NEAR = 0.78
"""Likeness of two keys above which one is taken for a misspelling of the other."""


def _says_nothing(value: Any) -> bool:
    """Whether a value switches nothing on."""
    return value is None or value is False or value in (0, "", "none") or value in ([], {})


def _speaks(key: str, value: Any) -> bool:
    """Whether a key says that there are weights which no count knows: a number, a list, a table, or a switch that is on."""
    if _says_nothing(value) or isinstance(value, str | float):
        return False
    return bool((SWITCHES if isinstance(value, bool) else ARCHITECTURE).search(key))


def check_unread(reader: Config, text: Config, values: Values) -> tuple[str, ...]:
    """Return the keys that no count uses, those of the language model first.

    Raises
    ------
    InputError
        One of them speaks of the architecture, or looks like a key that is missing.
    """
    values.know_all()
    ignored = IRRELEVANT | set(str(values.row.get("ignored", "")).split())
    ignored -= {key for key in _WEIGHTS_IF_ON if text.data.get(key) is True}
    left = [key for key in text.unread() if key not in ignored and not key.startswith("_")]
    missing = {key for keys in values.defaulted for key in re.split(r"[|.]", keys)} | {
        "rope_scaling",
        "rope_parameters",
    }
    for key in left:
        near = difflib.get_close_matches(key, sorted(missing - set(text.data)), n=1, cutoff=_NEAR)
        value = text.data.get(key)
        if near or _speaks(key, value):
            raise InputError(
                f"a key that models of type {values.kind} do not have, and that speaks of the architecture: the counts "
                "would be wrong",
                where=text.where, key=key, value=value, suggestion=near[0] if near else None,
                remedy="correct or remove the key, or describe the model in a TOML file",
            )  # fmt: skip
    outer = [] if text is reader else [k for k in reader.own_unread() if k not in ignored and not k.startswith("_")]
    return (*left, *outer)

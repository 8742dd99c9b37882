"""Megatron-LM's arguments, by their names with underscores, in the words of a scenario."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from carbonscaling.errors import InputError
from carbonscaling.exchange.launch import Reading
from carbonscaling.exchange.megatron.architecture import known_model, model_of
from carbonscaling.exchange.megatron.arguments import ELSEWHERE, LATER
from carbonscaling.exchange.megatron.plan import DEGREES, STRATEGIES
from carbonscaling.exchange.megatron.software import host, precision, recomputation, software
from carbonscaling.search.divisors import MOST_WHOLE

__all__ = ["shape_names", "understand"]

Said = Mapping[str, Any]

_MODEL = {
    "num_layers", "hidden_size", "ffn_hidden_size", "num_attention_heads", "kv_channels", "group_query_attention",
    "num_query_groups", "multi_latent_attention", "q_lora_rank", "kv_lora_rank", "qk_head_dim", "qk_pos_emb_head_dim",
    "v_head_dim", "qk_layernorm", "add_qkv_bias", "num_experts", "moe_router_topk", "moe_ffn_hidden_size",
    "moe_shared_expert_intermediate_size", "moe_shared_expert_gate", "moe_router_enable_expert_bias", "moe_layer_freq",
    "moe_router_group_topk", "swiglu", "disable_bias_linear", "normalization", "position_embedding_type",
    "use_rotary_position_embeddings", "no_position_embedding", "max_position_embeddings",
    "untie_embeddings_and_output_weights", "mtp_num_layers", "mtp_use_repeated_layer", "quick_geglu", "window_size",
    "window_attn_skip_freq", "softmax_type", "merge_file", "embed_layernorm",
    "vocab_size", "padded_vocab_size", "tokenizer_type",
}  # fmt: skip
"""Arguments that make the model."""
_COUNTS = (
    "num_layers", "hidden_size", "ffn_hidden_size", "num_attention_heads", "kv_channels", "num_query_groups", "q_lora_rank",
    "kv_lora_rank", "qk_head_dim", "qk_pos_emb_head_dim", "v_head_dim", "num_experts", "moe_router_topk", "moe_ffn_hidden_size",
    "moe_shared_expert_intermediate_size", "moe_router_group_topk", "max_position_embeddings", "mtp_num_layers", "vocab_size",
    "padded_vocab_size", "micro_batch_size", "global_batch_size", "batch_size", "seq_length", "encoder_seq_length",
    "train_samples", "train_iters", "recompute_num_layers", "num_virtual_stages_per_pipeline_rank", "zero_stage",
    "num_layers_per_virtual_pipeline_stage", "ds_sequence_parallel_size", "model_parallel_size",
    "cpu_offloading_num_layers", "num_distributed_optimizer_instances", "pad_vocab_size_to", "moe_expert_parallel_size", "topk",
)  # fmt: skip
"""Arguments that are whole numbers from one up."""
_LATER_TELLS = {"merge_file"}
"""Arguments that tell something by standing there."""
_OTHERS = re.compile(
    r"^(hybrid_|is_hybrid|mamba_(num|head|state)|experimental_attention|linear_(num|key|value|conv)|heterogeneous_layers|vision_)"
)
"""Names of arguments that make layers of another kind than attention and feed-forward blocks or experts."""
_STACKS = re.compile(r"encoder_num|decoder_(num|seq)")
"""Names of arguments that tell an encoder's layers from a decoder's."""
_MATTERS = re.compile(
    r"parallel|batch|recompute|checkpoint_(?!activ)|fp8|fp4|fp16|bf16|offload|optimizer$|fsdp|shard|window|pattern|capacity"
)
"""Names of arguments that may bear on time or memory."""
_HARMLESS = re.compile(
    r"^(use_)?(distributed_backend|distributed_timeout|dist_ckpt|ckpt|save|load|log|eval|rl_|inference|initial_loss|loss_scale|"
    r"min_loss|hysteresis|no_load|no_save|sft|dataloader|async|test_mode|tensorboard|wandb|auto_detect|override|exit|"
    r"use_checkpoint|use_ckpt|checkpoint|finetune|data_parallel_random|decoder_seq|manual_gc|empty|transformer_impl)|"
    r"attention_softmax|masked_softmax|tiktoken|disable_bf16_reduced|fp8_amax|fp8_margin|fp8_interval|num_layers_at|first_last_layers"
)


def shape_names(said: Said) -> list[str]:
    """Return the names of arguments that make a model, of whatever kind."""
    return [name for name in said if name in _MODEL or _OTHERS.search(name) or _STACKS.match(name)]


def understand(
    said: Said, found: Reading, devices: int | None = None, strange: Mapping[str, str] | None = None
) -> None:
    """Take over what arguments say.

    Parameters
    ----------
    said : mapping
        Values by name: whole numbers, numbers, words, lists of words, True for a switch.
    found : Reading
        Filled in.
    devices : int, optional
        Their number, where the caller knows it.
    strange : mapping, optional
        Names whose values cannot be told, or that the software does not know, and why.
    """
    said, later = _former(_whole(said, found)), strange or {}
    for part in (_layout, _sharding, _stages, _batch, precision, recomputation, software, host):
        part(said, found)
    _open(later, found)
    _length(said, found)
    tells = [name for name in later if name in _LATER_TELLS or _OTHERS.search(name)]
    _model({**dict.fromkeys(tells, True), **said}, found)
    _count(found)
    _group(said, found, found.scenario.get("devices") if devices is None else devices)
    for name, why in later.items():
        if why.startswith(LATER) and not (name in _MODEL or _matters(name)):
            found.aside.append(name)
        else:
            found.not_understood[name] = why
    found.leave(said, lambda name: "not counted here" if _matters(name) else None)


def _former(said: Said) -> Said:
    """Return arguments of Megatron-DeepSpeed by the names that Megatron-LM has for the same."""
    said = dict(said)
    if "moe_expert_parallel_size" in said:
        interval = said.pop("expert_interval", 2)
        said["moe_layer_freq"] = interval[0] if isinstance(interval, list) else interval
        said["expert_model_parallel_size"] = said.pop("moe_expert_parallel_size")
        said["moe_router_topk"] = said.pop("topk", 1)
        said["num_experts"] = (
            max(said["num_experts"]) if isinstance(said.get("num_experts"), list) else said.get("num_experts")
        )
    if "pad_vocab_size_to" in said:
        said["padded_vocab_size"] = said.pop("pad_vocab_size_to")
    return {name: value for name, value in said.items() if value is not None}


def _open(later: Mapping[str, str], found: Reading) -> None:
    """Leave open what an argument sets whose value only a run tells.

    Where whole arguments may be missing, all that no other says is left open.
    """
    names = {name: field for field, name in DEGREES.items()} | {"micro_batch_size": "micro_batch"}
    for name, field in names.items():
        if later.get(name) == LATER:
            found.layout.pop(field, None)
    if ELSEWHERE in later:
        said = {became.partition(" ")[0] for became in found.taken.values()}
        for field in ("zero", "recompute", "recompute_percent", "vpp", *DEGREES):
            if field not in said and not (field == "zero" and "ZeRO" in said):
                found.layout.pop(field, None)
        found.scenario |= {"precision": found.scenario["precision"] if "precision" in said else None}
        found.software.clear()


def _whole(said: Said, found: Reading) -> Said:
    """Return arguments without those counts that are none, which are told."""
    counts = {*DEGREES.values(), *_COUNTS}
    wrong = [name for name in counts & said.keys() if not isinstance(said[name], int) or isinstance(said[name], bool)]
    wrong += [
        name
        for name in counts & said.keys()
        if name not in wrong and not (name != "zero_stage") <= said[name] <= MOST_WHOLE
    ]
    found.not_understood |= {name: f"{said[name]!r} is no count" for name in wrong}
    return {name: value for name, value in said.items() if name not in wrong}


def _matters(name: str) -> bool:
    return bool(_MATTERS.search(name) or _OTHERS.search(name)) and not _HARMLESS.search(name)


def _layout(said: Said, found: Reading) -> None:
    for field, name in DEGREES.items():
        if name in said:
            found.take(name, f"{field} {said[name]}", **{f"layout_{field}": said[name]})
    if n := said.get("ds_sequence_parallel_size"):
        found.take(
            "ds_sequence_parallel_size", f"cp {n}, heads dealt to its ranks", layout_cp=n,
            software_context_exchange="all-to-all",
        )  # fmt: skip
    if said.get("no_pipeline_parallel"):
        found.take("no_pipeline_parallel", "pp 1", layout_pp=1)
    if "model_parallel_size" in said:
        found.take("model_parallel_size", f"tp {said['model_parallel_size']}", layout_tp=said["model_parallel_size"])
    for field in ("tp", "pp", "cp"):
        found.layout.setdefault(field, 1)
    if (said.get("num_experts") or 1) > 1:
        found.layout.setdefault("ep", 1)
        found.layout.setdefault("etp", found.layout["tp"])
    sharded = bool(said.get("sequence_parallel")) and found.layout["tp"] > 1
    found.layout["sequence_parallel"] = sharded
    found.layout["schedule"] = "1f1b"
    found.mark(said, "sequence parallel" if sharded else "nothing, since tp is 1", "sequence_parallel")


def _sharding(said: Said, found: Reading) -> None:
    stage = 1 if said.get("use_distributed_optimizer") else 0
    if said.get("use_megatron_fsdp"):
        strategy = said.get("data_parallel_sharding_strategy", STRATEGIES[3])
        stage = {"no_shard": 0, "optim": 1, **{name: n for n, name in STRATEGIES.items()}}.get(strategy, 3)
        found.taken["use_megatron_fsdp"] = f"ZeRO stage {stage}"
        found.mark(said, f"ZeRO stage {stage}", "data_parallel_sharding_strategy")
    if said.get("use_torch_fsdp2"):
        stage = 2 if said.get("torch_fsdp2_no_reshard_after_forward") else 3
        found.taken["use_torch_fsdp2"] = f"ZeRO stage {stage}"
        found.mark(said, f"ZeRO stage {stage}", "torch_fsdp2_no_reshard_after_forward")
    found.mark(said, f"ZeRO stage {stage}", "use_distributed_optimizer")
    if "zero_stage" in said:
        stage = int(said["zero_stage"])
        if stage == 0 and said.get("bf16") and found.scenario.get("stack") == "megatron-deepspeed":
            stage = 1
            found.notes.append("DeepSpeed's optimizer for bf16 shards its states, as ZeRO stage 1 does, at stage 0 too")
        found.taken["zero_stage"] = f"ZeRO stage {stage}"
    found.layout["zero"] = stage


def _stages(said: Said, found: Reading) -> None:
    stages, layers = found.layout["pp"], said.get("num_layers", 0)
    chunks, balanced = 1, False
    if n := said.get("num_virtual_stages_per_pipeline_rank"):
        chunks = n
        found.taken["num_virtual_stages_per_pipeline_rank"] = f"vpp {chunks}"
    if n := said.get("num_layers_per_virtual_pipeline_stage"):
        chunks = max(1, round(layers / stages / n))
        found.taken["num_layers_per_virtual_pipeline_stage"] = f"vpp {chunks}"
    if layout := said.get("pipeline_model_parallel_layout"):
        chunks, balanced = max(1, _n_stages(str(layout)) // stages), True
        found.taken["pipeline_model_parallel_layout"] = f"vpp {chunks}, layers dealt around embedding and head"
    for name in (
        "decoder_first_pipeline_num_layers", "decoder_last_pipeline_num_layers", "account_for_embedding_in_pipeline_split",
        "account_for_loss_in_pipeline_split",
    ):  # fmt: skip
        if name in said:
            balanced, found.taken[name] = True, "layers dealt around embedding and head"
    found.layout["vpp"] = chunks
    if stages > 1:
        found.software["head_placement"] = "balanced" if balanced else "last"


def _n_stages(layout: str) -> int:
    """Return the stages of a layout such as ``E|(t|)*3,m|m||L``, between whose bars they lie."""
    while group := re.search(r"\(([^()]*)\)\*(\d+)", layout):
        layout = layout.replace(group[0], group[1] * int(group[2]), 1)
    bars = re.sub(r"(\|)\*(\d+)", lambda bar: bar[1] * int(bar[2]), layout)
    return bars.count("|") + 1


def _batch(said: Said, found: Reading) -> None:
    for name, field in (("micro_batch_size", "layout_micro_batch"), ("global_batch_size", "batch"), ("seq_length", "seq_len"),
                        ("encoder_seq_length", "seq_len"), ("batch_size", "layout_micro_batch")):  # fmt: skip
        if name in said:
            found.take(name, f"{field.removeprefix('layout_')} {said[name]}", **{field: said[name]})
    for name in ("rampup_batch_size", "step_batch_size_schedule"):
        if name in said:
            found.not_understood[name] = "the batch counts at its full size from the first step on"


def _length(said: Said, found: Reading) -> None:
    if n := said.get("train_samples"):
        found.lasts("train_samples", sequences=n)
    if (n := said.get("train_tokens")) and isinstance(n, int):
        found.take("train_tokens", f"{n:.6g} tokens", tokens=float(n))
    elif n := said.get("train_iters"):
        found.lasts("train_iters", steps=n)


def _count(found: Reading) -> None:
    """Leave out a device count that the layout does not fit: examples ask for one node until people say how many."""
    split = math.prod(found.layout.get(name, 1) for name in ("tp", "pp", "cp"))
    devices = found.scenario.get("devices")
    if devices is not None and devices % split:
        del found.scenario["devices"]
        found.not_understood["devices"] = (
            f"its launcher asks for {devices}, its layout for a multiple of {split}: add --devices"
        )
        found.taken.pop("devices", None)


def _group(said: Said, found: Reading, devices: int | None) -> None:
    """Take over the group that states are sharded over: the data-parallel ranks over the instances of the optimizer."""
    name = "num_distributed_optimizer_instances"
    instances, split = said.get(name), found.layout.get("tp", 1) * found.layout.get("pp", 1)
    if instances == 1:
        found.taken[name] = "sharded over all replicas"
    elif instances and devices and devices % (split * instances) == 0:
        group = devices // (split * instances)
        found.take(name, f"sharded over {group} devices", layout_shard=group)
    elif instances:
        found.not_understood[name] = "over how many devices follows from their number: add --devices"


def _model(said: Said, found: Reading) -> None:
    names = [name for name in said if name in _MODEL]
    if not {"num_layers", "hidden_size"} & {*names}:
        return
    if others := [name for name in said if _OTHERS.search(name) and said[name] is not False]:
        found.notes.append(
            f"its model has layers that these arguments do not tell whole ({', '.join(others[:3])}): add --model"
        )
        found.not_understood |= dict.fromkeys(names, "its model has layers of another kind")
        return
    try:
        spec = model_of(said, found.scenario.get("seq_len") or said.get("max_position_embeddings") or 2048)
    except InputError as error:
        found.notes.append(f"{error.problem}")
        found.not_understood |= {
            name: "the model is not whole" for name in names if name in ("num_layers", "hidden_size")
        }
        found.aside += [name for name in names if name not in found.not_understood]
        return
    known = known_model(spec)
    found.scenario["model"] = spec if known is None else known.name
    for name in names:
        found.taken[name] = "the model" if known is None else f"model {known.name}"

"""MaxText's configuration in the words of a scenario."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from carbonscaling.catalog.models import model_aliases
from carbonscaling.errors import InputError
from carbonscaling.exchange.flavors import flavors
from carbonscaling.exchange.launch import Reading
from carbonscaling.exchange.release import known_names
from carbonscaling.exchange.shell import UNKNOWN
from carbonscaling.model.spec import Attention, Experts, FeedForward, ModelSpec
from carbonscaling.search.divisors import MOST_WHOLE

__all__ = ["read_keys", "words_of"]

AXES = (
    "data",
    "fsdp",
    "fsdp_transpose",
    "expert",
    "context",
    "tensor",
    "tensor_transpose",
    "tensor_sequence",
    "sequence",
    "pipeline",
)
POLICIES = {
    "none": "none", "full": "full", "save_qkv_proj": "full", "save_out_proj": "full", "minimal": "selective",
    "minimal_with_context": "selective", "minimal_flash": "selective", "save_dot_except_mlp": "feed-forward",
    "save_dot_except_mlpwi": "selective", "save_dot_with_context_except_mlp": "feed-forward", "minimal_offloaded": "selective",
    "qkv_proj_offloaded": "full", "minimal_with_quantization": "selective",
    "minimal_with_context_and_quantization": "selective", "custom": "selective",
}  # fmt: skip
EXACT = ("none", "full", "minimal_with_context", "minimal_flash", "save_dot_with_context_except_mlp")
_MODEL = ("base_emb_dim", "base_num_query_heads", "base_num_kv_heads", "base_mlp_dim", "base_num_decoder_layers", "head_dim",
          "vocab_size", "num_experts", "num_experts_per_tok", "base_moe_mlp_dim", "mlp_activations",
          "logits_via_embedding")  # fmt: skip
_MATTERS = re.compile(r"parallelism$|batch|remat|quant|offload|pipeline|^opt_type|mu_dtype|grad_dtype|sparse_core")


def words_of(words: Sequence[str]) -> dict[str, Any]:
    """Return the KEY=VALUE words of a command as values."""
    found: dict[str, Any] = {}
    for word in words:
        key, equals, text = word.partition("=")
        if equals and re.fullmatch(r"\w+", key):
            found[key] = _plain(text)
    return found


def _plain(text: str) -> Any:
    if re.fullmatch(r"[+-]?\d[\d_]{0,15}", text):
        return int(text)
    if re.fullmatch(r"[+-]?(\d+\.\d*|\.\d+)([eE][+-]?\d+)?", text):
        return float(text)
    return {"true": True, "false": False}.get(text.lower(), text.strip("'\""))


def read_keys(said: Mapping[str, Any], found: Reading, devices: int | None) -> None:
    """Take over what keys say.

    Parameters
    ----------
    said : mapping
    found : Reading
        Filled in.
    devices : int, optional
        Their number, where the caller knows it.

    Raises
    ------
    InputError
        A value of the wrong kind, or axes that contradict the number of devices.
    """
    later = [key for key, value in said.items() if UNKNOWN in str(value)]
    said = {key: value for key, value in said.items() if key not in later}
    found.aside += [key for key in later if not _matters(key)]
    found.not_understood |= {key: "its value is known only when the script runs" for key in later if _matters(key)}
    for part in (_model, _precision, _recomputation, _host):
        part(said, found)
    count = _axes(said, found, devices)
    _batch(said, found, count)
    known = known_names("maxtext")

    def why_not(key: str) -> str | None:
        if key not in known and key != "base_config":
            return "no key of MaxText's base.yml"
        usual = key in known and json.dumps(said[key]) == known[key].default
        return "not counted here" if _matters(key) and not usual else None

    found.leave(said, why_not)


def _matters(key: str) -> bool:
    return key in _MODEL or (bool(_MATTERS.search(key)) and not key.startswith("reuse_"))


def _number(said: Mapping[str, Any], key: str, usual: float) -> float:
    value = said.get(key, usual)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= MOST_WHOLE:
        raise InputError(
            "not a number", key=key, value=value, allowed=f"up to {MOST_WHOLE:,}",
            remedy="give the value itself in place of a variable",
        )  # fmt: skip
    return float(value)


def _degree(said: Mapping[str, Any], found: Reading, axis: str) -> int | None:
    """Return an axis' degree inside and over domains; None where it takes what is left."""
    usual = {"ici_fsdp": -1, "dcn_data": -1}
    parts = []
    for side in ("ici", "dcn"):
        key = f"{side}_{axis}_parallelism"
        default = usual.get(f"{side}_{axis}", 1)
        parts.append(int(_number(said, key, default)))
        if key in said:
            found.taken[key] = f"{axis} {parts[-1]}" if parts[-1] > 0 else f"{axis}: what is left"
    return None if -1 in parts else math.prod(parts)


def _axes(said: Mapping[str, Any], found: Reading, devices: int | None) -> int | None:
    degrees = {axis: _degree(said, found, axis) for axis in AXES}
    open_ = [axis for axis, degree in degrees.items() if degree is None]
    if {"data", "fsdp"} <= {*open_} and _number(
        said, "dcn_data_parallelism", -1
    ) < 0:  # one domain: it takes the devices
        degrees["data"] = int(_number(said, "ici_data_parallelism", 1))
        open_.remove("data")
    elif "data" in open_ and "fsdp" not in open_ and devices is None:
        degrees["data"], open_ = int(_number(said, "ici_data_parallelism", 1)), []
    known = math.prod(degree for degree in degrees.values() if degree)
    if not open_:
        devices = devices or known
    if devices is not None and open_:
        if devices % known:
            raise InputError(
                f"the axes take {known} devices, which do not divide {devices}", where=found.where, key="devices",
                value=devices, remedy="correct --devices, or an axis",
            )  # fmt: skip
        degrees[open_[0]] = devices // known
        degrees |= dict.fromkeys(open_[1:], 1)
    tp = math.prod(degrees[axis] or 1 for axis in ("tensor", "tensor_transpose", "tensor_sequence"))
    cp = math.prod(degrees[axis] or 1 for axis in ("context", "sequence"))
    fsdp = [degrees[axis] for axis in ("fsdp", "fsdp_transpose", "expert")]
    ep, pp = degrees["expert"] or 1, degrees["pipeline"] or 1
    found.layout |= {"tp": tp, "cp": cp, "pp": pp, "sequence_parallel": (degrees["tensor_sequence"] or 1) > 1}
    found.layout["ep"] = ep
    if ep > 1 or (found.spec is not None and found.spec.experts):
        found.layout["etp"] = tp
    found.layout["zero"] = (
        3
        if "fsdp" in open_ or math.prod(f or 1 for f in fsdp) > 1
        else 1
        if said.get("shard_optimizer_over_data")
        else 0
    )
    found.mark(said, f"ZeRO stage {found.layout['zero']}", "shard_optimizer_over_data")
    if devices is None:
        return None
    sharded = math.prod(f or 1 for f in fsdp)
    found.layout["dp"] = (degrees["data"] or 1) * sharded
    if found.layout["zero"] == 3 and (degrees["data"] or 1) > 1:
        found.layout["shard"] = sharded * cp
    found.scenario["devices"] = devices
    return devices


def _batch(said: Mapping[str, Any], found: Reading, devices: int | None) -> None:
    a_device, again = _number(said, "per_device_batch_size", 12.0), int(_number(said, "gradient_accumulation_steps", 1))
    found.scenario["seq_len"] = int(_number(said, "max_target_length", 2048))
    keys = ("per_device_batch_size", "gradient_accumulation_steps", "max_target_length")
    found.taken |= {key: str(said[key]) for key in keys if key in said}
    pp = found.layout["pp"]
    on_replica = found.layout["tp"] * found.layout["cp"] * pp
    repeats, each = (
        int(_number(said, "num_pipeline_repeats", -1)),
        int(_number(said, "num_layers_per_pipeline_stage", 1)),
    )
    layers = found.spec.n_layers if found.spec else 0
    found.layout["vpp"] = max(1, repeats if repeats > 0 else layers // (pp * each)) if pp > 1 else 1
    pieces = int(_number(said, "num_pipeline_microbatches", -1)) if pp > 1 else 1
    pieces = pieces if pieces > 0 else pp
    became = f"vpp {found.layout['vpp']}, {pieces} micro-batches" if pp > 1 else "nothing, since pp is 1"
    found.mark(said, became, "num_pipeline_microbatches", "num_layers_per_pipeline_stage", "num_pipeline_repeats")
    micro = a_device * on_replica / pieces
    if micro >= 1 and abs(micro - round(micro)) < 1e-9:
        found.layout["micro_batch"] = round(micro)
    steps = int(_number(said, "steps", 0))
    if devices is None:
        found.notes.append(f"the batch is {a_device:g} sequences of every device: --devices says how many there are")
        if steps > 0:
            found.lasts("steps", steps=steps)
        return
    batch = a_device * devices * again
    if batch < 1 or abs(batch - round(batch)) > 1e-6:
        raise InputError(
            f"{a_device:g} sequences on {devices} devices are no whole batch", where=found.where, key="per_device_batch_size",
            value=a_device, remedy="correct --devices",
        )  # fmt: skip
    found.scenario["batch"] = round(batch)
    if steps > 0:
        found.lasts("steps", steps=steps)


def _precision(said: Mapping[str, Any], found: Reading) -> None:
    name, dtype = str(said.get("quantization") or ""), str(said.get("dtype", "bfloat16"))
    recipe = (
        "int8" if "int8" in name else "mxfp8" if "mxfp8" in name else "nvfp4" if "nvfp4" in name else "fp8" if "fp8" in name
        else "" if name else "fp32" if dtype == "float32" else "fp16" if dtype == "float16" else "bf16"
    )  # fmt: skip
    if not recipe:
        found.not_understood["quantization"] = f"{name}: counted as bf16"
    found.scenario["precision"] = recipe or "bf16"
    found.mark(said, f"precision {found.scenario['precision']}", "dtype", "quantization")
    attention = str(said.get("attention", "autoselected"))
    if attention == "dot_product":
        found.take("attention", "explicit attention", software_attention_kernel="explicit")
    else:
        found.mark(said, "fused attention", "attention")
    if str(said.get("opt_type", "adamw")) in ("adamw", "adam_pax", "muon"):
        if "opt_type" in said:
            optimizer: Any = "muon" if said["opt_type"] == "muon" else "adamw"
            found.take("opt_type", optimizer, software_optimizer=optimizer)
    else:
        found.not_understood["opt_type"] = f"{said['opt_type']} is counted as adamw"


def _recomputation(said: Mapping[str, Any], found: Reading) -> None:
    policy = str(said.get("remat_policy", "full"))
    if policy not in POLICIES:
        found.not_understood["remat_policy"] = f"{policy} is no policy of MaxText"
        return
    found.layout["recompute"] = POLICIES[policy]
    found.mark(said, f"recompute {POLICIES[policy]}", "remat_policy")
    if policy not in EXACT:
        found.notes.append(f"the policy {policy} is counted as {POLICIES[policy]} recomputation, the nearest of four")


def _host(said: Mapping[str, Any], found: Reading) -> None:
    weights, states = (bool(said.get(f"{what}_memory_host_offload")) for what in ("parameter", "optimizer"))
    offload = (
        "weights"
        if weights
        else "optimizer"
        if states
        else "activations"
        if "offloaded" in str(said.get("remat_policy"))
        else None
    )
    if offload:
        found.scenario["offload"] = offload
    found.mark(said, f"offload {offload or 'none'}", "parameter_memory_host_offload", "optimizer_memory_host_offload")


def _model(said: Mapping[str, Any], found: Reading) -> None:
    name = str(said.get("model_name", "default")).lower()
    known = flavors("maxtext").get(name) or model_aliases().get(name)
    if known:
        found.take("model_name", f"model {known}", model=known)
    elif name != "default":
        found.not_understood["model_name"] = f"the catalogue has no {name}; add --model"
    elif any(key in said for key in _MODEL[:6]):
        found.scenario["model"] = _spec(said)
        found.mark(said, "the model", *_MODEL)


def _spec(said: Mapping[str, Any]) -> ModelSpec:
    """Return a model of MaxText's own sizes, with what its base.yml has where the file says none."""
    usual = {"base_emb_dim": 2048, "base_num_query_heads": 16, "base_num_kv_heads": 16, "base_mlp_dim": 7168,
             "base_num_decoder_layers": 16, "head_dim": 128, "vocab_size": 32000, "num_experts": 1,
             "num_experts_per_tok": 1}  # fmt: skip
    n = {key: int(_number(said, key, value)) for key, value in usual.items()}
    gated = "linear" in str(said.get("mlp_activations", "linear"))
    experts = None
    if n["num_experts"] > 1:
        inner = int(_number(said, "base_moe_mlp_dim", -1))
        experts = Experts(
            n["num_experts"], n["num_experts_per_tok"], inner if inner > 0 else n["base_mlp_dim"], gated=gated
        )
    return ModelSpec(
        name="as the launch file says", n_layers=n["base_num_decoder_layers"], d_model=n["base_emb_dim"],
        vocab_size=n["vocab_size"], seq_len=int(_number(said, "max_target_length", 2048)),
        attention=Attention(n["base_num_query_heads"], n["base_num_kv_heads"], n["head_dim"]),
        ffn=FeedForward(n["base_mlp_dim"], gated), experts=experts,
        tied_embeddings=bool(said.get("logits_via_embedding", False)),
    )  # fmt: skip

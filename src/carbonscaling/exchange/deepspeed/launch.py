"""DeepSpeed's configuration in the words of a scenario."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from carbonscaling.errors import InputError
from carbonscaling.exchange.deepspeed.plan import REMARKS
from carbonscaling.exchange.launch import Launch, Reading
from carbonscaling.exchange.release import known_names, release
from carbonscaling.search.divisors import MOST_WHOLE
from carbonscaling.words import counted

__all__ = ["deepspeed_launch", "read_config"]


def deepspeed_launch(text: str, where: str, devices: int | None) -> Launch:
    """Read a configuration file.

    Raises
    ------
    InputError
        It is not JSON, or has no setting of DeepSpeed's.
    """
    try:
        said = json.loads(re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE))
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"not valid JSON: {error}", where=where, remedy="correct it at the line that is named"
        ) from error
    known = {name.partition(".")[0] for name in known_names("deepspeed")}
    if not isinstance(said, dict) or not known & said.keys():
        raise InputError(
            "no setting of DeepSpeed is in the file", where=where, allowed="train_batch_size, zero_optimization and others",
            remedy="a model's config.json is given behind --model, a saved answer to report",
        )  # fmt: skip
    found = Reading(where, release("deepspeed"))
    read_config(said, found, devices)
    return found.done()


def read_config(said: Mapping[str, Any], found: Reading, devices: int | None) -> None:
    """Take over what a configuration says; `devices` where the caller knows their number."""
    _batch(said, found, devices)
    _zero(_table(said, "zero_optimization"), found)
    _degrees(said, found)
    on = {
        key.replace("bfloat16", "bf16"): _table(said, key).get("enabled")
        for key in ("bf16", "bfloat16", "fp16")
        if key in said
    }
    recipe = next((name for name in ("bf16", "fp16") if on.get(name) is True), None)
    automatic = "auto" in on.values()
    found.scenario["precision"] = recipe or (None if automatic else "fp32")
    if recipe or not automatic:
        found.mark(said, f"precision {recipe or 'fp32'}", "bf16", "bfloat16", "fp16")
    _recomputation(said, found)
    known = known_names("deepspeed")
    for key, value in said.items():
        if key in found.taken or key == REMARKS or any(taken.startswith(key + ".") for taken in found.taken):
            continue
        if key not in known:
            found.not_understood[key] = "no setting of DeepSpeed"
        elif value == "auto" and key not in found.not_understood:
            found.not_understood[key] = "auto: its value stands where the trainer is started"
        elif key in ("bf16", "bfloat16", "fp16"):
            found.not_understood[key] = "auto: the format stands where the trainer is started; add --precision"
        elif key in ("amp", "compression_training", "data_types", "sparse_attention", "autotuning", "torch_autocast"):
            found.not_understood[key] = "not counted here"
        elif key not in found.not_understood:
            found.aside.append(key)


def _table(said: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = said.get(key)
    return value if isinstance(value, dict) else {}


def _whole(value: Any) -> int | None:
    counts = isinstance(value, int | float) and not isinstance(value, bool) and 1 <= value <= MOST_WHOLE
    return int(value) if counts else None


def _batch(said: Mapping[str, Any], found: Reading, devices: int | None) -> None:
    keys = {
        "batch": "train_batch_size",
        "micro": "train_micro_batch_size_per_gpu",
        "steps": "gradient_accumulation_steps",
    }
    batch, micro, steps = (_whole(said.get(key)) for key in keys.values())
    if micro is not None:
        found.take(keys["micro"], f"micro_batch {micro}", layout_micro_batch=micro)
    if batch is not None:
        found.take(keys["batch"], f"batch {batch}", batch=batch)
    split = (_whole(_table(said, "tensor_parallel").get("autotp_size")) or 1) * (
        _whole(said.get("sequence_parallel_size")) or 1
    )
    if batch is None and micro and devices and devices % split == 0:
        batch = micro * (steps or 1) * devices // split
        found.scenario["batch"] = batch
        found.notes.append(
            f"a batch of {counted(batch, 'sequence')}: {micro} x {steps or 1} of {devices // split} replicas"
        )
    if batch and micro and (steps or "gradient_accumulation_steps" not in said):
        replicas, left = divmod(batch, micro * (steps or 1))
        if left:
            raise InputError(
                f"train_batch_size {batch} is no multiple of {micro} x {steps or 1}", where=found.where, key=keys["batch"],
                value=batch, allowed="micro-batch x accumulation steps x devices", remedy="correct the batch",
            )  # fmt: skip
        if steps is not None:
            found.layout["dp"] = replicas
            found.taken[keys["steps"]] = f"{steps} micro-batches of {replicas} replicas"
    elif steps is not None:
        found.taken[keys["steps"]] = f"{steps} micro-batches a replica"
        found.notes.append(f"the batch is {steps} micro-batches of every replica: --devices says how many there are")


def _zero(said: Mapping[str, Any], found: Reading) -> None:
    where = "zero_optimization."
    stage = said.get("stage", 0)
    if isinstance(stage, int) and 0 <= stage <= 3:
        found.take(where + "stage", f"ZeRO stage {stage}", layout_zero=stage)
    on = {
        part: _table(said, f"offload_{part}").get("device", "none") if f"offload_{part}" in said
        else "cpu" if said.get(old) else "none"
        for part, old in (("optimizer", "cpu_offload"), ("param", "cpu_offload_param"))
    }  # fmt: skip
    offload = "weights" if on["param"] != "none" else "optimizer" if on["optimizer"] != "none" else "none"
    for part, place in on.items():
        if f"offload_{part}" in said:
            found.take(f"{where}offload_{part}", f"offload {offload}")
        if place == "nvme":
            found.not_understood[f"{where}offload_{part}"] = "disks are counted as the host's memory"
    found.scenario["offload"] = offload
    for key in ("zero_hpz_partition_size", "mics_shard_size"):
        if (size := _whole(said.get(key))) and size > 1:
            found.take(where + key, f"sharded over {size} devices", layout_shard=size)
    if "overlap_comm" in said:
        beside = said["overlap_comm"] is True
        found.taken[where + "overlap_comm"] = f"overlap {beside}"
        if beside != (stage == 3):  # else as it ships, which the stack describes
            found.software["dp_overlap"] = beside
    known = known_names("deepspeed")
    for key in said:
        if where + key not in known and where + key not in found.taken:
            found.not_understood[where + key] = "no setting of DeepSpeed"
        elif key.startswith("zero_quantized"):
            found.not_understood[where + key] = "traffic counts at its full width"


def _degrees(said: Mapping[str, Any], found: Reading) -> None:
    tp = _whole(_table(said, "tensor_parallel").get("autotp_size")) or 1
    cp = _whole(said.get("sequence_parallel_size")) or 1
    found.mark(said, f"tp {tp}", "tensor_parallel")
    if "sequence_parallel_size" in said:
        found.taken["sequence_parallel_size"] = f"cp {cp}"
        found.notes.append("sequence parallelism of DeepSpeed (Ulysses) is counted as context parallelism")
    found.layout |= {"tp": tp, "pp": 1, "cp": cp, "ep": 1, "vpp": 1, "schedule": "1f1b"}
    if tp > 1:  # split layers sum their outputs whole, and norms run on every rank: module_inject/layers.py
        found.layout["sequence_parallel"] = False
    if dp := found.layout.get("dp"):
        found.layout["dp"] = max(1, dp // cp) if cp > 1 and dp % cp == 0 else dp
        found.scenario["devices"] = found.layout["dp"] * tp * cp
        found.notes.append(f"{found.scenario['devices']} devices: what the batch divides into")


def _recomputation(said: Mapping[str, Any], found: Reading) -> None:
    table = _table(said, "activation_checkpointing")
    asks = [key for key in ("number_checkpoints", "partition_activations", "cpu_checkpointing") if table.get(key)]
    found.layout["recompute"] = "full" if asks else "none"
    if "activation_checkpointing" in said:
        found.taken["activation_checkpointing"] = f"recompute {found.layout['recompute']}"
        if table.get("cpu_checkpointing"):
            found.not_understood["activation_checkpointing.cpu_checkpointing"] = "layers' inputs count on the device"
    else:
        found.notes.append(
            "nothing says whether activations are recomputed: counted as not; --recompute full if they are"
        )

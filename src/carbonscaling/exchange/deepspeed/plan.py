"""A plan as DeepSpeed's configuration."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from carbonscaling.exchange.line import cannot_say, header, of_batch, of_layout
from carbonscaling.exchange.release import release
from carbonscaling.perf.numbers import Recompute
from carbonscaling.study.estimate import Estimate

__all__ = ["REMARKS", "deepspeed_config"]

REMARKS = "carbonscaling"
"""Key under which the file says where its numbers come from: JSON has no comments, and DeepSpeed reads past it."""
OTHERS = ("pp", "cp", "ep", "etp", "vpp")
ALONE = "--pp 1 --cp 1 --ep 1 --zero 3 --recompute full"
"""Options under which a plan has nothing but what the file holds."""


def deepspeed_config(answer: Estimate, more: Sequence[str] = ()) -> str:
    """Return a configuration, with where each value comes from under a key of its own.

    Raises
    ------
    InputError
        The plan has something that DeepSpeed leaves to the model's own code.
    """
    what = release("deepspeed")
    s, r = answer.setting, answer.resolved
    if others := [field for field in OTHERS if getattr(s, field) > 1]:
        what_is = ", ".join(f"{field} {int(getattr(s, field))}" for field in others)
        raise cannot_say(
            what.title, f"{what_is}: the model's own code does that", others, f"add {ALONE}, or --emit megatron"
        )
    if r.recipe.name not in ("bf16", "fp16", "fp32"):
        raise cannot_say(what.title, f"the precision {r.recipe.name}", ["precision"], "choose bf16, fp16 or fp32")
    remarks: dict[str, Any] = {"about": header(answer, what.title, more)}
    config: dict[str, Any] = {}

    def say(key: str, value: Any, why: str) -> None:
        config[key], remarks[key] = value, why

    say("train_batch_size", int(r.batch), of_batch(answer))
    say("train_micro_batch_size_per_gpu", int(s.micro_batch), of_layout(answer, "micro_batch"))
    say("gradient_accumulation_steps", int(s.n_micro), f"the batch over {int(s.dp)} replicas")
    say("zero_optimization", _zero(answer, what.title), f"ZeRO stage {int(s.zero)}: {of_layout(answer, 'zero')}")
    if s.tp > 1:
        if s.sp:
            raise cannot_say(what.title, "sequence parallelism beside tensor parallelism", ["sequence_parallel"],
                             "add --sequence-parallel no, or --tp 1")  # fmt: skip
        say("tensor_parallel", {"autotp_size": int(s.tp)}, of_layout(answer, "tp"))
    for name in ("bf16", "fp16"):
        say(name, {"enabled": r.recipe.name == name}, f"precision {r.recipe.name}")
    if s.recompute != Recompute.NONE:
        if s.recompute != Recompute.FULL or s.recompute_percent != 100:
            raise cannot_say(
                what.title, "recomputation of a part", ["recompute"], "add --recompute full or --recompute none"
            )
        say("activation_checkpointing", {"number_checkpoints": r.spec.n_layers},
            f"every layer, called in the model's code: {of_layout(answer, 'recompute')}")  # fmt: skip
    return json.dumps({**config, REMARKS: remarks}, indent=2) + "\n"


def _zero(answer: Estimate, title: str) -> dict[str, Any]:
    s, beside = answer.setting, answer.scenario.software.dp_overlap
    found: dict[str, Any] = {"stage": int(s.zero), "overlap_comm": s.zero == 3 if beside is None else beside}
    if s.zero and s.shard < s.dp:
        if s.zero != 3:
            raise cannot_say(
                title, f"ZeRO stage {int(s.zero)} over a part of the replicas", ["shard"], "add --shard 0 or --zero 3"
            )
        found["zero_hpz_partition_size"] = int(s.shard)
    match answer.scenario.offload:
        case "optimizer":
            found["offload_optimizer"] = {"device": "cpu", "pin_memory": True}
        case "weights":
            found["offload_optimizer"] = found["offload_param"] = {"device": "cpu", "pin_memory": True}
        case "activations":
            raise cannot_say(
                title, "activations in the host's memory", ["offload"], "add --offload none, optimizer or weights"
            )
    return found

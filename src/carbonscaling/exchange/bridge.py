"""Megatron-Bridge's overrides: a plan written as YAML over a recipe, and read back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from carbonscaling.exchange.launch import Reading
from carbonscaling.exchange.line import Line, cannot_say, header
from carbonscaling.exchange.megatron.architecture import model_arguments
from carbonscaling.exchange.megatron.plan import arguments
from carbonscaling.exchange.megatron.understand import understand
from carbonscaling.exchange.release import release
from carbonscaling.perf.stacked import wide_share
from carbonscaling.study.estimate import Estimate

__all__ = ["SECTIONS", "bridge_overrides", "read_sections"]

PRECISIONS = {
    "bf16": "bf16_mixed", "fp16": "fp16_mixed", "fp8": "bf16_with_fp8_delayed_scaling_mixed",
    "fp8-deepseek": "bf16_with_fp8_subchannel_scaling_mixed", "mxfp8": "bf16_with_mxfp8_mixed",
    "nvfp4": "bf16_with_nvfp4_mixed",
}  # fmt: skip
"""Its mixed-precision recipes."""
SECTIONS = ("model", "train", "ddp", "optimizer", "comm_overlap", "dist", "mixed_precision", "dataset")
_PLACES = {
    "micro_batch_size": "train", "global_batch_size": "train", "train_iters": "train", "train_samples": "train",
    "use_distributed_optimizer": "ddp", "overlap_grad_reduce": "ddp", "overlap_param_gather": "ddp", "use_megatron_fsdp": "ddp",
    "data_parallel_sharding_strategy": "ddp", "num_distributed_optimizer_instances": "ddp", "grad_reduce_in_bf16": "ddp",
    "optimizer_cpu_offload": "optimizer",
    "optimizer_offload_fraction": "optimizer", "tp_comm_overlap": "comm_overlap",
    "overlap_moe_expert_parallel_comm": "comm_overlap",
}  # fmt: skip
"""Sections of arguments that do not stand under ``model``."""
_NAMES = {"num_virtual_stages_per_pipeline_rank": "virtual_pipeline_model_parallel_size"}


def bridge_overrides(answer: Estimate, more: Sequence[str] = ()) -> str:
    """Return overrides of the model's recipe, one a line, each with where its value comes from.

    Raises
    ------
    InputError
        The plan has something that Megatron-Core does not do.
    """
    what, spec, recipe = release("megatron-bridge"), answer.resolved.spec, answer.resolved.recipe.name
    if recipe not in PRECISIONS:
        raise cannot_say(what.title, f"the precision {recipe}", ["precision"], "choose bf16, fp16, fp8 or mxfp8")
    r = answer.resolved
    if wide_share(r.stack, answer.scenario.software, r.recipe):
        raise cannot_say(
            what.title, "layers in 16 bit: its recipe of mixed precision says which, over what the model's section says",
            ["software.bf16_share"], "add --software bf16_share=0, or --emit megatron",
        )  # fmt: skip
    own = {*model_arguments(spec), "bf16", "fp16", "fp8_format", "fp8_recipe", "fp4_format", "fp4_recipe"}
    lines = [line for line in arguments(answer, what.title) if line.name not in own]
    tables: dict[str, list[Line]] = {section: [] for section in SECTIONS}
    for line in lines:
        name, value = _NAMES.get(line.name, line.name), line.value
        if line.name == "grad_reduce_in_bf16":
            name, value = "grad_reduce_in_fp32", False
        tables[_PLACES.get(line.name, "model")].append(Line(name, value, line.why))
    if spec.experts and answer.scenario.software.expert_permutation == "separate":
        tables["model"].append(Line("moe_permute_fusion", False, "as stated"))
    tables["dataset"] = [line for line in tables["model"] if line.name == "seq_length"]
    found = [f"# {line}" for line in header(answer, what.title, more)]
    found += [f"# Lay it over the pretraining recipe of {spec.name}, on {int(answer.setting.n_devices):,} devices", ""]
    for section, inside in tables.items():
        if inside:
            found += [f"{section}:", *(f"  {line.name}: {json.dumps(line.value)}  # {line.why}" for line in inside)]
    return "\n".join([*found, f"mixed_precision: {PRECISIONS[recipe]}  # precision {recipe}", ""])


def read_sections(tables: Mapping[str, Any], found: Reading, devices: int | None) -> None:
    """Take over what sections of overrides say; `devices` where the caller knows their number."""
    back = {bridge: megatron for megatron, bridge in _NAMES.items()}
    said = {back.get(name, name): value for name, value in _flat(tables) if value is not None}
    recipes = {name: recipe for recipe, name in PRECISIONS.items()}
    named = str(tables.get("mixed_precision", "")).replace("-", "_")
    recipe = recipes.get(named, "fp8" if "fp8" in named else "bf16")
    if "num_moe_experts" in said:
        said["num_experts"] = said.pop("num_moe_experts")
    if said.pop("grad_reduce_in_fp32", None) is False:
        said["grad_reduce_in_bf16"] = True
    said = {name: value for name, value in said.items() if value is not False}
    understand(said, found, devices)
    if dict(_flat(tables)).get("moe_permute_fusion") is None:
        found.software.pop("expert_permutation", None)  # its recipes fuse
    if found.layout.get("ep", 1) > 1:
        found.layout.setdefault("etp", found.layout["tp"])
    if named:
        found.take("mixed_precision", f"precision {recipe}", precision=recipe)
    elif not {"bf16", "fp16"} & said.keys():
        found.scenario["precision"] = None
        found.notes.append("nothing says the number format: the device's usual one")


def _flat(tables: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for section, values in tables.items():
        if isinstance(values, dict):
            yield from values.items()
        elif section not in SECTIONS:
            yield section, values

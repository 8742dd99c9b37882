"""A plan as Megatron-LM's arguments, by their names with underscores."""

from __future__ import annotations

import math
import re
from itertools import groupby

from carbonscaling.exchange.line import (
    Line,
    cannot_say,
    of_batch,
    of_layout,
    of_model,
    of_tokens,
    refuse,
    whole_or_refused,
)
from carbonscaling.exchange.megatron.architecture import model_arguments, unsaid
from carbonscaling.exchange.stages import layers_by_stage
from carbonscaling.perf.numbers import Recompute, Schedule
from carbonscaling.perf.pipeline import in_turns, layers_on_stage, routes_again
from carbonscaling.perf.stacked import wide_share
from carbonscaling.study.estimate import Estimate

__all__ = ["PRECISIONS", "STRATEGIES", "arguments"]

PRECISIONS: dict[str, dict[str, object]] = {
    "fp32": {},
    "bf16": {"bf16": True},
    "fp16": {"fp16": True},
    "fp8": {"bf16": True, "fp8_format": "hybrid", "fp8_recipe": "delayed"},
    "fp8-deepseek": {"bf16": True, "fp8_format": "e4m3", "fp8_recipe": "blockwise"},
    "mxfp8": {"bf16": True, "fp8_format": "e4m3", "fp8_recipe": "mxfp8"},
    "nvfp4": {"bf16": True, "fp4_format": "e2m1", "fp4_recipe": "nvfp4"},
}
"""Arguments of each precision recipe."""
STRATEGIES = {2: "optim_grads", 3: "optim_grads_params"}
"""Megatron-FSDP's names of ZeRO stages; the distributed optimizer is stage 1."""
DEGREES = {
    "tp": "tensor_model_parallel_size", "pp": "pipeline_model_parallel_size", "cp": "context_parallel_size",
    "ep": "expert_model_parallel_size", "etp": "expert_tensor_parallel_size",
}  # fmt: skip
NO_LAYER = ("mamba", "rwkv4", "rwkv5", "rwkv6", "rwkv7")
"""Mixers that Megatron-Core has no layer of: the first Mamba, and every RWKV."""
SAVES_LITTLE = "what fused attention and Megatron's modules recompute of a layer"


def arguments(answer: Estimate, title: str) -> list[Line]:
    """Return what launches the plan.

    Raises
    ------
    InputError
        The plan has something that Megatron-LM does not do.
    """
    return [
        *_degrees(answer, title), *_batch(answer), *_precision(answer, title), *_recomputation(answer, title),
        *_overlap(answer), *_host(answer, title), *_model(answer, title),
    ]  # fmt: skip


def _degrees(answer: Estimate, title: str) -> list[Line]:
    s, spec = answer.setting, answer.resolved.spec
    if not in_turns(s.schedule):
        raise cannot_say(title, f"the schedule {Schedule.NAMES[int(s.schedule)]}", ["schedule"], "add --schedule 1f1b")
    found = [
        Line(name, int(getattr(s, field)), of_layout(answer, field))
        for field, name in DEGREES.items()
        if getattr(s, field) > 1 or field in ("tp", "pp") or (field in ("ep", "etp") and spec.experts)
    ]
    if s.sp and s.tp > 1:
        found.append(Line("sequence_parallel", True, of_layout(answer, "sequence_parallel")))
    if s.cp > 1 and answer.resolved.work.dealt:
        found.append(Line("cp_comm_type", "a2a", "context_exchange as stated: heads dealt to context ranks"))
    found += _stages(answer)
    why = f"ZeRO stage {int(s.zero)}: {of_layout(answer, 'zero')}"
    if s.zero == 1:
        found.append(Line("use_distributed_optimizer", True, why))
    if s.zero >= 2:
        found.append(Line("use_megatron_fsdp", True, why))
        found.append(Line("use_distributed_optimizer", True, "Megatron-FSDP asks for it"))
        found.append(Line("data_parallel_sharding_strategy", STRATEGIES[int(s.zero)], why))
    copies = int(s.dp * s.cp / s.shard) if s.zero else 1
    if copies > 1:
        found.append(Line("num_distributed_optimizer_instances", copies, of_layout(answer, "shard")))
    return found


def _stages(answer: Estimate) -> list[Line]:
    s = answer.setting
    if s.pp == 1:
        return []
    stages, chunks = int(s.pp), int(s.vpp)
    layers = layers_by_stage(answer)
    extra = answer.resolved.spec.n_predicted  # counted among the layers of the last stage
    if len({n for stage in layers for n in stage}) == 1 and not extra:
        why = of_layout(answer, "vpp")
        return [Line("num_virtual_stages_per_pipeline_rank", chunks, why)] if chunks > 1 else []
    order = [layers[stage][chunk] for chunk in range(chunks) for stage in range(stages)]
    words = ["t" * n for n in order]
    words[0], words[-1] = "E" + words[0], "t" * (order[-1] - extra) + "m" * extra + "L"
    middle = [(word, len([*same])) for word, same in groupby(words[1:-1])]
    folded = "|".join([words[0], *(f"({word}|)*{n}" if n > 1 else word for word, n in middle), words[-1]])
    layout = re.sub(r"(\)\*\d+)\|", r"\1", folded)  # a bar is inside the brackets already
    return [Line("pipeline_model_parallel_layout", layout, "layers dealt so that no stage is longer than need be")]


def _batch(answer: Estimate) -> list[Line]:
    r, s = answer.resolved, answer.setting
    return [
        Line("micro_batch_size", int(s.micro_batch), of_layout(answer, "micro_batch")),
        Line("global_batch_size", int(r.batch), of_batch(answer)),
        Line("seq_length", r.seq_len, "the sequence length of the question, or the model's own"),
        Line("train_iters", math.ceil(r.n_steps), of_tokens(answer)),
    ]


def _precision(answer: Estimate, title: str) -> list[Line]:
    r = answer.resolved
    if r.recipe.name not in PRECISIONS:
        raise cannot_say(title, f"the precision {r.recipe.name}", ["precision"], "choose bf16, fp16, fp8 or mxfp8")
    why = "precision as stated" if answer.scenario.precision else "the device's usual precision"
    software = answer.scenario.software
    attention, head = (bool(on) and r.recipe.narrow for on in (software.attention_8bit, software.head_8bit))
    refuse(
        title,
        (attention, "attention in 8 bit: no argument says so", "software.attention_8bit",
         "leave attention_8bit out"),
        (bool(software.row_scales) and r.recipe.name == "fp8", "a scale for each row of an 8-bit product",
         "software.row_scales", "leave row_scales out, or add --emit torchtitan"),
        (head and r.recipe.name != "mxfp8", f"a head in 8 bit beside {r.recipe.name}",
         "software.head_8bit", "choose mxfp8, or leave head_8bit out"),
    )  # fmt: skip
    ends = _ends(answer, title)
    said = PRECISIONS[r.recipe.name] | ({"fp8_recipe": "tensorwise"} if ends and r.recipe.name == "fp8" else {})
    found = [*(Line(name, value, f"{why}: {r.recipe.name}") for name, value in said.items()), *ends]
    if head:
        found.append(Line("fp8_output_proj", True, "output head in 8 bit, as stated"))
    if r.machine.software.grad_bytes == 2 and r.recipe.name != "fp16":
        found.append(Line("grad_reduce_in_bf16", True, f"gradients of 2 bytes: stack {r.stack.name}"))
    return found


def _ends(answer: Estimate, title: str) -> list[Line]:
    """Return which layers stay in 16 bit: the last ones, and of the first what the last stage has no layers for.

    Delayed scaling leaves none.
    """
    r, options = answer.resolved, answer.scenario.software
    share, n = wide_share(r.stack, options, r.recipe), r.spec.n_layers
    if not share:
        return []
    own = options.bf16_share is not None
    layers, most, stated = round(share * n), n // int(answer.setting.pp), f"{100 * share:g} % of the products in 16 bit"
    refuse(
        title,
        (own and layers / n != share, f"{stated}, which are no whole layers", "software.bf16_share",
         f"add --software bf16_share={layers / n}"),
        (layers > 2 * most, f"{stated}, more layers than the first and the last stage have", "software.bf16_share",
         f"add --software bf16_share={2 * most / n}"),
    )  # fmt: skip
    last, why = min(layers, most), f"{stated}, as {'stated' if own else 'usual'}"
    return [
        Line("first_last_layers_bf16", True, why), Line("num_layers_at_start_in_bf16", layers - last, why),
        Line("num_layers_at_end_in_bf16", last, why),
    ]  # fmt: skip


def _recomputation(answer: Estimate, title: str) -> list[Line]:
    s, spec = answer.setting, answer.resolved.spec
    why = of_layout(answer, "recompute")
    if s.recompute == Recompute.NONE:
        return []
    if s.recompute != Recompute.FULL:
        whole_or_refused(answer, title)
        modules = ["layernorm"] if answer.resolved.machine.software.flash else ["core_attn"]
        if s.recompute == Recompute.FEED_FORWARD:
            modules += (["moe"] if spec.experts else []) + (["mlp"] if spec.n_dense_layers else [])
        else:
            modules += ["moe_act"] if spec.experts else []
        modules += ["mla_up_proj"] if spec.attention and spec.attention.kind == "mla" else []
        return [Line("recompute_granularity", "selective", why), Line("recompute_modules", modules, SAVES_LITTLE)]
    per_stage = float(layers_on_stage(spec.n_layers, s.pp, s.vpp))
    layers = math.ceil(per_stage * float(s.recompute_percent) / 100.0)
    found = [Line("recompute_granularity", "full", why)]
    if layers == per_stage:
        return [
            *found,
            Line("recompute_method", "uniform", why),
            Line("recompute_num_layers", 1, "every layer by itself"),
        ]
    a_chunk = math.ceil(layers / float(s.vpp))
    return [
        *found, Line("recompute_method", "block", why),
        Line("recompute_num_layers", a_chunk, f"of every chunk: {a_chunk * int(s.vpp)} of {per_stage:g} layers of a stage"),
    ]  # fmt: skip


def _overlap(answer: Estimate) -> list[Line]:
    r, s, software = answer.resolved, answer.setting, answer.resolved.machine.software
    why = f"software stack {r.stack.name}"
    found = []
    if software.update_beside > 0 and s.dp * s.cp > 1:
        found.append(Line("overlap_grad_reduce", True, why))
        found += [Line("overlap_param_gather", True, why)] if s.zero else []
    if software.tp_overlap > 0 and s.tp > 1:
        found.append(Line("tp_comm_overlap", True, why))
    if r.spec.experts and s.ep > 1:
        chosen = answer.scenario.software.dispatcher or ("flex" if software.relay else "alltoall")
        backend = chosen if chosen in ("deepep", "hybridep") else "deepep" if chosen == "flex" else None
        found.append(Line("moe_token_dispatcher_type", "flex" if backend else chosen, why))
        found += [Line("moe_flex_dispatcher_backend", backend, why)] if backend else []
        found += [Line("overlap_moe_expert_parallel_comm", True, why)] if s.schedule == Schedule.COMBINED else []
    if r.spec.experts and answer.scenario.software.expert_permutation != "separate":
        found.append(Line("moe_permute_fusion", True, why))
    if r.spec.experts and software.expert_fused > 0:
        found.append(
            Line(
                "use_transformer_engine_op_fuser",
                True,
                "experts' kernels as stated; NVTE_CUTEDSL_FUSED_GROUPED_MLP=1 beside it",
            )
        )
    return [*found, *_graphs(answer, why)]


def _graphs(answer: Estimate, why: str) -> list[Line]:
    """Return what is captured; of dense layers nothing that counts, unless it is the whole step.

    Parts of layers that are recomputed whole are refused.
    """
    chosen = answer.scenario.software.cuda_graphs or answer.resolved.stack.graphs.value
    if chosen == "full":
        return [Line("cuda_graph_impl", "full_iteration", why)]
    if chosen == "none" or not answer.resolved.spec.experts or routes_again(answer.setting.recompute):
        return []
    modules = ["moe_router"] if chosen == "router" else ["attn", "moe_router"]
    return [Line("cuda_graph_impl", "transformer_engine", why), Line("cuda_graph_modules", modules, why)]


def _host(answer: Estimate, title: str) -> list[Line]:
    offload, why = answer.scenario.offload, "offload as stated"
    match offload:
        case "optimizer":
            return [
                Line("optimizer_cpu_offload", True, why),
                Line("optimizer_offload_fraction", 1.0, "all of the states"),
            ]
        case "activations":
            modules = ["attn_norm", "core_attn", "attn_proj", "mlp_norm"]
            modules += ["expert_fc1", "moe_act"] if answer.resolved.spec.experts else []
            return [Line("fine_grained_activation_offloading", True, why), Line("offload_modules", modules, why)]
        case "weights":
            raise cannot_say(
                title, "weights in the host's memory", ["offload"], "use --emit deepspeed, or offload the optimizer"
            )
    return []


def _model(answer: Estimate, title: str) -> list[Line]:
    spec, why = answer.resolved.spec, of_model(answer)
    if spec.mixer is not None and spec.mixer.kind in NO_LAYER:
        raise cannot_say(title, f"layers of {spec.mixer.kind}", ["model"], "train it with its authors' own program")
    if unsaid(spec):
        return []
    return [Line(name, value, why) for name, value in model_arguments(spec).items()]

"""Megatron-LM's arguments on number formats, recomputation, kernels and the host, in the words of a scenario."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from carbonscaling.exchange.launch import Reading, again_percent

__all__ = ["host", "precision", "recomputation", "software"]

_FORMATS = ("bf16", "fp16", "fp8_format", "fp8_recipe", "fp4_format", "fp4_recipe", "fp8", "fp8_hybrid", "fp8_e4m3")
_SIZES = {"fp32": 4.0, "bf16": 2.0, "fp16": 2.0, "fp8": 1.0}
Said = Mapping[str, Any]


def _words(said: Said, name: str) -> list[str]:
    value = said.get(name, ())
    return [*map(str, value)] if isinstance(value, list | tuple) else str(value).split()


def precision(said: Said, found: Reading) -> None:
    """Take over the number format, and the bytes of gradients and states."""
    if said.get("fp4_format"):
        recipe = "nvfp4"
    elif said.get("fp8_format") or said.get("fp8_hybrid") or said.get("fp8_e4m3") or said.get("fp8"):
        recipe = {"blockwise": "fp8-deepseek", "mxfp8": "mxfp8"}.get(str(said.get("fp8_recipe")), "fp8")
    else:
        recipe = "bf16" if said.get("bf16") else "fp16" if said.get("fp16") else "fp32"
    found.scenario["precision"] = recipe
    found.mark(said, f"precision {recipe}", *_FORMATS)
    if said.get("fp8_output_proj") and said.get("fp8_recipe", "mxfp8") == "mxfp8":
        found.take("fp8_output_proj", "output head in 8 bit", software_head_8bit=True)
    _ends(said, found)
    reduced = said.get("grad_reduce_in_bf16")
    if reduced:
        found.take("grad_reduce_in_bf16", "gradients of 2 bytes", software_gradient_bytes=2.0)
    if "accumulate_allreduce_grads_in_fp32" in said:
        found.take("accumulate_allreduce_grads_in_fp32", "gradients of 4 bytes", software_gradient_bytes=4.0)
    for name in ("main_grads_dtype", "megatron_fsdp_main_grads_dtype"):
        if (size := _SIZES.get(str(said.get(name)))) and size >= 2:
            found.take(name, f"gradients of {size:g} bytes", software_gradient_bytes=size)
    _states(said, found)


def _ends(said: Said, found: Reading) -> None:
    """Take over the first and last layers that stay in 16 bit, one of each unless their numbers are said."""
    names = ("first_last_layers_bf16", "num_layers_at_start_in_bf16", "num_layers_at_end_in_bf16")
    if not said.get(names[0]):
        if said.get("fp4_format"):
            found.software["bf16_share"] = 0.0
        return
    layers = said.get("num_layers") or (found.spec.n_layers if found.spec else 0)
    counts = {name: said.get(name, 1) for name in names[1:]}
    wrong = {name for name, n in counts.items() if not isinstance(n, int) or n < 0}
    found.not_understood |= dict.fromkeys(wrong, "not a number of layers")
    if not wrong:
        ends = sum(counts.values())
        if layers:
            found.software["bf16_share"] = min(1.0, ends / layers)
        else:
            found.ends = ends
        found.mark(said, f"{ends} layers in 16 bit", *names)


def _states(said: Said, found: Reading) -> None:
    names = {"main_params_dtype": "fp32", "exp_avg_dtype": "fp32", "exp_avg_sq_dtype": "fp32"}
    if said.get("use_precision_aware_optimizer"):
        total = sum(_SIZES.get(str(said.get(name, usual)), 4.0) for name, usual in names.items())
        for name in ("use_precision_aware_optimizer", *(name for name in names if name in said)):
            found.take(name, f"states of {total:g} bytes", software_optimizer_bytes=total)


def recomputation(said: Said, found: Reading) -> None:
    """Take over which activations the backward pass computes again, and in how many layers."""
    kind = said.get("recompute_granularity")
    for old in ("recompute_activations", "checkpoint_activations", "deepspeed_activation_checkpointing"):
        if said.get(old):
            kind = kind or ("selective" if old.startswith("recompute") else "full")
            found.taken[old] = f"recompute {kind}"
    kind = kind if kind in ("full", "selective") else "none"
    modules = {*_words(said, "recompute_modules")} if kind == "selective" else set()
    experts = said.get("num_experts") or (found.spec and found.spec.experts)
    if "moe" in modules or ("mlp" in modules and not experts):
        kind = "feed-forward"
    elif modules & {"mlp", "shared_experts"}:
        found.notes.append("recomputation of dense blocks or shared experts beside experts is counted as selective")
    found.layout["recompute"] = kind
    found.mark(
        said, f"recompute {kind}", "recompute_granularity", "recompute_modules", "recompute_method", "recompute_num_layers",
        "activations_checkpoint_method",
    )  # fmt: skip
    if kind == "full":
        found.layout["recompute_percent"] = _percent(said, found)


def _percent(said: Said, found: Reading) -> int | None:
    """Return the share of layers that the method ``block`` recomputes, in percent of a stage's.

    None while it follows from a model that is not known yet.
    """
    if said.get("recompute_method", said.get("activations_checkpoint_method")) != "block":
        return 100
    again = said.get("recompute_num_layers") or 1
    layers = said.get("num_layers") or (found.spec.n_layers if found.spec else 0)
    if not layers:
        found.again = again
        return None
    layers += said.get("mtp_num_layers") or 0
    return again_percent(layers, found.layout["pp"], found.layout["vpp"], again)


def software(said: Said, found: Reading) -> None:
    """Take over kernels, the optimizer, and what travels beside compute."""
    backend = str(said.get("attention_backend", "auto")).removeprefix("AttnBackend.")
    found.mark(said, f"attention {backend}", "attention_backend")
    if backend in ("unfused", "local"):
        found.software["attention_kernel"] = "explicit"
    found.mark(said, "fused attention", "use_flash_attn")
    beside = bool(said.get("overlap_grad_reduce"))
    found.software["dp_overlap"] = beside
    became = "traffic of data parallelism beside compute" if beside else "nothing by itself"
    found.mark(said, became, "overlap_grad_reduce", "overlap_param_gather", "overlap_param_gather_with_optimizer_step")
    if "no_async_tensor_model_parallel_allreduce" in said:
        what = "sums over tensor ranks with nothing beside"
        found.take("no_async_tensor_model_parallel_allreduce", what, software_tp_beside=False)
    if not said.get("tp_comm_overlap") and found.layout["tp"] > 1:
        found.software["tp_overlap"] = 0.0
    found.mark(said, "tensor-parallel traffic beside compute", "tp_comm_overlap")
    optimizer = {"muon": "muon", "dist_muon": "muon", "adaptive_muon": "muon", "adam": "adamw"}.get(
        str(said.get("optimizer", "adam"))
    )
    if optimizer is None:
        found.not_understood["optimizer"] = f"{said['optimizer']} is counted as adamw"
    else:
        found.software["optimizer"] = optimizer
        found.mark(said, optimizer, "optimizer")
    _context(said, found)
    _experts(said, found)
    _graphs(said, found)


def _context(said: Said, found: Reading) -> None:
    kinds = {*_words(said, "cp_comm_type")}
    if kinds == {"a2a"}:
        found.take("cp_comm_type", "heads dealt to context ranks", software_context_exchange="all-to-all")
    elif kinds & {"p2p", "allgather", "a2a+p2p"}:
        found.taken["cp_comm_type"] = "keys and values of context ranks, counted as a ring"


def _experts(said: Said, found: Reading) -> None:
    if (said.get("num_experts") or 1) == 1 and "moe_token_dispatcher_type" not in said:
        return
    kind = said.get("moe_token_dispatcher_type", "allgather")
    backend = "deepep" if said.get("moe_enable_deepep") else said.get("moe_flex_dispatcher_backend", "deepep")
    chosen = backend if kind == "flex" else kind
    if chosen in ("alltoall", "allgather", "deepep", "hybridep"):
        found.software["dispatcher"] = chosen
        names = ("moe_token_dispatcher_type", "moe_flex_dispatcher_backend", "moe_enable_deepep")
        found.mark(said, f"dispatcher {chosen}", *names)
    found.software["expert_permutation"] = "fused" if said.get("moe_permute_fusion") else "separate"
    found.mark(said, "permutation of tokens by kernels of its own", "moe_permute_fusion")
    found.software["expert_overlap"] = bool(said.get("overlap_moe_expert_parallel_comm"))
    found.mark(said, "expert traffic beside another micro-batch", "overlap_moe_expert_parallel_comm")
    if said.get("moe_router_force_load_balancing"):
        found.take("moe_router_force_load_balancing", "equal loads", software_expert_balance="forced")
    if said.get("use_transformer_engine_op_fuser") and said.get("fp8_recipe") == "mxfp8":
        found.take(
            "use_transformer_engine_op_fuser", "activations inside experts' products", software_expert_kernels="fused"
        )
    places = said.get("moe_expert_capacity_factor")
    if isinstance(places, int | float) and places > 0 and said.get("moe_pad_expert_input_to_capacity"):
        found.take(
            "moe_expert_capacity_factor", f"{places:g} times the mean load", software_expert_capacity=float(places)
        )
        found.taken["moe_pad_expert_input_to_capacity"] = "all places computed"


def _graphs(said: Said, found: Reading) -> None:
    kind, modules = str(said.get("cuda_graph_impl", "none")), " ".join(_words(said, "cuda_graph_modules"))
    if said.get("enable_cuda_graph") or said.get("external_cuda_graph"):
        kind = "local"
    graphs = (
        "none"
        if kind == "none"
        else "full"
        if kind == "full_iteration"
        else "attention"
        if "attn" in modules or not modules
        else "router"
    )
    found.software["cuda_graphs"] = graphs
    found.mark(
        said, f"graphs {graphs}", "cuda_graph_impl", "cuda_graph_modules", "enable_cuda_graph", "external_cuda_graph",
        "cuda_graph_scope",
    )  # fmt: skip


def host(said: Said, found: Reading) -> None:
    """Take over what the host's memory holds."""
    if said.get("optimizer_cpu_offload"):
        found.take("optimizer_cpu_offload", "optimizer states in the host's memory", offload="optimizer")
        if said.get("optimizer_offload_fraction", 1.0) == 1.0:
            found.mark(said, "all of them", "optimizer_offload_fraction")
        else:
            found.not_understood["optimizer_offload_fraction"] = "the whole of the states counts as moved"
    if said.get("fine_grained_activation_offloading"):
        found.take("fine_grained_activation_offloading", "activations in the host's memory", offload="activations")
        found.mark(said, "activations in the host's memory", "offload_modules")
    if (n := said.get("cpu_offloading_num_layers")) and said.get("num_layers"):
        share = min(1.0, n / said["num_layers"])
        found.take("cpu_offloading_num_layers", f"activations of {share:.0%} of the layers in the host's memory",
                   offload="activations", software_moved_activations=share)  # fmt: skip

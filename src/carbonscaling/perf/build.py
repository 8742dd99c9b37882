"""Turn a model, a cluster and a recipe into the plain numbers that the formulas take."""

from __future__ import annotations

from carbonscaling.errors import InputError
from carbonscaling.hardware.cluster import Cluster
from carbonscaling.hardware.device import Device
from carbonscaling.model.flops import attention_span, training_flops_per_token
from carbonscaling.model.params import parameter_count
from carbonscaling.model.spec import ModelSpec
from carbonscaling.perf.efficiency import Efficiency
from carbonscaling.perf.machine import Formats, Machine, Silicon
from carbonscaling.perf.numbers import Workload
from carbonscaling.perf.precision import Recipe
from carbonscaling.perf.stacked import software
from carbonscaling.software.options import Software
from carbonscaling.software.stack import Stack

__all__ = ["machine", "workload"]

AS_IT_SHIPS = Software()
"""A stack as it is, nothing changed."""

_TORUS_AXES = {"torus2d": 2.0, "torus3d": 3.0}


def workload(spec: ModelSpec, seq_len: int) -> Workload:
    """Return `spec` at a sequence length as numbers.

    Raises
    ------
    InputError
        The sequence is longer than the model's learned positions.
    """
    if spec.n_positions and seq_len > spec.n_positions:
        raise InputError(
            "sequence longer than the model's learned positions",
            key="seq_len",
            value=seq_len,
            allowed=f"1 to {spec.n_positions}",
            remedy="shorten the sequence or choose a rotary model",
        )
    a, x, h = spec.attention, spec.experts, float(spec.d_model)
    parts = parameter_count(spec)
    n_moe, n_dense = spec.n_moe_layers, spec.n_dense_layers
    if a is None:
        shapes = dict(d_latent=0.0, k_query=0.0, n_query=0.0, k_value=0.0, n_value=0.0, d_query=0.0, d_context=0.0)
        shapes |= dict(d_kv=0.0, n_heads=0.0, span=1.0)
    else:
        d_query = a.n_heads * (a.head_dim + a.rope_head_dim)
        d_context = a.n_heads * a.d_value
        shapes = dict(d_query=float(d_query), d_context=float(d_context), n_heads=float(a.n_heads))
        shapes["span"] = float(attention_span(spec, seq_len, causal=True))
        if a.kv_lora_rank is not None:
            shapes |= dict(
                d_latent=float((a.q_lora_rank or 0) + a.kv_lora_rank + a.rope_head_dim),
                k_query=float(a.q_lora_rank or h),
                n_query=float(d_query),
                k_value=float(a.kv_lora_rank),
                n_value=float(a.n_heads * (a.head_dim + a.d_value)),
                d_kv=float(a.n_heads * (a.head_dim + a.rope_head_dim + a.d_value)),
            )
        else:
            d_kv = a.n_kv_heads * (a.head_dim + a.d_value)
            shapes |= dict(d_latent=0.0, k_query=h, n_query=float(d_query + d_kv), k_value=0.0, n_value=0.0, d_kv=d_kv)
    gated = x.gated if x is not None and n_moe else spec.ffn.gated
    n_layers = spec.n_layers
    head = spec.vocab_size * h
    return Workload(
        seq_len=float(seq_len),
        n_dense=float(n_dense + (spec.n_mtp if x is None else 0)),
        n_moe=float(n_moe + (spec.n_mtp if x is not None else 0)),
        d_model=h,
        vocab_size=float(spec.vocab_size),
        **shapes,
        d_ff=float(spec.ffn.d_ff if n_dense else 0),
        d_ff_expert=float(x.d_ff) if x and n_moe else 0.0,
        d_ff_shared=float(x.d_ff_shared) if x and n_moe else 0.0,
        matrices=3.0 if gated else 2.0,
        n_experts=float(x.n_routed) if x and n_moe else 0.0,
        top_k=float(x.top_k) if x and n_moe else 0.0,
        node_limit=float(x.node_limit or x.top_k) if x and n_moe else 0.0,
        reduces=1.0 if spec.parallel_block or a is None else 2.0,
        p_attention=(parts.attention + parts.norms) / n_layers,
        p_dense=parts.ffn / n_dense if n_dense else 0.0,
        p_shared=(parts.router + parts.shared_experts) / n_moe if n_moe else 0.0,
        p_expert=parts.routed_experts / (n_moe * x.n_routed) if x and n_moe else 0.0,
        p_embedding=float(parts.embedding + parts.positions),
        p_head=head,
        model_flops=float(training_flops_per_token(spec, seq_len)),
        n_logits=float(1 + spec.n_mtp) if spec.vocab_size else 0.0,
    )


def machine(
    cluster: Cluster, recipe: Recipe, efficiency: Efficiency, stack: Stack, options: Software = AS_IT_SHIPS
) -> Machine:
    """Return a cluster under a precision recipe and a software stack as numbers.

    Parameters
    ----------
    cluster : Cluster
    recipe : Recipe
    efficiency : Efficiency
        What kernels and links reach.
    stack : Stack
    options : Software
        What the run changes about its stack.

    Raises
    ------
    InputError
        The device has no unit for the recipe's format, or no efficiency is known for it.
    """
    return Machine(
        silicon(cluster, efficiency),
        formats(cluster.device, recipe, efficiency),
        software(stack, options, cluster.device, recipe, efficiency),
    )


def silicon(cluster: Cluster, e: Efficiency) -> Silicon:
    """Return what a cluster is and reaches; its hosts keep nothing for it."""
    device, host = cluster.device, cluster.host
    axes = _TORUS_AXES.get(host.topology, 0.0)
    return Silicon(
        bandwidth=device.memory_bandwidth.si,
        memory_efficiency=e.memory.si,
        capacity=device.memory_capacity.si,
        cores=float(device.n_cores),
        tile_m=e.tile_m.si,
        tile_n=e.tile_n.si,
        kernel_latency=e.kernel_latency.si,
        domain=float(host.domain_size),
        axes=axes,
        axis_length=max(2.0, host.domain_size ** (1.0 / axes)) if axes else 2.0,
        pairs=float(host.domain_size - 1) if host.topology == "mesh" else 0.0,
        link=device.link_bandwidth.si / 2.0 * e.link.si,
        nic=host.nic_bandwidth.si * e.nic.si,
        link_latency=e.link_latency.si,
        nic_latency=e.nic_latency.si,
        exchange=e.exchange.si,
        contention=e.contention.si,
        straggler=e.straggler.si,
        host_devices=float(host.devices_per_host),
        host_link=1.0,
        host_bandwidth=1.0,
        host_capacity=0.0,
    )


def formats(device: Device, recipe: Recipe, e: Efficiency) -> Formats:
    """Return what a device reaches in the number formats of a recipe.

    Raises
    ------
    InputError
        The device has no unit for the recipe's format, or no efficiency is known for it.
    """
    peak = device.peak_flops(recipe.format)
    if recipe.format not in e.gemm:
        raise InputError(
            f"no matrix efficiency is known for {recipe.format} on {device.name}",
            key="precision",
            value=recipe.name,
            allowed=", ".join(e.gemm),
            remedy="add it to a profile, or choose another format",
        )
    gemm = e.gemm[recipe.format].si
    half = "bf16" if "bf16" in device.peak else "fp16"
    return Formats(
        peak=peak,
        peak_attention=device.peak_flops(half if recipe.format != "fp32" else "fp32"),
        peak_head=device.peak_flops(recipe.head),
        peak_mfu=peak,
        gemm_efficiency=gemm,
        head_efficiency=e.gemm[recipe.head].si,
        gemm_k_half=e.gemm_k_half.si * max(1.0, peak / device.peak_flops(half)),
        grouped_efficiency=gemm * e.grouped.si,
        batched_efficiency=gemm * e.batched.si,
        act_bytes=recipe.activations,
        comm_bytes=recipe.traffic,
        dispatch_bytes=recipe.dispatch,
        combine_bytes=recipe.combine,
        cast_passes=recipe.cast_passes,
    )

"""Turn a model, a cluster and a recipe into the plain numbers that the formulas take."""

from __future__ import annotations

import numpy as np

from carbonscaling.errors import InputError
from carbonscaling.hardware.cluster import Cluster
from carbonscaling.hardware.device import Device
from carbonscaling.model.flops import (
    attention_span,
    index_width,
    kv_projected,
    mean_keys,
    stacks,
    training_flops_per_token,
)
from carbonscaling.model.mixer import (
    Mixer,
    chunk_flops,
    copied_width,
    kept_width,
    mixer_matrices,
    moved_width,
    vector_flops,
)
from carbonscaling.model.params import parameter_count
from carbonscaling.model.spec import Attention, ModelSpec
from carbonscaling.perf.efficiency import Efficiency
from carbonscaling.perf.gemm import mixed_efficiency, mixed_k_half
from carbonscaling.perf.machine import Formats, Machine, Silicon
from carbonscaling.perf.numbers import Workload
from carbonscaling.perf.precision import Recipe
from carbonscaling.perf.stacked import software, wide_share
from carbonscaling.software.options import Software
from carbonscaling.software.stack import Stack

__all__ = ["machine", "untimed", "workload"]

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
    if reason := untimed(spec):
        raise InputError(
            f"how long a step takes is not modelled for this architecture: {reason}", key="model", value=spec.name,
            remedy="carbonscaling model show counts its parameters and FLOPs; choose another model for a plan",
        )  # fmt: skip
    x, h = spec.experts, float(spec.d_model)
    parts = parameter_count(spec)
    n_moe, n_dense, n_layers = spec.n_moe_layers, spec.n_dense_layers, spec.n_layers
    n_all = n_layers + spec.n_predicted
    n_attended = sum(n for _, n in spec.attentions)
    n_mixed = 0 if spec.mixer is None else spec.mixer.n_layers
    gated = x.gated if x is not None and n_moe else spec.ffn.gated
    head = spec.vocab_size * h
    sums = (n_attended + n_mixed + n_dense + n_moe) / n_layers
    found = Workload(
        seq_len=float(seq_len),
        n_dense=float(n_dense + (spec.n_predicted if x is None else 0)),
        n_moe=float(n_moe + (spec.n_predicted if x is not None else 0)),
        d_model=h,
        vocab_size=float(spec.vocab_size),
        **_attention_shapes(spec, seq_len),
        d_ff=float(spec.ffn.d_ff if n_dense else 0),
        d_ff_expert=float(x.d_ff) if x and n_moe else 0.0,
        d_ff_shared=float(x.d_ff_shared) if x and n_moe else 0.0,
        matrices=3.0 if gated else 2.0,
        n_experts=float(x.n_routed) if x and n_moe else 0.0,
        top_k=float(x.visited) if x and n_moe else 0.0,
        node_limit=float(x.node_limit or x.top_k) if x and n_moe else 0.0,
        reduces=1.0 if spec.parallel_block or not (n_attended or n_mixed) else sums,
        p_attention=(parts.attention + parts.mixer + parts.norms) / n_layers,
        p_dense=parts.ffn / n_dense if n_dense else 0.0,
        p_shared=(parts.router + parts.shared_experts) / n_moe if n_moe else 0.0,
        p_expert=parts.routed_experts / (n_moe * x.n_routed) if x and n_moe else 0.0,
        p_embedding=float(parts.embedding + parts.positions + parts.extra),
        p_head=head,
        model_flops=float(training_flops_per_token(spec, seq_len)),
        n_logits=float(1 + spec.n_predicted) if spec.vocab_size else 0.0,
        n_bare=float(n_layers - n_dense - n_moe),
        unattended=0.0 if spec.ffn_only else 1.0 - (n_attended + spec.n_predicted) / n_all,
        **_mixer_shapes(spec.mixer, spec.d_model, n_all),
        d_routed=float(x.d_latent or 0) if x and n_moe else 0.0,
        frozen=0.0,
        biased=float(x.bias) if x and n_moe else 0.0,
    )
    return found if spec.encoder is None else _of_both(found, spec, seq_len, spec.encoder.n_layers)


def _of_both(decoder: Workload, spec: ModelSpec, seq_len: int, n_ahead: int) -> Workload:
    """Return an encoder-decoder from its decoder: the mean of all layers, each weighed by the tokens that pass it.

    What is proportional to tokens is then exact: products, scores, streams, bytes. Rows of a product are a mean.
    """
    both, parts, n = stacks(spec, seq_len), parameter_count(spec), float(spec.n_layers + n_ahead)
    passed, crossed, h = float(both.passed), spec.n_layers / n, decoder.d_model
    attended, kv = float(both.queries) / passed, decoder.d_kv * float(both.keyed / both.queries)
    every = stacks(spec, seq_len, causal=False)
    return decoder._replace(
        seq_len=passed / n,
        n_dense=n,
        n_query=decoder.d_query + kv,
        d_kv=kv,
        span=float(both.scores / both.queries),
        keyed=float(every.scores / every.queries) * n / passed,
        unattended=1.0 - attended,
        reduces=attended + 1.0,
        n_logits=float(both.targets) * n / passed,
        p_attention=(parts.attention + parts.norms) / n,
        p_dense=parts.ffn / n,
        crossed=crossed,
        thin=(1.0 + crossed - attended) / 2.0,
        counted=passed / n / seq_len,
        joined=(1.0 + crossed) * (2.0 * h + decoder.n_query + decoder.d_context) + crossed * h,
    )


def untimed(spec: ModelSpec) -> str:
    """Return why the time of an architecture is not modelled; empty where it is."""
    if spec.n_streams > 1:
        return f"{spec.n_streams} residual streams side by side"
    return ""


def _attention_shapes(spec: ModelSpec, seq_len: int) -> dict[str, float]:
    """Widths of the mean layer with attention; an indexer's products count with the attention's."""
    h, n_attended = float(spec.d_model), sum(n for _, n in spec.attentions)
    names = ("d_latent", "k_query", "n_query", "k_value", "n_value", "d_query", "d_context", "d_kv", "n_heads")
    shapes = dict.fromkeys((*names, "span"), 0.0)
    if not n_attended:
        return shapes | {"span": 1.0}
    index = 0.0
    for a, n in spec.attentions:
        share, d_query, gate = n / n_attended, a.n_heads * a.d_query_key, _gate(a)
        kv = kv_projected(a) * (1.0 - a.n_without_kv / n if n else 1.0)
        i, own = a.indexer, 0.0
        if i is not None:
            own = 1.0 if i.n_layers is None else i.n_layers / n
            index += share * own * index_width(a)
        picked = 0.0 if i is None else own * i.n_heads * i.head_dim
        keyed = 0.0 if i is None else own * (i.head_dim + (0 if i.own_queries else i.n_heads))
        mla = a.kv_lora_rank is not None
        beside = gate + keyed + ((a.kv_lora_rank or 0) + a.rope_head_dim if mla else kv)
        low_rank = mla or a.q_lora_rank is not None
        down = float((a.q_lora_rank or 0) + beside) if low_rank else 0.0
        direct = d_query + picked + (0.0 if low_rank else beside + spec.extra_weights / (n_attended * h))
        own_shapes = {
            "d_latent": down, "k_query": float(a.q_lora_rank or h), "n_query": direct,
            "k_value": float(a.kv_lora_rank or 0), "n_value": float(a.n_heads * (a.head_dim + a.d_value)) if mla else 0.0,
            "d_query": float(d_query), "d_context": float(a.n_heads * a.d_value), "n_heads": float(a.n_heads),
            "d_kv": float(a.n_heads * (a.d_query_key + a.d_value) if mla else kv),
        }  # fmt: skip
        shapes |= {name: shapes[name] + share * value for name, value in own_shapes.items()}
    span = float(attention_span(spec, seq_len, causal=True))
    return shapes | {
        "span": span + index * float(mean_keys(seq_len, np.inf, True)) / (shapes["d_query"] + shapes["d_context"])
    }


def _gate(a: Attention) -> int:
    return {"none": 0, "head": a.n_heads, "full": a.n_heads * a.d_value}[a.gate]


def _mixer_shapes(m: Mixer | None, d_model: int, n_layers: int) -> dict[str, float]:
    """Widths of a mixer, and what its kernels execute and move for a token.

    Products of low rank, behind a narrow one, widen it by their share of a product as deep as the model is wide.
    """
    names = ("mixed", "n_mix", "d_mix", "mix_flops", "mix_vector", "mix_width", "mix_copied", "mix_normed", "mix_kept")
    if m is None:
        return dict.fromkeys(names, 0.0)
    into, _ = mixer_matrices(m, d_model)
    return {
        "mixed": m.n_layers / n_layers,
        "n_mix": into / d_model,
        "d_mix": float(m.d_inner),
        "mix_flops": chunk_flops(m),
        "mix_vector": vector_flops(m),
        "mix_width": moved_width(m),
        "mix_copied": copied_width(m),
        "mix_normed": 8.0 * m.d_keys if m.kind == "delta" else 0.0,  # copied, and normed: two reads, two writes
        "mix_kept": kept_width(m),
    }


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
        formats(cluster.device, recipe, efficiency, options, wide_share(stack, options, recipe)),
        software(stack, options, cluster.device, recipe, efficiency),
    )


def silicon(cluster: Cluster, e: Efficiency) -> Silicon:
    """Return what a cluster is and reaches; its hosts keep nothing for it."""
    device, host = cluster.device, cluster.host
    fabric = host.fabric
    axes = _TORUS_AXES.get(host.topology, 0.0)
    return Silicon(
        bandwidth=device.memory_bandwidth.si,
        memory_efficiency=e.memory.si,
        capacity=device.memory_capacity.si,
        cores=float(device.n_cores),
        tile_m=e.tile_m.si,
        tile_n=e.tile_n.si,
        attention_lanes=e.attention_lanes.value,
        kernel_latency=e.kernel_latency.si,
        domain=float(host.domain_size),
        axes=axes,
        axis_length=max(2.0, host.domain_size ** (1.0 / axes)) if axes else 2.0,
        pairs=float(host.domain_size - 1) if host.topology == "mesh" else 0.0,
        link=device.link_bandwidth.si / 2.0 * e.link.si,
        nic=host.nic_bandwidth.si * (e.nic if fabric is None else fabric.share).si,
        nic_doubling=e.nic_doubling.si,
        link_latency=e.link_latency.si,
        nic_latency=(e.nic_latency if fabric is None else fabric.latency).si,
        exchange=e.exchange.si,
        contention=e.contention.si,
        straggler=e.straggler.si,
        straggler_gather=e.straggler_gather.si,
        host_devices=float(host.devices_per_host),
        host_link=1.0,
        host_bandwidth=1.0,
        host_capacity=0.0,
    )


def formats(
    device: Device, recipe: Recipe, e: Efficiency, options: Software = AS_IT_SHIPS, wide: float = 0.0
) -> Formats:
    """Return what a device reaches in the number formats of a recipe, `wide` of whose products of 8 or 4 bit stay in 16.

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
    half = "bf16" if "bf16" in device.peak else "fp16"
    faster = peak / device.peak_flops(half)
    gemm, k_half = e.gemm[recipe.format].si, e.gemm_k_half.si * max(1.0, faster)
    if options.row_scales and recipe.name == "fp8":
        gemm *= e.row_scaled.value
    if wide:  # each part at its own rate
        parts = (wide, gemm, e.gemm[half].si, faster)
        gemm, k_half = float(mixed_efficiency(*parts)), float(mixed_k_half(*parts, e.gemm_k_half.si))
    head = "fp8" if options.head_8bit and recipe.narrow and "fp8" in device.peak else recipe.head
    clock = 1.0 if device.clock is None else device.clock.si
    return Formats(
        peak=clock * peak,
        peak_attention=clock * device.peak_flops(half if recipe.format != "fp32" else "fp32"),
        peak_head=clock * device.peak_flops(head),
        peak_mfu=peak,
        vector_time=1.0 / (clock * device.peak_flops("fp32")) if "fp32" in device.peak else 0.0,
        gemm_efficiency=gemm,
        head_efficiency=e.gemm[head].si,
        gemm_k_half=k_half,
        grouped_efficiency=gemm * e.grouped.si,
        batched_efficiency=e.gemm[recipe.format].si * e.batched.si,
        act_bytes=(1.0 - wide) * recipe.activations + wide * recipe.traffic,
        comm_bytes=recipe.traffic,
        dispatch_bytes=recipe.dispatch,
        combine_bytes=recipe.combine,
        cast_passes=(1.0 - wide) * recipe.cast_passes,
    )

"""A cluster and a precision recipe as plain numbers for the formulas."""

from __future__ import annotations

from typing import NamedTuple

from carbonscaling.perf.numbers import Number

__all__ = ["Machine"]


class Machine(NamedTuple):
    """What the formulas need of devices, links, network, number formats and software.

    Attributes
    ----------
    peak : FLOP/s of the matrix format; peak_attention of the attention kernels' format; peak_mfu the format that
        utilisation is quoted against.
    bandwidth : HBM bytes/s. capacity : bytes a job can use before `reserve`.
    cores : processors that tiles are spread over. tile_m, tile_n : largest output tile.
    peak_head, head_efficiency : FLOP/s of the output head's format, and the share of it that large multiplications reach.
    gemm_efficiency, gemm_k_half, kernel_latency, memory_efficiency, grouped_efficiency, batched_efficiency : see `perf.gemm`.
    attention_forward, attention_backward : fraction of peak of the fused kernels. flash : 1 fused, 0 explicit softmax.
        separate : 1 where that softmax, its scale and its mask are kernels of their own.
    domain : devices in a scale-up domain. axes : torus axes of it (0 for a switch). axis_length : ring length. pairs :
        peers that a point-to-point mesh splits a device's links over (0 for a switch or torus).
    link, nic : bytes/s per device and direction, achievable. link_latency, nic_latency : s per hop.
    host_devices : devices per host.
    act_bytes, weight_bytes, grad_bytes, optimizer_bytes, comm_bytes, grad_comm_bytes, dispatch_bytes, combine_bytes :
        bytes per element stored or sent.
    cast_passes : extra element-wise passes over the activations that a low-precision recipe costs. norm_passes : those of
        norms without a kernel of their own. head_passes, gate_passes : those over queries and keys, and over gated
        activations, where rotary embeddings and gates run operation by operation. sum_bytes : bytes moved for each weight
        to add a micro-batch's gradient to those before it, 0 where the multiplication that makes it adds it.
    overlap : share of a compute window that can hide communication. contention : slowdown of compute while it does.
    tp_overlap, ep_overlap : share of tensor- and expert-parallel traffic hidden inside a layer.
    exchange : share of the network bandwidth `nic` that expert all-to-alls reach. relay : 1 where they send a token once
        to each domain, 0 where a copy goes to every expert. ep_behind : 1 where they hide behind another micro-batch's
        passes. imbalance : busiest over mean expert load. elementwise :
        scale on element-wise traffic.
    redo_last : 1 where full recomputation repeats whole layers, 0 where it leaves out what no backward rule needs.
    scatter_beside : share of the gradients that are scattered beside compute, within `overlap`. update_beside : share of
        what travels once a step, gradients before and weights after the update, that does so beside compute.
    reserve : share of `capacity` kept free. framework_bytes : contexts, communicators, workspaces.
    straggler : coefficient of the straggler term. step_overhead : s per step of host work. layer_launch, moe_launch : s the
        host needs to launch the forward kernels of a dense layer and of a layer with experts.
    offload : share of the optimizer states that the host keeps. host_link, host_bandwidth : bytes/s to the host, one
        direction, and of its memory, per device. host_capacity : bytes of it per device.
    checkpoints, plain_checkpoints : share of the recomputed layers' inputs left on the device under ZeRO-3, and else.
    gathered : layers whose weights ZeRO-3 holds whole at a time.
    moved : share of the layers whose activations the host keeps, but for those in use.
    streamed : bytes a parameter that ZeRO-3 fetches from the host each time it collects the weights; 0 where they stay.
    gathers : times a micro-batch that ZeRO-3 collects the weights. parameter_wise : 1 where it collects them parameter by
        parameter, the device idle, 0 where by layer beside compute. gather_rank : s that such a collective takes for every
        rank, to list its slice.
    head_last : 1 where the last stage holds the head beside its share of the layers, 0 where layers are dealt around it.
    """

    peak: Number
    peak_attention: Number
    peak_mfu: Number
    peak_head: Number
    bandwidth: Number
    capacity: Number
    cores: Number
    tile_m: Number
    tile_n: Number
    gemm_efficiency: Number
    head_efficiency: Number
    gemm_k_half: Number
    grouped_efficiency: Number
    batched_efficiency: Number
    kernel_latency: Number
    memory_efficiency: Number
    attention_forward: Number
    attention_backward: Number
    flash: Number
    domain: Number
    axes: Number
    axis_length: Number
    pairs: Number
    link: Number
    nic: Number
    link_latency: Number
    nic_latency: Number
    host_devices: Number
    act_bytes: Number
    weight_bytes: Number
    grad_bytes: Number
    optimizer_bytes: Number
    comm_bytes: Number
    grad_comm_bytes: Number
    dispatch_bytes: Number
    combine_bytes: Number
    cast_passes: Number
    overlap: Number
    contention: Number
    tp_overlap: Number
    ep_overlap: Number
    imbalance: Number
    elementwise: Number
    reserve: Number
    framework_bytes: Number
    straggler: Number
    step_overhead: Number
    layer_launch: Number
    moe_launch: Number
    exchange: Number
    logit_bytes: Number = 6.0
    logit_split: Number = 1.0
    unfused_bytes: Number = 0.0
    norm_passes: Number = 0.0
    sum_bytes: Number = 0.0
    head_passes: Number = 0.0
    gate_passes: Number = 0.0
    separate: Number = 0.0
    redo_last: Number = 1.0
    scatter_beside: Number = 1.0
    update_beside: Number = 1.0
    kept: Number = 1.0
    checkpoints: Number = 1.0
    plain_checkpoints: Number = 1.0
    gathered: Number = 2.0
    offload: Number = 0.0
    host_link: Number = 1.0
    host_bandwidth: Number = 1.0
    host_capacity: Number = 0.0
    relay: Number = 1.0
    moved: Number = 0.0
    streamed: Number = 0.0
    gathers: Number = 2.0
    parameter_wise: Number = 0.0
    gather_rank: Number = 0.0
    ep_behind: Number = 0.0
    head_last: Number = 0.0

"""A cluster, its number formats and its software as plain numbers for the formulas: a machine in three rooms."""

from __future__ import annotations

from carbonscaling.hints import NamedTuple
from carbonscaling.perf.numbers import Number

__all__ = ["Formats", "Machine", "Silicon", "SoftwareTerms"]


class Silicon(NamedTuple):
    """What devices, hosts and links are and reach, whatever runs on them.

    Attributes
    ----------
    bandwidth : HBM bytes/s. memory_efficiency : share of it that streaming kernels reach.
    capacity : bytes a job can use before the software's `reserve`.
    cores : processors that tiles are spread over. tile_m, tile_n : largest output tile. attention_lanes :
        width to whose multiples fused attention pads its heads. kernel_latency : s; see `perf.gemm`.
    domain : devices in a scale-up domain. axes : torus axes of it (0 for a switch). axis_length : ring length. pairs :
        peers that a point-to-point mesh splits a device's links over (0 for a switch or torus).
    link, nic : bytes/s per device and direction, achievable; of the network among a few hosts. nic_doubling : what remains
        of it with every doubling of the hosts. link_latency, nic_latency : s per hop.
    exchange : share of the network bandwidth `nic` that expert all-to-alls reach.
    contention : slowdown of compute while it hides communication.
    straggler : coefficient of the straggler term. straggler_gather : the same over scale-up domains, where each layer's
        weights are gathered.
    host_devices : devices per host.
    host_link, host_bandwidth : bytes/s to the host, one direction, and of its memory, per device. host_capacity : bytes of
        it per device.
    """

    bandwidth: Number
    memory_efficiency: Number
    capacity: Number
    cores: Number
    tile_m: Number
    tile_n: Number
    attention_lanes: Number
    kernel_latency: Number
    domain: Number
    axes: Number
    axis_length: Number
    pairs: Number
    link: Number
    nic: Number
    nic_doubling: Number
    link_latency: Number
    nic_latency: Number
    exchange: Number
    contention: Number
    straggler: Number
    straggler_gather: Number
    host_devices: Number
    host_link: Number
    host_bandwidth: Number
    host_capacity: Number


class Formats(NamedTuple):
    """What a precision recipe makes of the devices: rates in its formats, and bytes of what passes through.

    Attributes
    ----------
    peak : FLOP/s of the matrix format; peak_attention of the attention kernels' format; peak_head of the output head's;
        peak_mfu of the format that utilisation is quoted against. vector_time : s a FLOP in 32 bits outside the matrix units.
    gemm_efficiency, head_efficiency : share of `peak` and of `peak_head` that large multiplications reach.
    gemm_k_half, grouped_efficiency, batched_efficiency : see `perf.gemm`.
    act_bytes, comm_bytes, dispatch_bytes, combine_bytes : bytes per element stored or sent.
    cast_passes : extra element-wise passes over the activations that a low-precision recipe costs.
    """

    peak: Number
    peak_attention: Number
    peak_head: Number
    peak_mfu: Number
    vector_time: Number
    gemm_efficiency: Number
    head_efficiency: Number
    gemm_k_half: Number
    grouped_efficiency: Number
    batched_efficiency: Number
    act_bytes: Number
    comm_bytes: Number
    dispatch_bytes: Number
    combine_bytes: Number
    cast_passes: Number


class SoftwareTerms(NamedTuple):
    """What a software stack does with both, and what a run changes about it.

    Attributes
    ----------
    attention_forward, attention_backward : fraction of peak of the fused kernels where every query sees many keys.
        attention_half : mean keys of a query at which they reach half of it. attention_width : width of a head whose products
        take as long as what its scores cost beside them. score_forward, score_backward : time of a score in 8 bit over that of
        a head of 128 in 16; 0 where attention is not in 8 bit. attention_ring : share that remains where
        sequences are split over ranks. flash : 1 fused, 0 explicit softmax.
        separate : 1 where that softmax, its scale and its mask are kernels of their own.
    elementwise : scale on element-wise traffic. scan : time of a mixer's convolution, scan and gate over that of their
        products and bytes. norm_passes : extra passes over the activations of norms without a kernel
        of their own. head_passes, gate_passes : those over queries and keys, and over gated activations, where rotary
        embeddings and gates run operation by operation. mixer_copies, mixer_norms : 1 where kernels of their own copy what a
        delta rule reads, and norm its queries and keys. bias_passes : those over tokens at their experts, where these have
        biases; permute_passes, where PyTorch's indexing brings them back. expert_fused : 1 where experts' products apply the
        activation function, and convert its result, themselves.
    weight_bytes, grad_bytes, optimizer_bytes, grad_comm_bytes : bytes per element stored or sent. sum_bytes : bytes moved
        for each weight to add a micro-batch's gradient to those before it, 0 where the multiplication that makes it adds it.
    kept : activations kept over those that fused kernels need. unfused_bytes : bytes per token and width that norms
        without a kernel of their own keep beside their inputs. gate_bytes : bytes an element of the activated gates that stay
        where activation and product are two operations. logit_bytes : bytes per logit at the end of the forward pass.
        loss_bytes : bytes a logit that the loss moves in each pass. logit_split : 1 where tensor-parallel ranks split the
        vocabulary, 0 where each holds all logits.
    checkpoints, plain_checkpoints : share of the recomputed layers' inputs left on the device under ZeRO-3, and else.
    repeated : share of a layer's forward products that selective recomputation repeats.
    redo_last : 1 where full recomputation repeats whole layers, 0 where it leaves out what no backward rule needs.
    reserve : share of the capacity kept free. framework_bytes : contexts, communicators, workspaces.
    overlap : share of a compute window that can hide communication. tp_overlap, ep_overlap : share of tensor- and
        expert-parallel traffic hidden inside a layer. tp_beside : 1 where input gradients of split products are summed over
        the tensor ranks beside the weight gradients.
    scatter_beside : share of the gradients that are scattered beside compute, within `overlap`. update_beside : share of
        what travels once a step, gradients before and weights after the update, that does so beside compute.
    gathers : times a micro-batch that ZeRO-3 collects the weights. copies : 1 where these, and gradients, are copied out of
        and into the collectives' buffers. gathered : layers whose weights it holds whole at a time. parameter_wise : 1
        where it collects them parameter by parameter, the device idle, 0 where by layer beside compute. gather_rank : s
        that such a collective takes for every rank, to list its slice.
    relay : 1 where expert all-to-alls send a token once to each domain, 0 where a copy goes to every expert. sorts : 1 where
        copies arrive in their senders' order, and each device brings them into that of its experts, and back. everywhere : 1
        where all ranks of experts get all tokens, and none is exchanged. imbalance : busiest over mean expert load. in_turn : 1
        where a token's experts are neighbours.
    head_last : 1 where the last stage holds the head beside its share of the layers, 0 where layers are dealt around it.
    step_overhead : s per step of host work. layer_launch, moe_launch : s the host needs to launch the forward kernels of a
        dense layer and of a layer with experts. apart_launch : s more of the latter where whole layers are recomputed, which
        no graph of parts can hold. expert_launch : s for each expert of a loop, 0 where products are grouped.
        product_launch : s of the host for one product of theirs, where each is launched by itself.
    offload : share of the optimizer states that the host keeps. moved : share of the layers whose activations it keeps, but
        for those in use. streamed : bytes a parameter that ZeRO-3 fetches from it each time it collects the weights; 0
        where they stay.
    """

    attention_forward: Number
    attention_backward: Number
    attention_half: Number
    attention_width: Number
    score_forward: Number
    score_backward: Number
    attention_ring: Number
    flash: Number
    separate: Number
    elementwise: Number
    scan: Number
    norm_passes: Number
    head_passes: Number
    gate_passes: Number
    mixer_copies: Number
    mixer_norms: Number
    bias_passes: Number
    permute_passes: Number
    expert_fused: Number
    weight_bytes: Number
    grad_bytes: Number
    optimizer_bytes: Number
    grad_comm_bytes: Number
    sum_bytes: Number
    kept: Number
    unfused_bytes: Number
    gate_bytes: Number
    logit_bytes: Number
    loss_bytes: Number
    logit_split: Number
    checkpoints: Number
    plain_checkpoints: Number
    redo_last: Number
    repeated: Number
    reserve: Number
    framework_bytes: Number
    overlap: Number
    tp_overlap: Number
    tp_beside: Number
    ep_overlap: Number
    scatter_beside: Number
    update_beside: Number
    gathers: Number
    copies: Number
    gathered: Number
    parameter_wise: Number
    gather_rank: Number
    relay: Number
    sorts: Number
    everywhere: Number
    imbalance: Number
    in_turn: Number
    head_last: Number
    step_overhead: Number
    layer_launch: Number
    moe_launch: Number
    apart_launch: Number
    expert_launch: Number
    product_launch: Number
    offload: Number
    moved: Number
    streamed: Number


class Machine(NamedTuple):
    """What the formulas need of devices, links, network, number formats and software; no field is in two rooms.

    Attributes
    ----------
    silicon : Silicon
    formats : Formats
    software : SoftwareTerms
    """

    silicon: Silicon
    formats: Formats
    software: SoftwareTerms

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Return the fields of every room."""
        return Silicon._fields + Formats._fields + SoftwareTerms._fields

    @classmethod
    def of(cls, **numbers: Number) -> Machine:
        """Return the machine of some numbers, each by the name of its field.

        Raises
        ------
        TypeError
            A field is missing, or a name is none of a field.
        """
        if unknown := set(numbers).difference(cls.names()):
            raise TypeError(f"no field of a machine: {', '.join(sorted(unknown))}")

        def own(room: type[Silicon | Formats | SoftwareTerms]) -> dict[str, Number]:
            return {name: numbers[name] for name in room._fields if name in numbers}

        return cls(Silicon(**own(Silicon)), Formats(**own(Formats)), SoftwareTerms(**own(SoftwareTerms)))

    def numbers(self) -> dict[str, Number]:
        """Return every number by the name of its field."""
        return {name: number for room in self for name, number in room._asdict().items()}

    def changed(self, **numbers: Number) -> Machine:
        """Return the machine with other values of some fields, whichever room they are in."""
        return self.of(**(self.numbers() | numbers))

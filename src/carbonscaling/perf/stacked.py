"""What software makes of a device and a number format: a stack, with what a run changes about it, as numbers."""

from __future__ import annotations

from carbonscaling.hardware.device import Device
from carbonscaling.perf.efficiency import Efficiency
from carbonscaling.perf.machine import SoftwareTerms
from carbonscaling.perf.precision import Recipe
from carbonscaling.record import dataclass
from carbonscaling.software.options import OPTIMIZERS, Software
from carbonscaling.software.stack import Stack, by_generation

__all__ = ["software", "wide_share"]

COMPILED_LOSS = 4.0
"""Bytes a logit and pass that a compiled loss moves: 16-bit logits read for maximum and sum, read again, written."""

CONVERTED_LOGIT = 2.0
"""Bytes a logit and pass more before a head in 8 bit: its gradient read in 16 bit, written by rows and by columns."""

RELAYING = ("deepep", "hybridep")
"""Dispatchers that send a token once to each node, which passes it on."""


@dataclass(frozen=True)
class _Attention:
    fused: float
    separate: float
    share: float
    half: float
    width: float


def _kernel(stack: Stack, options: Software, device: Device, recipe: str, e: Efficiency) -> str:
    """Return the attention kernel that runs: what is asked for; else the stack's, if the device has fused ones."""
    if options.attention_kernel is not None:
        return options.attention_kernel
    choice = by_generation(stack.attention, device, recipe)
    kernel = choice.value if choice is not None else "native"
    return kernel if e.flash.value > 0 or kernel.startswith("explicit") else "explicit-separate"


def _attention(kernel: str, e: Efficiency) -> _Attention:
    """Return whether a kernel is fused, whether its softmax is separate, and its rate over the generation's best."""
    rates = {"flash2": e.attention_portable.value, "flash1": e.attention_portable.value * e.attention_first.value}
    half = e.portable_half if kernel in rates else e.attention_half
    width = {"flash1": 0.0, "flash2": e.portable_width.value}.get(kernel, e.attention_width.value)
    return _Attention(
        float(not kernel.startswith("explicit")),
        float(kernel == "explicit-separate"),
        rates.get(kernel, 1.0),
        half.value,
        width,
    )


def _launches(stack: Stack, options: Software, fused: float, e: Efficiency) -> tuple[float, float, float]:
    """Seconds that the host needs for the forward kernels of a dense layer, of one with experts, and more of it without graphs.

    None where a graph holds the whole step. Graphs of attention and router leave what is usual; without them the host waits
    for the tokens of each expert and launches anew.
    """
    graphs = options.cuda_graphs or stack.graphs.value
    if graphs == "full":
        return 0.0, 0.0, 0.0
    eager = (1.0 - fused) * float(stack.launch.value == "eager")
    dense = eager * e.eager_launch.si + (1.0 - eager) * e.layer_launch.si
    if graphs in ("none", "router", "open"):
        return dense, e.moe_eager_launch.si, 0.0
    return dense, e.moe_launch.si, (e.moe_eager_launch.si - e.moe_launch.si) * float(graphs == "attention")


def _queued(stack: Stack, options: Software) -> bool:
    """Whether experts' products wait for no launch each: a graph or one kernel holds them, or their sizes are known before."""
    whole = (options.cuda_graphs or stack.graphs.value) == "full"
    return whole or options.expert_kernels in ("fused", "looped") or options.expert_capacity is not None


def wide_share(stack: Stack, options: Software, recipe: Recipe) -> float:
    """Share of the blocks' products that a recipe of 8 or 4 bit leaves in 16: a run's own, or its stack's."""
    usual = stack.bf16_share.get(recipe.name)
    share = options.bf16_share if options.bf16_share is not None else 0.0 if usual is None else usual.value
    return share if recipe.narrow else 0.0


def _bytes(stack: Stack, options: Software, recipe: Recipe) -> tuple[float, float, float]:
    """Bytes a parameter of weights, gradients and optimizer states."""

    def own(table: dict[str, float], usual: float) -> float:
        return table.get(recipe.name, usual)

    weights = own({k: v.value for k, v in stack.weights.items()}, recipe.weights)
    gradients = own({k: v.value for k, v in stack.gradients.items()}, recipe.gradients)
    optimizer = OPTIMIZERS[options.optimizer or stack.optimizer.value]
    states = recipe.optimizer if optimizer is None else optimizer.states.value
    if optimizer is not None and optimizer.weights is not None and optimizer.gradients is not None:
        weights, gradients = optimizer.weights.value, optimizer.gradients.value
    elif recipe.format != "fp32":  # float32 master weights are among the states, the only copy where they are not apart
        states -= (1.0 - stack.master_apart.value) * recipe.weights
    elif optimizer is not None:  # the weights are the master weights
        states -= recipe.weights
    given = (options.weight_bytes, options.gradient_bytes, options.optimizer_bytes)
    weights, gradients, states = (
        usual if own_value is None else own_value
        for own_value, usual in zip(given, (weights, gradients, states), strict=True)
    )
    return weights, gradients, states


def software(stack: Stack, options: Software, device: Device, recipe: Recipe, e: Efficiency) -> SoftwareTerms:
    """Return a stack as numbers, nothing kept in the host.

    Parameters
    ----------
    stack : Stack
    options : Software
        What the run changes about it.
    device, recipe, e : the device, its number formats, and what its kernels reach.
    """
    attention = _attention(_kernel(stack, options, device, recipe.name, e), e)
    eight = float(bool(options.attention_8bit) and recipe.narrow and attention.fused > 0)
    fused = stack.fuses.value if options.compile is None else float(options.compile)
    layer_launch, moe_launch, apart_launch = _launches(stack, options, fused, e)
    weights, gradients, states = _bytes(stack, options, recipe)
    separate_norms = options.norm_kernel == "separate" and fused < 1.0
    unfused = 1.0 if separate_norms else (1.0 - fused) * float(stack.norm_passes.value > 0)
    overlap = by_generation(stack.tp_overlap, device, recipe.name)
    tp_overlap = e.tp_overlap.si if overlap is None else overlap.si
    beside = stack.update_beside.value if options.dp_overlap is None else float(options.dp_overlap)
    traffic = stack.gradient_traffic.get(recipe.name)
    summed = stack.gradient_sum.get(recipe.name)
    relay = stack.relay.value if options.dispatcher is None else float(options.dispatcher in RELAYING)
    last = stack.head_last.value if options.head_placement is None else float(options.head_placement == "last")
    redo = e.redo_last if stack.redo_last is None else stack.redo_last
    compiled = stack.logit if stack.logit_compiled is None else stack.logit_compiled
    logit = (1.0 - fused) * stack.logit.value + fused * compiled.value
    return SoftwareTerms(
        attention_forward=e.attention_forward.si * attention.share,
        attention_backward=e.attention_backward.si * attention.share,
        attention_half=attention.half,
        attention_width=attention.width,
        score_forward=e.attention_8bit_forward.value * eight,
        score_backward=e.attention_8bit_backward.value * eight,
        attention_ring=e.attention_ring.value,
        flash=attention.fused,
        separate=attention.separate,
        elementwise=e.elementwise.si,
        scan=e.scan.si,
        norm_passes=e.norm_passes.value if separate_norms else stack.norm_passes.value * (1.0 - fused),
        head_passes=stack.head_passes.value * (1.0 - fused),
        gate_passes=stack.gate_passes.value * (1.0 - fused),
        mixer_copies=stack.mixer_copies.value,
        mixer_norms=stack.mixer_norms.value,
        bias_passes=stack.bias_passes.value * (1.0 - float(options.expert_kernels == "fused")),
        permute_passes=e.permute_passes.value
        * float(options.expert_permutation == "separate" and options.dispatcher != "hybridep"),  # which permutes itself
        expert_fused=float(options.expert_kernels == "fused"),
        weight_bytes=weights,
        grad_bytes=gradients,
        optimizer_bytes=states,
        grad_comm_bytes=recipe.gradient_traffic if traffic is None else traffic.value,
        sum_bytes=0.0 if summed is None else summed.value,
        kept=stack.kept.value,
        unfused_bytes=stack.unfused.value * unfused,
        gate_bytes=0.0 if options.logit_bytes == 0.0 else stack.gate_kept.value * (1.0 - fused),  # Liger fuses both
        logit_bytes=logit if options.logit_bytes is None else options.logit_bytes,
        loss_bytes=(1.0 - fused) * stack.loss.value
        + fused * min(stack.loss.value, COMPILED_LOSS)
        + CONVERTED_LOGIT * float(bool(options.head_8bit) and recipe.narrow),
        logit_split=stack.logit_split.value,
        checkpoints=stack.zero3_checkpoints.value,
        plain_checkpoints=1.0,
        redo_last=redo.si,
        repeated=stack.repeated.value,
        reserve=stack.reserve.value,
        framework_bytes=stack.framework.si,
        overlap=e.overlap.si,
        tp_overlap=tp_overlap if options.tp_overlap is None else options.tp_overlap,
        tp_beside=stack.tp_beside.value if options.tp_beside is None else float(options.tp_beside),
        ep_overlap=e.ep_overlap.si,
        scatter_beside=e.scatter_beside.si if options.dp_overlap is None else beside,
        update_beside=beside,
        gathers=2.0,
        copies=stack.copies.value,
        gathered=stack.gathered.value,
        parameter_wise=float((options.zero3_gather or stack.zero3_gather.value) == "parameter"),
        gather_rank=e.gather_rank.si,
        relay=relay,
        sorts=0.0 if options.dispatcher == "allgather" else 1.0 - relay,
        everywhere=float(options.dispatcher == "allgather"),
        imbalance=options.expert_capacity
        or (1.0 if options.expert_balance in ("forced", "in-turn") else e.imbalance.si),
        in_turn=float(options.expert_balance == "in-turn"),
        head_last=last,
        step_overhead=e.step_overhead.si,
        layer_launch=layer_launch,
        product_launch=0.0 if _queued(stack, options) else stack.products_apart.value * e.product_launch.si,
        moe_launch=moe_launch,
        apart_launch=apart_launch,
        expert_launch=e.expert_launch.si if options.expert_kernels == "looped" else 0.0,
        offload=0.0,
        moved=0.0,
        streamed=0.0,
    )

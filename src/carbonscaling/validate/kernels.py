"""The kernels a measured row ran: what it names, else what its stack had in those years."""

from __future__ import annotations

from carbonscaling.hardware.device import Device
from carbonscaling.model.spec import ModelSpec
from carbonscaling.perf.efficiency import Efficiency
from carbonscaling.perf.machine import Machine
from carbonscaling.validate.habits import habits_of
from carbonscaling.validate.row import RunRow

__all__ = ["EARLY", "kernels"]

EARLY = ("Volta", "Ampere")
"""Architectures before Megatron had fused attention, and fully sharded data parallelism of its own."""

_EXPLICIT = ("megatron-deepspeed",)
"""Stacks of the years before fused attention and fused layers."""

_EARLY_TPUS = ("v2", "v3")
"""Generations whose trainings are older than any fused attention (Rabe and Staats 2021, Dao 2022)."""

_ONE_SOFTMAX = ("megatron", "megatron-deepspeed", "mlperf", "gpt-neox", "aleph-alpha")
"""Stacks with Megatron's softmax, one kernel with scale and mask, where attention is explicit; a TPU's compiler makes one too.

Others take PyTorch's.
"""

_PORTABLE = ("", "fsdp", "gpt-neox", "megatron-deepspeed", "nanotron")
"""Stacks whose fused attention is PyTorch's or FlashAttention-2, on any architecture; no stack named is PyTorch alone."""

_NORMS = {"norm", "rms"}
"""Words of a row that names a kernel for its norms."""


_EARLY_STOP = ("fsdp",)
"""Stacks that recompute with PyTorch's non-reentrant checkpoint, which stops at the last tensor that is needed (since 2.1)."""

_TILED = ("megatron", "mlperf")
"""Stacks whose recipes since Hopper overlap tensor-parallel collectives with the products beside them."""


def _explicit(row: RunRow, spec: ModelSpec, device: Device) -> bool:
    """Whether attention writes its scores: stacks and devices of the years before fused kernels, and models of those years.

    The latter are Megatron's float16 runs and its models with plain feed-forward blocks on devices before Hopper, and
    float16 runs there of a stack that is not named.
    """
    early = device.architecture in EARLY
    plain = early and spec.ffn is not None and not spec.ffn.gated
    half = row.precision == "fp16"
    if row.stack in _EXPLICIT or (device.kind == "tpu" and device.architecture in _EARLY_TPUS):
        return True
    return (row.stack == "megatron" and (half or plain)) or (not row.stack and half and early)


def _tiled(row: RunRow, device: Device) -> bool:
    """Whether tensor-parallel traffic hides: in recipes of Megatron and its benchmarks since Hopper, but not in 4 bit."""
    return row.stack in _TILED and device.architecture.startswith(("Hopper", "Blackwell")) and row.precision != "nvfp4"


def _launches(row: RunRow, constants: Efficiency, machine: Machine) -> tuple[float, float]:
    """Seconds that the host needs for the forward kernels of a dense layer and of one with experts.

    None where a graph holds the whole step. Graphs of attention and router leave what is usual; without them the host waits
    for the tokens of each expert and launches anew.
    """
    graphs = row.cuda_graphs.lower()
    if graphs == "full":
        return 0.0, 0.0
    dense = constants.eager_launch.si if row.stack in _EXPLICIT else machine.layer_launch
    return dense, constants.moe_eager_launch.si if graphs in ("none", "router") else machine.moe_launch


def kernels(
    row: RunRow, spec: ModelSpec, device: Device, recipe: str, constants: Efficiency, machine: Machine, notes: list[str]
) -> Machine:
    """Return the machine with the kernels of a row.

    A row that names its attention kernel is taken at its word: fused where it says "flash", explicit otherwise; and where it
    names kernels but none for the norms, these are PyTorch's own. FlashAttention's own releases are written for Ampere (the
    first at its own rate): what an architecture gains by kernels of its own it does not have.
    """
    named = row.attention_kernel.lower()
    fused = "flash" in named if named else constants.flash.value > 0 and not _explicit(row, spec, device)
    share = constants.attention_portable.value if row.stack in _PORTABLE or "flash" in named else 1.0
    if "flash" in named and "v1" in named:
        share *= constants.attention_first.value
    sharded = (row.zero_stage or 0) >= 2  # gradients are reduced first, and each rank sums its share
    h = habits_of(row, device)
    if named:
        notes.append(f"attention by {row.attention_kernel}")
    dense, expert = _launches(row, constants, machine)
    return machine._replace(
        flash=float(fused),
        separate=float("torch" in named if named else row.stack not in _ONE_SOFTMAX and device.kind != "tpu"),
        attention_forward=machine.attention_forward * share,
        attention_backward=machine.attention_backward * share,
        head_passes=h.head_passes.value,
        gate_passes=h.gate_passes.value,
        sum_bytes=h.gradient_sum[recipe].value if recipe in h.gradient_sum and not sharded else 0.0,
        grad_comm_bytes=h.gradient_traffic[recipe].value if recipe in h.gradient_traffic else machine.grad_comm_bytes,
        norm_passes=constants.norm_passes.value if named and not _NORMS.intersection(named.split()) else 0.0,
        update_beside=h.update_beside.value,
        redo_last=0.0 if row.stack in _EARLY_STOP else machine.redo_last,
        layer_launch=dense,
        moe_launch=expert,
        tp_overlap=constants.tp_overlap_tiled.value if _tiled(row, device) else machine.tp_overlap,
    )

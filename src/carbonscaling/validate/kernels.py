"""The kernels a measured row ran: what it names, else what its stack had in those years."""

from __future__ import annotations

from carbonscaling.hardware.device import Device
from carbonscaling.model.spec import ModelSpec
from carbonscaling.perf.efficiency import Efficiency
from carbonscaling.perf.machine import Machine
from carbonscaling.validate.row import RunRow

__all__ = ["EARLY", "kernels"]

EARLY = ("Volta", "Ampere")
"""Architectures before Megatron had fused attention, and fully sharded data parallelism of its own."""

_EXPLICIT = ("megatron-deepspeed",)
"""Stacks of the years before fused attention and fused layers."""

_PORTABLE = ("fsdp", "gpt-neox", "megatron-deepspeed", "nanotron")
"""Stacks whose fused attention is PyTorch's or FlashAttention-2, on any architecture; the others take the vendor's."""


def _explicit(row: RunRow, spec: ModelSpec, device: Device) -> bool:
    """Whether attention writes its scores: stacks of the years before fused kernels, and Megatron's models of those years.

    Those are its float16 runs, and models with plain feed-forward blocks on devices before Hopper.
    """
    early = device.architecture in EARLY and spec.ffn is not None and not spec.ffn.gated
    return row.stack in _EXPLICIT or (row.stack == "megatron" and (row.precision == "fp16" or early))


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
    row: RunRow, spec: ModelSpec, device: Device, constants: Efficiency, machine: Machine, notes: list[str]
) -> Machine:
    """Return the machine with the kernels of a row.

    A row that names its attention kernel is taken at its word: fused where it says "flash" (FlashAttention-1 at its own
    rate), explicit otherwise; and where it names kernels but none for the norms, these are PyTorch's own.
    """
    named = row.attention_kernel.lower()
    fused = "flash" in named if named else not _explicit(row, spec, device)
    share = constants.attention_portable.value if row.stack in _PORTABLE else 1.0
    if "flash" in named and "v1" in named:
        share = constants.attention_first.value
    if named:
        notes.append(f"attention by {row.attention_kernel}")
    dense, expert = _launches(row, constants, machine)
    return machine._replace(
        flash=float(fused),
        attention_forward=machine.attention_forward * share,
        attention_backward=machine.attention_backward * share,
        norm_passes=constants.norm_passes.value if named and "rms" not in named else 0.0,
        layer_launch=dense,
        moe_launch=expert,
    )

"""What a row does not say, filled in the way its software stack would choose it, and said so."""

from __future__ import annotations

from carbonscaling.catalog.efficiency import efficiency
from carbonscaling.hardware.device import Device
from carbonscaling.model.spec import ModelSpec
from carbonscaling.perf import build
from carbonscaling.perf.collectives import inner_ranks
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.numbers import Setting
from carbonscaling.perf.precision import PRECISIONS, precision
from carbonscaling.validate.expert_layout import routed
from carbonscaling.validate.layout import lay_out
from carbonscaling.validate.place import place
from carbonscaling.validate.record import Replay
from carbonscaling.validate.row import RunRow, Unusable
from carbonscaling.validate.shape import shape

__all__ = ["infer"]

_PRECISION = {
    "": "bf16", "fp8-cs": "fp8", "fp8-blockwise": "fp8", "fp8-mx": "mxfp8", "fp8-mx/blockwise": "mxfp8",
}  # fmt: skip
"""Names in measurements that differ from the recipes' own; a blank means 16 bit."""

_EXPLICIT_ATTENTION = ("megatron-deepspeed",)
"""Stacks of the years before fused attention and fused layers."""


_PORTABLE_ATTENTION = ("fsdp", "gpt-neox", "megatron-deepspeed", "nanotron")
"""Stacks whose fused attention is PyTorch's or FlashAttention-2, on any architecture; the others take the vendor's."""

_EARLY = ("Volta", "Ampere")
"""Architectures before Megatron had fused attention, and fully sharded data parallelism of its own."""


def _deepspeed(row: RunRow, device: Device) -> bool:
    """Whether a Megatron run's ZeRO-3 is DeepSpeed's."""
    return row.stack == "megatron-deepspeed" or (row.stack == "megatron" and device.architecture in _EARLY)


def _flat(machine: Machine, s: Setting) -> Machine:
    """Return the machine of a ZeRO-3 that gathers parameter by parameter, as DeepSpeed's did (Narayanan 2021, section 5.2).

    No node shares what its neighbours fetched, so each device receives the whole model over its own card.
    """
    inner = float(inner_ranks(s.dp, s.tp, machine.domain))
    return machine._replace(nic=machine.nic / inner, overlap=0.0) if s.dp > inner else machine


def _explicit_attention(row: RunRow, spec: ModelSpec, device: Device) -> bool:
    """Whether attention writes its scores: stacks of the years before fused kernels, and Megatron's models of those years.

    Those are its float16 runs, and models with plain feed-forward blocks on devices before Hopper.
    """
    early = device.architecture in _EARLY and spec.ffn is not None and not spec.ffn.gated
    return row.stack in _EXPLICIT_ATTENTION or (row.stack == "megatron" and (row.precision == "fp16" or early))


def infer(row: RunRow) -> Replay:
    """Complete a row.

    Raises
    ------
    Unusable
        The row lacks something that no convention supplies, or contradicts itself.
    """
    notes: list[str] = []
    spec = shape(row, notes)
    cluster = place(row, notes)
    recipe = _PRECISION.get(row.precision, row.precision)
    if row.stack == "mlperf" and not row.precision and "fp8" in cluster.device.peak:
        recipe = "fp8"
        notes.append("fp8, the fastest format that benchmark submissions use")
    if recipe not in PRECISIONS:
        raise Unusable(f"unknown precision {row.precision!r}")
    if PRECISIONS[recipe].format not in cluster.device.peak:
        raise Unusable(f"{cluster.device.name} has no {PRECISIONS[recipe].format} peak")
    if row.stack == "hai-llm" and recipe == "fp8":
        recipe = "fp8-deepseek"
    constants = efficiency(cluster.device)
    machine = build.machine(cluster, precision(recipe), constants)
    if _explicit_attention(row, spec, cluster.device):
        machine = machine._replace(flash=0.0)
    if row.stack in _PORTABLE_ATTENTION:
        share = constants.attention_portable.value
        machine = machine._replace(
            attention_forward=machine.attention_forward * share, attention_backward=machine.attention_backward * share
        )
    if row.stack in _EXPLICIT_ATTENTION:
        machine = machine._replace(layer_launch=constants.eager_launch.si)
    work = build.workload(spec, spec.seq_len)
    setting, batch = lay_out(row, work, machine, cluster.device, recipe, notes)
    if work.n_experts > 0:
        machine = routed(row, machine, setting, notes)
    if setting.zero == 3 and _deepspeed(row, cluster.device):
        machine = _flat(machine, setting)
        notes.append("ZeRO-3 gathers over each device's own network card, nothing hidden")
    return Replay(row, spec, cluster, recipe, constants, work, machine, setting, batch, tuple(notes))

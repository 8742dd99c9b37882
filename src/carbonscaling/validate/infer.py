"""What a row does not say, filled in the way its software stack would choose it, and said so."""

from __future__ import annotations

from carbonscaling.catalog.efficiency import efficiency
from carbonscaling.hardware.device import Device
from carbonscaling.perf import build
from carbonscaling.perf.collectives import inner_ranks
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.numbers import Setting
from carbonscaling.perf.precision import PRECISIONS, precision
from carbonscaling.validate.expert_layout import routed
from carbonscaling.validate.kernels import EARLY, kernels
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


def _deepspeed(row: RunRow, device: Device) -> bool:
    """Whether a Megatron run's ZeRO-3 is DeepSpeed's."""
    return row.stack == "megatron-deepspeed" or (row.stack == "megatron" and device.architecture in EARLY)


def _flat(machine: Machine, s: Setting) -> Machine:
    """Return the machine of a ZeRO-3 that gathers parameter by parameter, as DeepSpeed's did (Narayanan 2021, section 5.2).

    No node shares what its neighbours fetched, so each device receives the whole model over its own card.
    """
    inner = float(inner_ranks(s.dp, s.tp, machine.domain))
    return machine._replace(nic=machine.nic / inner, overlap=0.0) if s.dp > inner else machine


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
    machine = kernels(row, spec, cluster.device, recipe, constants, machine, notes)
    work = build.workload(spec, spec.seq_len)
    setting, batch = lay_out(row, work, machine, cluster.device, recipe, notes)
    if work.n_experts > 0:
        machine = routed(row, machine, setting, notes)
    if setting.zero == 3 and _deepspeed(row, cluster.device):
        machine = _flat(machine, setting)
        notes.append("ZeRO-3 gathers over each device's own network card, nothing hidden")
    return Replay(row, spec, cluster, recipe, constants, work, machine, setting, batch, tuple(notes))

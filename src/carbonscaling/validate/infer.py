"""What a row does not say, filled in the way its software stack would choose it, and said so."""

from __future__ import annotations

from carbonscaling.catalog.efficiency import efficiency
from carbonscaling.perf import build
from carbonscaling.perf.precision import PRECISIONS, precision
from carbonscaling.validate.away import in_host
from carbonscaling.validate.expert_layout import routed
from carbonscaling.validate.gathers import by_parameter, deepspeed
from carbonscaling.validate.kernels import kernels
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
    machine = in_host(row, work, machine, setting, cluster, recipe, notes)
    if setting.zero == 3 and deepspeed(row, cluster.device):
        machine = by_parameter(work, machine, setting, constants)
        notes.append("ZeRO-3 collects parameter by parameter, nothing hidden")
    return Replay(row, spec, cluster, recipe, constants, work, machine, setting, batch, tuple(notes))

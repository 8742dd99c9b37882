"""How a row trains its experts where it does not say: whole or split with the tensors, balanced or not, by which all-to-all."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from carbonscaling.perf.machine import Machine
from carbonscaling.perf.numbers import Recompute, Setting, Workload
from carbonscaling.validate.row import RunRow

__all__ = ["routed", "with_tensors"]


def with_tensors(
    row: RunRow,
    work: Workload,
    machine: Machine,
    settings: Sequence[Setting],
    whole_fits: bool,
    fits: Callable[[Sequence[Setting]], bool],
) -> list[Setting]:
    """Return the settings with every expert split over the tensor ranks, none where experts are whole.

    Any stack splits experts that do not fit whole. Megatron does so unless told otherwise (its expert tensor parallelism
    defaults to the tensor parallelism, and expert groups then lie inside data parallelism). Whoever leaves that default
    pays for each tensor rank in the all-to-all and takes as few as fit; a row that states more than it needs, or
    an expert group beyond data parallelism or a scale-up domain, keeps its experts whole.

    Parameters
    ----------
    settings : sequence of Setting
        What the row leaves open, experts whole.
    whole_fits : bool
        Whether one of them fits.
    fits : callable
        Whether one of some settings fits.
    """
    if not work.n_experts > 0:
        return []
    split = [s._replace(etp=s.tp) for s in settings if s.tp > 1 and s.tp * s.cp * s.dp % (s.ep * s.tp) == 0]
    if not whole_fits:
        return split
    if row.stack != "megatron" or not row.tp or not row.ep:
        return []
    split = [s for s in split if 1 < s.ep <= machine.domain and s.dp % s.ep == 0]
    fewer = [
        s._replace(tp=s.tp / 2, etp=s.tp / 2, dp=2 * s.dp, shard=2 * s.shard, sp=s.sp * (s.tp > 2))
        for s in split
        if row.recompute == "full" or s.recompute != Recompute.FULL
    ]
    return [] if fewer and fits(fewer) else split


def routed(row: RunRow, machine: Machine, setting: Setting, notes: list[str]) -> Machine:
    """Return the machine with the router and the all-to-all of a row's layout, where Megatron trains experts.

    Its benchmarks balance the experts by force or by a capacity. Experts split over tensor ranks go with its plain all-to-all,
    which sends a copy to every expert; the dispatchers that send a token once to each node came with experts laid out
    apart from the tensors.
    """
    if row.stack != "megatron":
        return machine
    if row.kind == "benchmark":
        machine = machine._replace(imbalance=1.0)
        notes.append("experts balanced, as benchmarks force them to be")
    if row.expert_overlap.lower() == "yes":
        machine = machine._replace(ep_behind=1.0)
        notes.append("expert traffic behind another micro-batch")
    if row.dispatcher:
        return machine._replace(relay=float(row.dispatcher.lower() != "alltoall"))
    if setting.etp > 1 and setting.ep > 1:
        machine = machine._replace(relay=0.0)
        notes.append("plain all-to-all, a copy to every expert")
    return machine

"""Which ranks lie where, and which traffic takes which link."""

from __future__ import annotations

import math

from carbonscaling.hints import NamedTuple
from carbonscaling.study.estimate import Estimate

__all__ = ["Group", "groups", "ranks_of_stage", "stage_of_device"]


class Group(NamedTuple):
    """Ranks that talk to each other.

    Attributes
    ----------
    name : str
        Kind of parallelism.
    size, stride : int
        Ranks of a group, and how many devices lie from one to the next (order: tensor, context, data, pipeline).
    inside : int
        Ranks of it that share a domain of fast links.
    seconds : float
        What a step waits for it.
    """

    name: str
    size: int
    stride: int
    inside: int
    seconds: float

    @property
    def link(self) -> str:
        """Where its traffic runs."""
        if self.size == 1:
            return "none"
        if self.inside >= self.size:
            return "fast links"
        return "network" if self.inside <= 1 else f"fast links among {self.inside}, then network"


def groups(answer: Estimate) -> list[Group]:
    """Return the groups of a plan."""
    s, step = answer.setting, answer.step
    domain = int(answer.resolved.cluster.host.domain_size)
    rows = [
        ("tensor", s.tp, 1, step.tp_comm), ("context", s.cp, s.tp, step.cp_comm),
        ("expert", s.ep, s.etp, step.ep_comm), ("data", s.dp, s.tp * s.cp, step.dp_comm),
        ("pipeline", s.pp, s.tp * s.cp * s.dp, step.pp_comm),
    ]  # fmt: skip
    return [
        Group(name, int(size), int(stride), min(int(size), max(1, domain // int(stride))), float(seconds))
        for name, size, stride, seconds in rows
    ]


def stage_of_device(answer: Estimate, rank: int) -> int:
    """Return the pipeline stage of a device, by the order tensor, context, data, pipeline."""
    s = answer.setting
    return rank // int(s.tp * s.cp * s.dp)


def ranks_of_stage(answer: Estimate, stage: int) -> str:
    """Return the first and the last rank of a stage in words."""
    s = answer.setting
    width = int(s.tp * s.cp * s.dp)
    first, last = stage * width, (stage + 1) * width - 1
    return f"{first}" if first == last else f"{first} to {last}"


def nodes(answer: Estimate) -> int:
    """Return the hosts that a plan fills, the last one perhaps in part."""
    return math.ceil(answer.n_devices / answer.resolved.cluster.host.devices_per_host)

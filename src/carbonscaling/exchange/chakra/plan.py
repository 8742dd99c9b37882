"""A step of a plan as Chakra's execution traces."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from carbonscaling.errors import InputError
from carbonscaling.exchange.chakra.wire import COLLECTIVES, Node, stream
from carbonscaling.exchange.stages import layers_by_stage, timed_layer
from carbonscaling.exchange.timeline.schedule import Slot
from carbonscaling.exchange.timeline.step import timeline
from carbonscaling.perf.memory import rank_params
from carbonscaling.perf.numbers import Setting
from carbonscaling.perf.pipeline import in_turns
from carbonscaling.study.estimate import Estimate

__all__ = ["chakra_traces", "stage_nodes"]

MICRO = 1e-6
"""Seconds of the schema's unit of time."""
MOST_RANKS = 4096
BYTES = 2
"""Bytes of an element of a message in 16 bit."""


def chakra_traces(answer: Estimate, *, every_rank: bool = False) -> dict[str, bytes]:
    """Return the traces of one step, by the ending of their file names.

    Parameters
    ----------
    answer : Estimate
    every_rank : bool
        A trace for each rank, with the ranks of each group beside them (``.groups.json``); else one for each pipeline stage,
        whose ranks all do the same.

    Raises
    ------
    InputError
        As `timeline`, or too many ranks.
    """
    s = answer.setting
    width = int(s.tp * s.cp * s.dp)
    slots = timeline(answer).slots
    traces = {stage: list(stage_nodes(answer, stage, slots)) for stage in range(int(s.pp))}
    if not every_rank:
        return {f".{stage}.et": stream(nodes) for stage, nodes in traces.items()}
    if s.n_devices > MOST_RANKS:
        raise InputError(
            f"{int(s.n_devices):,} traces are too many", key="devices", allowed=f"up to {MOST_RANKS:,}",
            remedy="write one for each pipeline stage: --emit chakra",
        )  # fmt: skip
    found, groups = dict[str, bytes](), dict[str, list[int]]()
    for rank in range(int(s.n_devices)):
        stage, inside = divmod(rank, width)
        names = _groups(answer, rank)
        for name, first, stride, size in names.values():
            groups.setdefault(name, [first + stride * n for n in range(size)])
        nodes = (_for_rank(node, names, inside, width) for node in traces[stage])
        found[f".{rank}.et"] = stream(nodes)
    found[".groups.json"] = (json.dumps(groups, indent=1) + "\n").encode()
    return found


def _groups(answer: Estimate, rank: int) -> dict[str, tuple[str, int, int, int]]:
    """Return the groups of a rank by kind: name, first rank, stride and size."""
    s = answer.setting
    found = {}
    sizes = (("tp", s.tp, 1), ("cp", s.cp, s.tp), ("dp", s.dp * s.cp, s.tp), ("ep", s.ep, s.etp))
    for kind, size, stride in ((kind, int(many), int(apart)) for kind, many, apart in sizes):
        first = rank - rank // stride % size * stride
        found[kind] = (f"{kind}.{first}", first, stride, size)
    return found


def _for_rank(node: Node, names: dict[str, tuple[str, int, int, int]], inside: int, width: int) -> Node:
    """Return a node of a stage's trace as one rank of the stage has it."""
    own = dict(node.attributes)
    if "pg_name" in own:
        own["pg_name"] = names[str(own["pg_name"])][0]
    for end in ("comm_src", "comm_dst"):
        if end in own:
            own[end] = int(own[end]) * width + inside
    return node._replace(attributes=own)


def stage_nodes(answer: Estimate, stage: int, slots: Sequence[Slot]) -> Iterator[Node]:
    """Yield the nodes of a pipeline stage, its passes among `slots` first, then the update."""
    made = _Maker(answer, stage)
    for slot in (slot for slot in slots if slot.stage == stage):
        yield from made.passed(slot)
    yield from made.update()


class _Maker:
    """Makes the nodes of a stage, each behind those that it needs."""

    def __init__(self, answer: Estimate, stage: int) -> None:
        s, r = answer.setting, answer.resolved
        self.answer, self.stage, self.stages, self.chunks = answer, stage, int(s.pp), int(s.vpp)
        self.layers = layers_by_stage(answer)[stage]
        self.times, self.one = timed_layer(answer)
        self.message = int(BYTES * s.micro_batch * r.seq_len * r.work.d_model / s.cp)
        self.flops = (
            float(r.work.model_flops) * float(s.micro_batch) * r.seq_len / float(s.tp * s.cp) / r.work.n_layers / 3.0
        )
        self.last: tuple[int, ...] = ()
        self.n = 0

    def node(self, name: str, kind: str, after: tuple[int, ...], seconds: float = 0.0, **attributes: Any) -> Node:
        self.n += 1
        return Node(self.n, name, kind, after, round(seconds / MICRO), {"is_cpu_op": False, **attributes})

    def collective(self, name: str, kind: str, group: str, size: float) -> Node:
        made = self.node(name, "collective", self.last, comm_type=COLLECTIVES[kind], comm_size=int(size), pg_name=group)
        self.last = (made.id,)
        return made

    def passed(self, slot: Slot) -> Iterator[Node]:
        """Yield what a pass does: receive, compute, exchange, send."""
        kind, micro, chunk = slot.task
        place, forward = chunk * self.stages + self.stage, kind == "F"
        tag = f"{'forward' if forward else 'backward' if kind == 'B' else 'weights'}.{micro}.{chunk}"
        n_places, step = self.stages * self.chunks, 1 if forward else -1
        size = self.message // (int(self.answer.setting.tp) if self.answer.setting.sp else 1)
        label = (2 * micro + (not forward)) * n_places
        if kind != "W" and 0 <= place - step < n_places and self.stages > 1:
            came = self.node(f"receive.{tag}", "receive", (), comm_src=(self.stage - step) % self.stages, comm_dst=self.stage,
                             comm_size=size, comm_tag=label + place)  # fmt: skip
            yield came
            self.last = (*self.last, came.id)
        yield self._compute(tag, kind, self.layers[chunk], slot)
        if kind != "W":
            yield from self._exchanged(tag, self.layers[chunk])
        if kind != "W" and 0 <= place + step < n_places and self.stages > 1:
            yield self.node(f"send.{tag}", "send", self.last, comm_src=self.stage, comm_dst=(self.stage + step) % self.stages,
                            comm_size=size, comm_tag=label + place + step)  # fmt: skip

    def _compute(self, tag: str, kind: str, layers: int, slot: Slot) -> Node:
        one = self.times.forward if kind == "F" else self.times.backward
        traffic = 0.0 if kind == "W" else layers * float(one.tp_comm + one.cp_comm + one.ep_comm)
        times = {"F": 1.0, "B": 2.0, "W": 1.0}[kind] - (1.0 if kind == "B" and self._splits() else 0.0)
        made = self.node(tag, "compute", self.last, max(0.0, slot.end - slot.start - traffic),
                         num_ops=int(times * layers * self.flops), tensor_size=self.message)  # fmt: skip
        self.last = (made.id,)
        return made

    def _splits(self) -> bool:
        return not in_turns(self.answer.setting.schedule)

    def _exchanged(self, tag: str, layers: int) -> Iterator[Node]:
        """Yield the traffic of a pass's layers, each kind together."""
        s, work = self.answer.setting, self.answer.resolved.work
        whole = layers * self.message
        if s.tp > 1:
            for kind in ("ALL_GATHER", "REDUCE_SCATTER") if s.sp else ("ALL_REDUCE",):
                yield self.collective(f"tensor.{kind.lower()}.{tag}", kind, "tp", whole * float(work.reduces))
        if s.cp > 1:
            keys = float(work.d_kv / work.d_model) / float(s.tp)
            yield self.collective(f"context.{tag}", "ALL_GATHER", "cp", whole * keys)
        if s.ep > 1:
            routed = float(work.n_moe / work.n_layers * work.top_k) / float(s.tp)
            for name in ("dispatch", "combine"):
                yield self.collective(f"{name}.{tag}", "ALL_TO_ALL", "ep", whole * routed)

    def update(self) -> Iterator[Node]:
        """Yield the end of a step: gradients reduced, states updated, weights gathered."""
        s, software = self.answer.setting, self.answer.resolved.machine.software
        params = rank_params(self.answer.resolved.work, Setting(*(float(v) for v in s)))
        n = float(params.dense + params.expert)
        if s.dp * s.cp > 1:
            kind = "REDUCE_SCATTER" if s.zero else "ALL_REDUCE"
            yield self.collective("gradients", kind, "dp", n * float(software.grad_comm_bytes))
        made = self.node(
            "update", "compute", self.last, float(self.answer.step.optimizer), num_ops=int(n), tensor_size=int(4 * n)
        )
        self.last = (made.id,)
        yield made
        if s.zero and s.dp * s.cp > 1:
            yield self.collective("weights", "ALL_GATHER", "dp", n * BYTES)

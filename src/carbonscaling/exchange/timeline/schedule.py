"""The passes of one step through a pipeline: in which order a stage takes them, when each begins and ends."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence

from carbonscaling.hints import NamedTuple

__all__ = ["Costs", "Slot", "Task", "in_order", "orders", "zero_bubble"]


class Task(NamedTuple):
    """One pass of one micro-batch through one model chunk of a stage.

    Attributes
    ----------
    kind : str
        "F" forward, "B" backward ("B" alone makes both gradients), "W" weight gradients where they wait.
    micro : int
        Micro-batch.
    chunk : int
        Model chunk of the stage.
    """

    kind: str
    micro: int
    chunk: int


def orders(stages: int, chunks: int, n_micro: int) -> list[list[Task]]:
    """Return the tasks of each stage under one forward, one backward; interleaved where a stage has several chunks.

    Narayanan et al. 2021, section 2.2: a stage runs forward passes until the first micro-batch can come back, then one of
    each kind in turn, then the backward passes that are left.

    Parameters
    ----------
    stages, chunks, n_micro : int
    """
    groups = [range(first, min(first + stages, n_micro)) for first in range(0, n_micro, stages)]
    forward = [Task("F", micro, chunk) for group in groups for chunk in range(chunks) for micro in group]
    backward = [Task("B", micro, chunk) for group in groups for chunk in reversed(range(chunks)) for micro in group]
    found = []
    for stage in range(stages):
        ahead = (stages - stage - 1) * (1 if chunks == 1 else 2) + (chunks - 1) * stages
        if n_micro % stages and chunks > 1:  # the last group is short: what it waits for may lie behind it
            ahead = len(forward)
        ahead = min(ahead, len(forward))
        steady = [task for pair in zip(forward[ahead:], backward, strict=False) for task in pair]
        found.append([*forward[:ahead], *steady, *backward[len(forward) - ahead :]])
    return found


class Slot(NamedTuple):
    """A task on the clock of a stage; times in s from the start of the step."""

    stage: int
    task: Task
    start: float
    end: float


class Costs(NamedTuple):
    """Seconds of passes.

    Attributes
    ----------
    forward, backward, weight : sequence of sequence of float
        By stage and chunk; `weight` is the part of `backward` that makes weight gradients.
    send : float
        From one stage to the next.
    """

    forward: Sequence[Sequence[float]]
    backward: Sequence[Sequence[float]]
    weight: Sequence[Sequence[float]]
    send: float


def in_order(costs: Costs, n_micro: int) -> list[Slot]:
    """Run one forward, one backward: each stage takes its tasks in order, as soon as what they need is there."""
    stages, chunks = len(costs.forward), len(costs.forward[0])
    waiting = [iter(order) for order in orders(stages, chunks, n_micro)]
    next_ = [next(order, None) for order in waiting]
    free, done, found = [0.0] * stages, dict[tuple[str, int, int], float](), list[Slot]()
    moved = True
    while moved:
        moved = False
        for stage in range(stages):
            while (task := next_[stage]) is not None and (
                ready := _ready(task, stage, stages, chunks, done, costs)
            ) is not None:
                start = max(free[stage], ready)
                length = (costs.forward if task.kind == "F" else costs.backward)[stage][task.chunk]
                free[stage] = start + length
                done[task.kind, task.micro, task.chunk * stages + stage] = free[stage]
                found.append(Slot(stage, task, start, free[stage]))
                next_[stage], moved = next(waiting[stage], None), True
    return sorted(found, key=lambda slot: (slot.stage, slot.start))


def _ready(
    task: Task, stage: int, stages: int, chunks: int, done: dict[tuple[str, int, int], float], costs: Costs
) -> float | None:
    """Return when a task's inputs are there; None while they are not."""
    place = task.chunk * stages + stage
    if task.kind == "F":
        if place == 0:
            return 0.0
        before = done.get(("F", task.micro, place - 1))
        return None if before is None else before + costs.send
    own = done.get(("F", task.micro, place))
    if place == stages * chunks - 1 or own is None:
        return own
    after = done.get(("B", task.micro, place + 1))
    return None if after is None else max(own, after + costs.send)


def zero_bubble(costs: Costs, n_micro: int) -> list[Slot]:
    """Run the schedule that lets weight gradients wait (Qi et al. 2024, ZB-H1): they fill what would be idle.

    A stage takes a backward pass if one is there, else a forward pass if it holds fewer micro-batches than one forward, one
    backward would, else weight gradients.
    """
    stages = len(costs.forward)
    found: list[Slot] = []
    free = [0.0] * stages
    arrived: dict[str, list[list[tuple[float, int]]]] = {kind: [[] for _ in range(stages)] for kind in "FBW"}
    arrived["F"][0] = [(0.0, micro) for micro in range(n_micro)]
    held, left = [0] * stages, [3 * n_micro] * stages
    clock = [(0.0, stage) for stage in range(stages)]
    heapq.heapify(clock)

    def take(stage: int, kind: str, now: float) -> int | None:
        queue = arrived[kind][stage]
        return heapq.heappop(queue)[1] if queue and queue[0][0] <= now + 1e-12 else None

    while clock:
        now, stage = heapq.heappop(clock)
        if now < free[stage] or not left[stage]:
            continue
        kind, micro = "B", take(stage, "B", now)
        if micro is None and held[stage] < stages - stage:
            kind, micro = "F", take(stage, "F", now)
        if micro is None:
            kind, micro = "W", take(stage, "W", now)
        if micro is None:  # woken again when something arrives
            continue
        weight = costs.weight[stage][0]
        length = {"F": costs.forward[stage][0], "B": costs.backward[stage][0] - weight, "W": weight}[kind]
        end = now + length
        free[stage], left[stage] = end, left[stage] - 1
        found.append(Slot(stage, Task(kind, micro, 0), now, end))
        _hand_on(kind, micro, stage, end, stages, costs.send, arrived, clock)
        held[stage] += {"F": 1, "B": -1, "W": 0}[kind]
        heapq.heappush(clock, (end, stage))
    return sorted(found, key=lambda slot: (slot.stage, slot.start))


def _hand_on(
    kind: str, micro: int, stage: int, end: float, stages: int, send: float,
    arrived: dict[str, list[list[tuple[float, int]]]], clock: list[tuple[float, int]],
) -> None:  # fmt: skip
    """Put what a task makes where it is needed, and wake that stage."""
    to: list[tuple[str, int, float]] = []
    if kind == "F":
        to.append(("F", stage + 1, end + send) if stage + 1 < stages else ("B", stage, end))
    elif kind == "B":
        to.append(("W", stage, end))
        to += [("B", stage - 1, end + send)] if stage else []
    for what, where, when in to:
        heapq.heappush(arrived[what][where], (when, micro))
        heapq.heappush(clock, (when, where))


Run = Callable[[Costs, int], list[Slot]]

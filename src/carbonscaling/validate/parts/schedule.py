"""Pipeline schedules played out event by event: an independent count of the idle time that `perf.pipeline` has formulas for.

A task waits for what it needs and for its device; nothing else is assumed. Sends are free.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from carbonscaling.hints import NamedTuple

__all__ = ["Kind", "Task", "interleaved_order", "play", "zero_bubble_order"]

Kind = Literal["forward", "backward", "weight"]
"""``weight`` is the weight-gradient part of a backward pass where a schedule keeps it apart."""

PASSES: tuple[Kind, Kind] = ("forward", "backward")


class Task(NamedTuple):
    """One pass of a micro-batch through one model chunk on one device."""

    kind: Kind
    device: int
    chunk: int
    micro: int


def interleaved_order(pp: int, vpp: int, n_micro: int) -> list[list[Task]]:
    """Return the order of work per device: warm-up, one forward one backward, cool-down.

    Each device has `vpp` chunks and takes micro-batches in groups of `pp`; one chunk is plain 1F1B (Narayanan 2021, section
    2.2).

    Parameters
    ----------
    n_micro : a multiple of `pp` where ``vpp > 1``.
    """
    orders = []
    for device in range(pp):
        ahead = pp - device - 1 if vpp == 1 else 2 * (pp - device - 1) + (vpp - 1) * pp
        forwards, backwards = ([_task(kind, device, i, pp, vpp) for i in range(n_micro * vpp)] for kind in PASSES)
        orders.append(_alternating(forwards, backwards, ahead))
    return orders


def _alternating(forwards: list[Task], backwards: list[Task], ahead: int) -> list[Task]:
    """Return `ahead` forward passes, then one forward and one backward, then the backward passes that are left."""
    steady = [task for pair in zip(forwards[ahead:], backwards, strict=False) for task in pair]
    return forwards[:ahead] + steady + backwards[max(0, len(forwards) - ahead) :]


def _task(kind: Kind, device: int, index: int, pp: int, vpp: int) -> Task:
    """Task number `index` of a device: `pp` micro-batches through one chunk, then through the next."""
    if vpp == 1:
        return Task(kind, device, 0, index)
    chunk = index // pp % vpp
    micro = index // (pp * vpp) * pp + index % pp
    return Task(kind, device, chunk if kind == "forward" else vpp - 1 - chunk, micro)


def zero_bubble_order(pp: int, n_micro: int) -> list[list[Task]]:
    """Return the order of ZB-H1: 1F1B in which stage i holds i weight gradients back (Qi 2023, section 3.1)."""
    orders = []
    for i in range(pp):
        order = [Task("forward", i, 0, k) for k in range(min(pp - i, n_micro))]
        n_forward, n_weight = len(order), 0
        for k in range(n_micro):
            order.append(Task("backward", i, 0, k))
            if k >= i:
                order.append(Task("weight", i, 0, n_weight))
                n_weight += 1
            if n_forward < n_micro:
                order.append(Task("forward", i, 0, n_forward))
                n_forward += 1
        orders.append(order + [Task("weight", i, 0, k) for k in range(n_weight, n_micro)])
    return orders


def _needs(task: Task, pp: int, vpp: int) -> Task | None:
    """Task whose result `task` waits for."""
    kind, device, chunk, micro = task
    if kind == "weight":
        return task._replace(kind="backward")
    if kind == "forward":
        if device:
            return Task(kind, device - 1, chunk, micro)
        return Task(kind, pp - 1, chunk - 1, micro) if chunk else None
    if device < pp - 1:
        return Task(kind, device + 1, chunk, micro)
    return Task(kind, 0, chunk + 1, micro) if chunk < vpp - 1 else Task("forward", device, chunk, micro)


def play(
    orders: Sequence[Sequence[Task]], seconds: Mapping[Kind, float], length: Sequence[float] | None = None
) -> float:
    """Return the time at which every device has done its tasks in order.

    Parameters
    ----------
    orders : tasks per device.
    seconds : time of one pass of a micro-batch through one chunk, by kind.
    length : factor on it for each device, where stages differ; all equal if not given.

    Raises
    ------
    ValueError
        The order waits for itself.
    """
    pp, vpp = len(orders), 1 + max(task.chunk for order in orders for task in order)
    done: dict[Task, float] = {}
    position, clock = [0] * pp, [0.0] * pp
    moved = True
    while moved:
        moved = False
        for device, order in enumerate(orders):
            while position[device] < len(order):
                task = order[position[device]]
                need = _needs(task, pp, vpp)
                if need is not None and need not in done:
                    break
                start = max(clock[device], done[need] if need is not None else 0.0)
                clock[device] = done[task] = start + seconds[task.kind] * (1.0 if length is None else length[device])
                position[device] += 1
                moved = True
    if len(done) < sum(map(len, orders)):
        raise ValueError("the order waits for itself")
    return max(clock)

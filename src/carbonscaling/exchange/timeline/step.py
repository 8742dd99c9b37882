"""One step of an answer on the clock."""

from __future__ import annotations

from carbonscaling.errors import InputError
from carbonscaling.exchange.stages import layers_by_stage, timed_layer
from carbonscaling.exchange.timeline.schedule import Costs, Slot, in_order, zero_bubble
from carbonscaling.hints import NamedTuple
from carbonscaling.perf.numbers import Schedule
from carbonscaling.perf.passes import expert_traffic
from carbonscaling.study.estimate import Estimate

__all__ = ["AFTER", "Timeline", "timeline"]

AFTER = {"dp_comm": "gradients and weights", "optimizer": "optimizer", "host": "host work", "straggler": "stragglers"}
"""What follows the passes of a step, by its line of the step time."""
MOST_SLOTS = 400_000


class Timeline(NamedTuple):
    """A step on the clock.

    Attributes
    ----------
    slots : list of Slot
        Passes of every pipeline stage; one data-parallel replica stands for all, one rank of a stage for its others.
    after : list of (str, float, float)
        What follows them on every stage: name, start and end in s.
    costs : Costs
        Seconds of the passes.
    """

    slots: list[Slot]
    after: list[tuple[str, float, float]]
    costs: Costs

    @property
    def end(self) -> float:
        """Seconds of the step."""
        return self.after[-1][2] if self.after else max(slot.end for slot in self.slots)


def timeline(answer: Estimate) -> Timeline:
    """Return one step of an answer, pass by pass.

    Layers take what the step's formulas say. The passes are run through the pipeline one after the other, where those formulas
    add up the whole; what the step takes beside passes follows them.

    Raises
    ------
    InputError
        DualPipe, or more passes than a picture can hold.
    """
    s = answer.setting
    if s.schedule == Schedule.DUALPIPE:
        raise InputError(
            "no timeline is drawn of DualPipe, whose passes run in pairs", key="layout.schedule", value="dualpipe",
            remedy="add --schedule 1f1b or zb1p",
        )  # fmt: skip
    n_slots = 3 * int(s.n_micro * s.pp * s.vpp)
    if n_slots > MOST_SLOTS:
        raise InputError(
            f"{n_slots:,} passes are too many for a timeline", key="batch", allowed=f"up to {MOST_SLOTS:,}",
            remedy="choose a smaller batch or more replicas",
        )  # fmt: skip
    costs = _costs(answer)
    run = zero_bubble if s.schedule == Schedule.ZERO_BUBBLE else in_order
    slots = run(costs, int(s.n_micro))
    after, now = [], max(slot.end for slot in slots)
    for line, name in AFTER.items():
        if (length := float(getattr(answer.step, line))) > 0:
            after.append((name, now, now + length))
            now += length
    return Timeline(slots, after, costs)


def _costs(answer: Estimate) -> Costs:
    times, one = timed_layer(answer)
    f, b = times.forward, times.backward
    shown, waits = expert_traffic(answer.resolved.machine, answer.setting, times)
    traffic = float(f.ep_comm + b.ep_comm)
    saved = traffic - float(shown) + float(f.launch + b.launch - waits)
    ahead = float(f.total) - (saved * float(f.ep_comm) / traffic if traffic > 0 else 0.0)
    back = float(one.per_layer) - saved - ahead
    layers = layers_by_stage(answer)

    def passes(per_layer: float, end: float) -> list[list[float]]:
        found = [[n * per_layer for n in chunks] for chunks in layers]
        found[-1][-1] += end
        return found

    return Costs(
        passes(ahead, float(times.head_forward)),
        passes(back, float(one.ends) - float(times.head_forward)),
        passes(float(times.weight), 0.0),
        _send(answer),
    )


def _send(answer: Estimate) -> float:
    """Return the seconds between two stages: what the step waits for sends, over the sends that it waits for."""
    s, software = answer.setting, answer.resolved.machine.software
    if s.pp == 1:
        return 0.0
    beside = s.vpp > 1 or s.schedule == Schedule.DUALPIPE
    waits = s.n_micro * ((1.0 - software.overlap) if beside else 1.0) + s.pp - 1.0
    return float(answer.step.pp_comm) / float(2.0 * s.vpp * waits)

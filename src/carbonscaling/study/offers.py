"""What would answer a question that has no answer: changes to it, each of them tried."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from carbonscaling.errors import InputError
from carbonscaling.perf.numbers import Recompute, Setting
from carbonscaling.record import dataclass
from carbonscaling.search.engine import Candidate, Question, search
from carbonscaling.search.space import Space
from carbonscaling.study.asked import question_of, space_of
from carbonscaling.study.decide import round_batches
from carbonscaling.study.resolve import Resolved, resolve
from carbonscaling.study.scenario import Layout, Scenario
from carbonscaling.study.shown import setting_words
from carbonscaling.units import DAY
from carbonscaling.words import counted, duration

__all__ = ["Refused", "would_do"]

MORE_DEVICES = 4
"""How far beyond the allowed count a remedy looks."""
FEW = 4096
"""So many devices a remedy looks at in any case."""
MOST = 3
"""Changes to layout, host and format that are offered at most; a batch and a device count beside them."""


def would_do(found: Candidate, what: str) -> str:
    """Return an offer as people read it."""
    n = found.n_devices
    return (
        f"{what} would do ({n:,} device{'s' * (n != 1)}, batch {found.setting.sequences:,}, "
        f"{setting_words(found.setting)}, {duration(found.duration_s)})"
    )


def _layout_words(name: str, s: Setting) -> str:
    return {
        "micro_batch": f"a micro-batch of {s.micro_batch:g}",
        "recompute": f"{Recompute.said(s)} recomputation",
        "zero": f"ZeRO-{s.zero:g}",
        "shard": f"states sharded over {s.shard:g} devices",
        "vpp": f"{s.vpp:g} chunks a stage",
    }[name]


FREED = ("micro_batch", "recompute", "zero", "shard", "vpp")
"""Parts of a layout that are opened one at a time, what costs least first."""


@dataclass(frozen=True)
class Refused:
    """A question without an answer.

    Attributes
    ----------
    s, r : Scenario, Resolved
    asked : Question
        What was to be searched, with every batch that may be.
    question, space : what was searched, with the batch that comes nearest; offers search a little further.
    freed : Question
        The same with every batch that would do, on the tokens of the question.
    """

    s: Scenario
    r: Resolved
    asked: Question
    question: Question
    freed: Question
    space: Space

    def best(self, question: Question | None = None, space: Space | None = None) -> Candidate | None:
        """Return the answer to the question with another question or space in its place; None where there is none."""
        q = self.question if question is None else question
        return search(q, space or self.space, top=1, near=0.0, prune=True, explain=False).best

    def for_memory(self) -> Iterator[str]:
        """Yield what fits: another batch or layout, states in the host, fewer bytes, no margin, more devices."""
        yield from self.another_batch()
        found = [*self.other_layouts(), *self._changed(offload="optimizer"), *self._changed(offload="activations")]
        yield from [*found, *self.in_eight_bits(), *self._without_margin()][:MOST]
        yield from self.more_devices(and_days=True)

    def another_batch(self) -> Iterator[str]:
        """Yield a batch other than the one asked for with which the question has an answer."""
        if len(self.freed.batches) == 1 or len(self.question.batches) > 1:
            return
        found = self.best(replace(self.freed, batches=round_batches(self.freed.batches)))
        if found is not None:
            yield would_do(found, f"a batch of {counted(float(found.setting.sequences), 'sequence')}")

    def more_devices(self, *, and_days: bool = False) -> Iterator[str]:
        """Yield the fewest of `MORE_DEVICES` times as many devices, or `FEW`, that do; where none does in time, and the days.

        With the batch that was stated, or where none does with another one, which is said.
        """
        low, high = self.question.counts
        space, exact = (replace(self.space, dp=()), True) if low == high else (self.space, False)
        stated = len(self.asked.batches) == 1
        for deadline_s in (self.question.deadline_s, math.inf)[: 1 + and_days]:
            for own in (True, False)[not stated :]:
                batches = self.asked.batches if own else round_batches(self.freed.batches)
                wider = replace(
                    self.asked if own else self.freed, counts=(high + 1, max(MORE_DEVICES * high, FEW)), objective="paper",
                    batches=batches, deadline_s=deadline_s,
                )  # fmt: skip
                found = self.best(wider, space)
                if found is not None:
                    what = f"{found.n_devices:,} devices"
                    what += " and no fixed DP" if exact and self.s.layout.dp else ""
                    what += (
                        ""
                        if own or not stated
                        else f" and a batch of {counted(float(found.setting.sequences), 'sequence')}"
                    )
                    late = found.duration_s > self.question.deadline_s
                    yield would_do(found, what + (f" and {math.ceil(found.duration_s / DAY):,} days" if late else ""))
                    return

    def in_eight_bits(self) -> Iterator[str]:
        """Yield 8-bit multiplications where the device has them, and they do."""
        if self.r.recipe.format in ("bf16", "fp16") and "fp8" in self.r.cluster.device.peak:
            yield from self._changed(precision="fp8")

    def other_layouts(self) -> Iterator[str]:
        """Yield single parts of the layout that may not be as stated, or that the whole may not."""
        given, n = self.s.layout, 0
        whole = space_of(replace(self.s, layout=Layout()), self.r)
        for name in FREED:
            if getattr(given, name) is not None:
                found = self.best(space=replace(self.space, **{name: getattr(whole, name)}))
                if found is not None:
                    n += 1
                    yield would_do(found, _layout_words(name, found.setting))
        if given != Layout() and not n:
            found = self.best(replace(self.question, stated=False), whole)
            if found is not None:
                yield would_do(found, "another layout")

    def _changed(self, **changes: Any) -> Iterator[str]:
        """Yield one change to the scenario, if it does."""
        ((name, value),) = changes.items()
        if name == "offload" and self.s.offload is not None:
            return
        try:
            own = replace(self.s, **changes)
            asked = question_of(own, resolve(own, self.r), self.question.counts, self.question.deadline_s)
        except InputError:  # nothing known of that format or host
            return
        found = self.best(replace(asked, objective=self.question.objective, batches=round_batches(asked.batches)))
        if found is not None:
            yield would_do(found, f"{name} {value}")

    def _without_margin(self) -> Iterator[str]:
        found = self.best(replace(self.question, margin=0.0)) if self.question.margin else None
        if found is not None:
            yield would_do(found, "a memory margin of 0")

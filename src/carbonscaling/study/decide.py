"""Batch and count of a run: what a scenario leaves open beside its layout is decided first, by the same search."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from carbonscaling.perf.numbers import Setting
from carbonscaling.perf.step import step_time
from carbonscaling.search.divisors import MOST_WHOLE
from carbonscaling.search.engine import Question, search
from carbonscaling.search.objectives import OBJECTIVES, Objective
from carbonscaling.search.result import Candidate, SearchResult
from carbonscaling.search.simple import rank
from carbonscaling.search.space import Space, layouts
from carbonscaling.study.outcome import takes
from carbonscaling.study.resolve import Resolved

if TYPE_CHECKING:
    from carbonscaling.search.count_bounds import Bounds

__all__ = ["FLAT", "Known", "decided", "flat", "layout_batches", "round_batches", "searched"]

EXACT = 4_000_000
"""Layouts, each with every batch that it divides, up to which all are looked at: a second or two without machine code."""
DIGITS = 7
"""Binary digits of the batches that are tried with every device count beyond: neighbours differ by 0.8 to 1.6 %."""
FEWER = 2.0 ** (1 - DIGITS)
"""Share of the devices that another batch may spare, as far as round ones lie apart: every batch is tried down to there."""
NEAR, COUNTS = 2e-3, 8
"""For another aim, results so near to the best, and how many device counts at most have them, at which every batch is tried."""
USED = 0.9
"""Share of the devices that a layout uses at least where every batch is tried: beside it, round batches will do."""


def round_batches(batches: Sequence[int], digits: int = DIGITS) -> tuple[int, ...]:
    """Return the batches that have few binary digits, which many replicas divide; one at least.

    >>> round_batches(range(1000, 1032))
    (1000, 1008, 1016, 1024)
    """
    found = tuple(b for b in batches if b % (1 << max(0, b.bit_length() - digits)) == 0)
    return found or tuple(batches[:1])


def decided(q: Question, space: Space, few: int | None = None) -> Question:
    """Return the question with one batch, and where the count of devices is given with as many as are used.

    Up to `EXACT` layouts every batch is tried with every count. Beyond, every count is tried with batches of few binary
    digits, and those that come near the best of them (or, where a count is given, near it) with all batches. Where nothing
    answers, the batch is the one that comes nearest.

    Parameters
    ----------
    q : Question
    space : Space
    few : int, optional
        As in `search`.
    """
    low, high = q.counts
    given = low == high
    if len(q.batches) == 1 and (q.stated or not given):
        return q
    objective, some = OBJECTIVES[q.objective], round_batches(q.batches)
    counts = (1, high) if given else q.counts

    def ask(near: float = 0.0, **changes: Any) -> SearchResult:
        asked = replace(q, **changes)
        found = search(asked, space, top=1, near=near, prune=True, explain=False, few=few, close=near > 0)
        if found.interrupted:
            raise KeyboardInterrupt
        return found

    every = layouts(space, q.work, q.batches, q.machine.silicon.domain, counts, q.host_devices).n_layouts
    if every <= EXACT:
        tried = [ask(counts=counts).best]
    elif given:
        tried = [ask(counts=counts, batches=some).best, ask(counts=(math.ceil(USED * high), high)).best]
    else:
        tried = _near(ask, ask(NEAR, batches=some), objective)
    first = min(filter(None, tried), key=lambda c: (*objective.key(c), -c.n_devices), default=None)
    if first is None:
        fastest = ask(batches=some, deadline_s=math.inf, limits=(), objective="time", counts=(1, high)).best
        shared = next((b for b in q.batches if given and b % high == 0), some[len(some) // 2])
        return replace(q, batches=(int(fastest.setting.sequences) if fastest else shared,))
    n = first.n_devices
    if every > EXACT:
        first = ask(counts=(n, n), host_devices=1).best or first
    return replace(q, batches=(int(first.setting.sequences),), counts=(n, n) if given else q.counts)


MOST_KNOWN = 1024
"""Searches of a question that are remembered, by device count."""


@dataclass
class Known:
    """What is known of questions of the shortest time that differ in their device counts and tokens alone.

    Settings and step times are the same for all of them; what else a candidate says is of the question that found it.

    Attributes
    ----------
    best : dict
        Most devices to the best setting on as many or fewer; None where nothing fits.
    own : dict
        Device count to the whole search of that count.
    bounds : Bounds, optional
        Of all counts.
    """

    best: dict[int, Candidate | None] = field(default_factory=dict)
    own: dict[int, SearchResult] = field(default_factory=dict)
    bounds: Bounds | None = None

    def below(self, n: int, q: Question) -> tuple[int, Candidate | None]:
        """Return the most devices below `n` up to which the best is known, and that, with its run time in a question."""
        most = max((m for m in self.best if m < n), default=0)
        best = self.best.get(most)
        if best is None:
            return most, None
        floats = Setting(*map(float, best.setting))
        return most, replace(best, duration_s=float(q.run_time(floats, best.step_s)))


def searched(
    q: Question, space: Space, few: int | None = None, known: Known | None = None, **options: Any
) -> tuple[Question, SearchResult]:
    """Return the question as it is decided, and its search with these options (`search`).

    Where the count is given and the batch stated, a search of that count comes first: fewer devices have to match its best
    setting, which bounds mostly rule out.

    Parameters
    ----------
    known : Known, optional
        What is known of the question; it learns.
    """
    high = q.counts[1]
    if not (q.counts[0] == high > 1 and len(q.batches) == 1 and not q.stated and not options.get("quantiles")):
        question = decided(q, space, few)
        return question, search(question, space, few=few, **options)
    if known is None:
        known, most_asked = Known(), high - 1
    else:
        most_asked = MOST_WHOLE
    if best := known.best.get(high):
        question = replace(q, counts=(best.n_devices, best.n_devices))
        return question, _own(question, space, few, known, options)
    found = _own(q, space, few, known, options)
    if found.interrupted:
        return q, found
    most, first = known.below(high, q)
    order = partial(rank, OBJECTIVES[q.objective])
    first = min(filter(None, (first, found.best)), key=order, default=None)
    if most + 1 < high:
        if known.bounds is None:
            from carbonscaling.search.count_bounds import bounds_of  # a run stated whole needs none

            known.bounds = bounds_of(replace(q, counts=(1, most_asked)), space, few)
        counts = known.bounds.may_match(q, first, most + 1, high - 1)
        if counts is not None:
            fewer = replace(q, counts=counts)
            other = search(fewer, space, top=1, near=0.0, prune=True, explain=False, few=few, beat=first)
            if other.interrupted:
                if found.best is None:
                    raise KeyboardInterrupt
                return q, replace(found, interrupted=True)
            first = min(filter(None, (first, other.best)), key=order, default=None)
    known.best[high] = first
    if first is None:
        return q, search(q, space, few=few, **options) if options.get("explain", True) else found
    question = replace(q, counts=(first.n_devices, first.n_devices))
    return question, _own(question, space, few, known, options)


def _own(q: Question, space: Space, few: int | None, known: Known, options: dict[str, Any]) -> SearchResult:
    """Return the whole search of a count, which is made once."""
    n = q.counts[1]
    if n not in known.own:
        if len(known.own) >= MOST_KNOWN:
            del known.own[next(iter(known.own))]
        known.own[n] = search(q, space, few=few, **(options | {"explain": False}))
    return known.own[n]


def _near(ask: Callable[..., SearchResult], found: SearchResult, objective: Objective) -> list[Candidate | None]:
    """Try every batch at the device counts that come near the best of a search; none where it found nothing."""
    if found.best is None or found.close is None:
        return []
    if objective.main > 0:
        return _fewest(ask, found.best.n_devices)
    close = [int(count) for count in np.asarray(found.close.settings.n_devices)]
    return [ask(counts=(count, count)).best for count in list(dict.fromkeys(close))[:COUNTS]]


def _fewest(ask: Callable[..., SearchResult], n: int) -> list[Candidate | None]:
    """Try every batch at up to `FEWER` fewer devices than `n`, and below what that finds again, until it finds nothing."""
    tried: list[Candidate | None] = []
    high = n
    while high >= (low := math.ceil((1.0 - FEWER) * n)):
        tried.append(best := ask(counts=(low, high)).best)
        if best is None:
            break
        n, high = best.n_devices, low - 1
    return tried


FLAT = 0.02
"""How much longer than with its own batch a run may take in the flat region."""


def layout_batches(r: Resolved, setting: Setting) -> NDArray[np.float64]:
    """Return the batches of the range that a layout can have, its own among them; ascending."""
    rounds = setting.dp * setting.micro_batch * (setting.pp if setting.vpp > 1 else 1)
    own = {float(setting.sequences), *(float(b) for b in r.batches.every if b % rounds == 0)}
    return np.array(sorted(own))


def flat(r: Resolved, setting: Setting) -> tuple[int, int]:
    """Return the least and the greatest batch with which a layout takes at most `FLAT` longer than with its own."""
    every = layout_batches(r, setting)
    many = Setting(*(float(v) for v in setting))._replace(n_micro=every / (setting.dp * setting.micro_batch))
    taken = np.asarray(takes(r).duration(many, step_time(r.work, r.machine, many).total))
    near = every[taken <= (1.0 + FLAT) * taken[every == setting.sequences]]
    return int(near.min()), int(near.max())

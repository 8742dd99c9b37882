"""When nothing fits: the sentence that says why, how near it came, and what would help."""

from __future__ import annotations

import math
from dataclasses import replace

from carbonscaling.perf.numbers import Recompute, Setting
from carbonscaling.search.constraints import RULES
from carbonscaling.search.engine import Question, SearchResult, search
from carbonscaling.search.space import Space
from carbonscaling.units import DAY, GB

__all__ = ["REASONS", "explain_failure", "setting_words"]

MORE_DEVICES = 4
"""How far beyond the allowed count a remedy looks."""


def setting_words(s: Setting) -> str:
    """Return a setting as people write it.

    >>> setting_words(Setting(8, 16, 64, 1, 1, 1, 1, 1, 64, 1, 32, 0, 0, 1))
    'TP8 PP16 DP64, ZeRO-1, micro-batch 1'
    """
    degrees = [f"TP{s.tp:g}", f"PP{s.pp:g}", f"DP{s.dp:g}"]
    degrees += [f"{name}{value:g}" for name, value in (("CP", s.cp), ("EP", s.ep), ("ETP", s.etp)) if value > 1]
    rest = [f"ZeRO-{s.zero:g}", f"micro-batch {s.micro_batch:g}"]
    if s.vpp > 1:
        rest.append(f"{s.vpp:g} chunks a stage")
    if s.recompute:
        share = f" of {int(s.recompute_percent)} % of layers" if s.recompute_percent < 100 else ""
        rest.append(f"{Recompute.NAMES[int(s.recompute)]} recomputation{share}")
    return ", ".join((" ".join(degrees), *rest))


REASONS = {rule.name: rule.reason for rule in RULES} | {
    "memory": "it does not fit in memory",
    "deadline": "it fits, and takes longer than the deadline",
    "bound": "it cannot fit or finish in time by its bounds",
}
"""Why a setting is refused, by the name of the reason."""


def _foremost(result: SearchResult) -> str:
    """Name the reason for most refusals; the table of all stands beside it."""
    name, n = result.rejected.most_common(1)[0]
    return f"{n / result.n_candidates:.0%} refused because {REASONS[name]}"


def explain_failure(result: SearchResult, question: Question, space: Space) -> tuple[str, tuple[str, ...]]:
    """Return the sentence and the remedies for a search that found nothing.

    Parameters
    ----------
    result : SearchResult
    question, space : what was searched; remedies search a little further.
    """
    remedies: list[str] = []
    if result.n_candidates == 0:
        low, high = question.counts
        where = f"exactly {low:,}" if low == high else f"at most {high:,}"
        return (
            f"no layout has {where} devices with this batch of {question.batch:,} sequences",
            ("choose a device count that is tp x pp x dp x cp with dp a divisor of the batch", "or change the batch"),
        )
    if result.n_fit == 0:
        reason = f"0 of {result.n_candidates:,} settings fit: {_foremost(result)}"
        if result.nearest_memory is not None:
            miss = result.nearest_memory
            reason += f"; the nearest misses by {miss.excess / GB:.1f} GB ({setting_words(miss.setting)})"
            more = _more_devices(question, space, by_deadline=False)
            if more:
                remedies.append(more)
            remedies.append("a device with more memory, a shorter sequence, or a recipe with fewer bytes (fp8)")
        else:
            remedies.append("loosen the fixed degrees, or change the batch so that it has more divisors")
        return reason, tuple(remedies)
    assert result.fastest is not None
    fastest = result.fastest
    late = fastest.duration_s / DAY
    reason = (
        f"{result.n_fit:,} of {result.n_candidates:,} settings fit, none finishes in {question.deadline_s / DAY:g} days: "
        f"the fastest takes {late:.1f} days on {fastest.n_devices:,} devices ({setting_words(fastest.setting)})"
    )
    more = _more_devices(question, space, by_deadline=True)
    if more:
        remedies.append(more)
    remedies.append(f"allow {math.ceil(late)} days")
    remedies.append("a larger batch lets more devices share a step")
    return reason, tuple(remedies)


def _more_devices(question: Question, space: Space, *, by_deadline: bool) -> str | None:
    """Look at up to `MORE_DEVICES` times as many devices for a setting that works."""
    low, high = question.counts
    wider = replace(question, counts=(high + 1, MORE_DEVICES * high), objective="paper")
    if not by_deadline:
        wider = replace(wider, deadline_s=math.inf)
    wider = replace(wider, host_devices=max(question.host_devices, 1))
    found = search(wider, replace(space, dp=()) if low == high else space, prune=True).best
    if found is None:
        return None
    words = f"{found.n_devices:,} devices would do ({setting_words(found.setting)}"
    return words + (f", {found.duration_s / DAY:.1f} days)" if by_deadline else ")")

"""When nothing fits: the sentence that says why, how near it came, and what would help."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from carbonscaling.perf.numbers import Recompute, Setting
from carbonscaling.search.constraints import RULES
from carbonscaling.search.engine import Candidate, Question, SearchResult, search
from carbonscaling.search.space import Space
from carbonscaling.study.decide import round_batches
from carbonscaling.units import DAY, GB, KWH, TONNE

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


def _batch_words(batches: Sequence[int]) -> str:
    if len(batches) == 1:
        return f"this batch of {batches[0]:,} sequences"
    return f"a batch of {batches[0]:,} to {batches[-1]:,} sequences"


def explain_failure(
    result: SearchResult, question: Question, freed: Question, space: Space
) -> tuple[str, tuple[str, ...]]:
    """Return the sentence and the remedies for a search that found nothing; each remedy was tried.

    Parameters
    ----------
    result : SearchResult
    question, space : what was searched; remedies search a little further.
    freed : Question
        The same with every batch that would do, at equal loss.
    """
    if result.n_candidates == 0:
        low, high = question.counts
        where = f"exactly {low:,}" if low == high else f"at most {high:,}"
        reason = f"no layout has {where} devices with {_batch_words(question.batches)}"
        return reason, (
            *_another_batch(question, freed, space),
            *_more_devices(question, freed, space),
            "loosen the fixed degrees, or allow another device count",
        )
    if result.n_fit == 0:
        reason = f"0 of {result.n_candidates:,} settings fit: {_foremost(result)}"
        remedies = [*_another_batch(question, freed, space), *_more_devices(question, freed, space)]
        if result.nearest_memory is not None:
            miss = result.nearest_memory
            spare = f", {question.margin:.1%} to spare included" if question.margin else ""
            reason += f"; the nearest misses by {miss.excess / GB:.1f} GB{spare} ({setting_words(miss.setting)})"
            remedies += _without_margin(question, space)
            remedies.append("a device with more memory, a shorter sequence, or a recipe with fewer bytes (fp8)")
        else:
            remedies.append("loosen the fixed degrees")
        return reason, tuple(remedies)
    if question.limits:
        beyond = _beyond_budget(question, space)
        if beyond is not None:
            return beyond
    assert result.fastest is not None
    fastest = result.fastest
    late = fastest.duration_s / DAY
    reason = (
        f"{result.n_fit:,} of {result.n_candidates:,} settings fit, none finishes in {question.deadline_s / DAY:g} days: "
        f"the fastest takes {late:.1f} days on {fastest.n_devices:,} devices ({setting_words(fastest.setting)})"
    )
    more = (*_another_batch(question, freed, space), *_more_devices(question, freed, space, by_deadline=True))
    return reason, (*more, f"allow {math.ceil(late)} days")


BUDGETS = {
    "cost_usd": ("cost", 1.0, "USD"),
    "carbon_kg": ("carbon", TONNE, "t CO2e"),
    "energy_j": ("energy", KWH, "kWh"),
}
"""Limits of a question: the objective that spares them, the unit that they are told in."""


def _beyond_budget(question: Question, space: Space) -> tuple[str, tuple[str, ...]] | None:
    """Say which budgets are too small, and what the least run by each takes; None where no run is in time anyway."""
    said, remedies = [], []
    for name, most in question.limits:
        objective, unit, word = BUDGETS[name]
        spare = replace(question, limits=(), objective=objective)
        best = search(spare, space, top=1, near=0.0, prune=True, explain=False).best
        if best is None:
            return None
        least = getattr(best, name)
        if least > most:
            said.append(f"the least takes {least / unit:,.4g} {word} where the budget is {most / unit:,.4g}")
            enough = _rounded_up(least / unit)
            remedies.append(_would_do(best, f"{enough:,.4g} {word}"))
    reason = "nothing stays within the budget: " + ("; ".join(said) or "each can be kept, not all together")
    return reason, (*remedies, "fewer tokens, or another device or region")


def _rounded_up(value: float) -> float:
    """Return a value with three digits that is not below it."""
    step = 10.0 ** (math.floor(math.log10(value)) - 2)
    return math.ceil(value / step) * step


def _another_batch(question: Question, freed: Question, space: Space) -> tuple[str, ...]:
    """Look for a batch other than the one asked for with which the question has an answer."""
    if len(freed.batches) == 1 or len(question.batches) > 1:
        return ()
    found = search(
        replace(freed, batches=round_batches(freed.batches)), space, top=1, near=0.0, prune=True, explain=False
    )
    return (_would_do(found.best, f"a batch of {found.best.setting.sequences:,} sequences"),) if found.best else ()


def _without_margin(question: Question, space: Space) -> tuple[str, ...]:
    """Look for a setting that fits where nothing need be to spare."""
    if not question.margin:
        return ()
    found = search(replace(question, margin=0.0), space, top=1, near=0.0, prune=True, explain=False).best
    return (_would_do(found, "a memory margin of 0"),) if found else ()


def _more_devices(question: Question, freed: Question, space: Space, *, by_deadline: bool = False) -> tuple[str, ...]:
    """Look at up to `MORE_DEVICES` times as many devices for a setting that works."""
    low, high = question.counts
    wider = replace(
        freed, counts=(high + 1, MORE_DEVICES * high), objective="paper", batches=round_batches(freed.batches)
    )
    if not by_deadline:
        wider = replace(wider, deadline_s=math.inf)
    open_space = replace(space, dp=()) if low == high else space
    found = search(wider, open_space, top=1, near=0.0, prune=True, explain=False).best
    return (_would_do(found, f"{found.n_devices:,} devices"),) if found else ()


def _would_do(found: Candidate, what: str) -> str:
    return (
        f"{what} would do ({found.n_devices:,} devices, batch {found.setting.sequences:,}, {setting_words(found.setting)}, "
        f"{found.duration_s / DAY:.1f} days)"
    )

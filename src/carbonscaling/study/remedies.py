"""When nothing fits: the sentence that says why, how near it came, and what would help."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from carbonscaling.perf.numbers import Setting
from carbonscaling.search.constraints import RULES
from carbonscaling.search.engine import Candidate, Question, SearchResult, search
from carbonscaling.search.space import Space
from carbonscaling.study.decide import decided, round_batches
from carbonscaling.study.offers import Refused, would_do
from carbonscaling.study.shown import setting_words
from carbonscaling.units import DAY, GB, KWH, TONNE
from carbonscaling.words import counted, energy, mass, money

__all__ = ["REASONS", "explain_failure"]

REASONS = {rule.name: rule.reason for rule in RULES} | {
    "memory": "it does not fit in memory",
    "deadline": "it fits, and takes longer than the deadline, or more than a budget",
    "bound": "it cannot fit or finish in time by its bounds",
}
"""Why a setting is refused, by the name of the reason."""


def _deciding(result: SearchResult, question: Question, space: Space) -> str:
    """Say what decides: memory where anything reaches it, else the rule that most of the plainest settings break.

    Nobody asked for the chunks, schedules and shares that a search tries beside: the rules about them decide nothing.
    """
    if result.nearest_memory is not None:
        allowed = result.n_candidates - sum(n for name, n in result.rejected.items() if name in RULE_NAMES)
        return f"none of the {allowed:,} that the rules allow fits in memory"
    first = {name: getattr(space, name)[:1] for name in ("schedule", "shard") if getattr(space, name)}
    plain = replace(space, **first, vpp=space.vpp or (1,), recompute_percent=space.recompute_percent[-1:])
    counted = search(question, plain, top=1, near=0.0)
    counted = counted if counted.rejected else result
    name, n = counted.rejected.most_common(1)[0]
    return f"{n / counted.n_candidates:.0%} refused because {REASONS[name]}"


RULE_NAMES = frozenset(rule.name for rule in RULES)


def _undivided(no: Refused) -> str:
    """Say that the stated degrees do not divide the devices, where that is so."""
    low, high = no.question.counts
    given = {name.upper(): degree for name in ("tp", "pp", "cp", "dp") if (degree := getattr(no.s.layout, name))}
    if low != high or not given or low % math.prod(given.values()) == 0:
        return ""
    said = " x ".join(f"{name} {degree}" for name, degree in given.items())
    return f"{low:,} devices are no multiple of {said}"


def _batch_words(batches: Sequence[int]) -> str:
    if len(batches) == 1:
        return f"this batch of {counted(batches[0], 'sequence')}"
    return f"a batch of {batches[0]:,} to {batches[-1]:,} sequences"


def explain_failure(result: SearchResult, no: Refused) -> tuple[str, tuple[str, ...], Setting | None]:
    """Return the sentence, the remedies, each of which was tried, and the nearest setting, for a search without answer.

    Parameters
    ----------
    result : SearchResult
    no : Refused
        What was asked.
    """
    question, space = no.question, no.space
    if result.n_candidates == 0:
        low, high = question.counts
        where = f"exactly {low:,}" if low == high else f"at most {high:,}"
        reason = _undivided(no) or f"no layout has {where} devices with {_batch_words(question.batches)}"
        return reason, _tried(no), None
    if result.n_fit == 0:
        reason = f"0 of {counted(result.n_candidates, 'setting')} fit: {_deciding(result, question, space)}"
        if result.nearest_memory is None:
            return reason, _tried(no), None
        miss = result.nearest_memory
        spare = f", {question.margin:.1%} to spare included" if question.margin else ""
        reason += f"; the nearest misses by {miss.excess / GB:.1f} GB{spare} ({setting_words(miss.setting)})"
        return reason, (*no.for_memory(), "a device with more memory, or a shorter sequence"), miss.setting
    if question.limits:
        beyond = _beyond_budget(no)
        if beyond is not None:
            return beyond
    assert result.fastest is not None
    fastest = result.fastest
    late, allowed = fastest.duration_s / DAY, question.deadline_s / DAY
    n = fastest.n_devices
    reason = (
        f"{result.n_fit:,} of {counted(result.n_candidates, 'setting')} fit, "
        f"none finishes in {allowed:g} day{'s' * (allowed != 1)}: "
        f"the fastest takes {late:.1f} days on {n:,} device{'s' * (n != 1)} ({setting_words(fastest.setting)})"
    )
    more = (*no.another_batch(), *no.more_devices(), *no.in_eight_bits())
    return reason, (*more, _longer(no, fastest)), fastest.setting


def _tried(no: Refused) -> tuple[str, ...]:
    """Return what a question does with whose degrees the rules refuse; where nothing tried does, what is left to try."""
    does = (*no.another_batch(), *no.other_layouts(), *no.more_devices(and_days=True))
    return does or ("loosen the fixed degrees, or allow another device count",)


def _longer(no: Refused, fastest: Candidate) -> str:
    """Say how many days would do: within the budgets where that can be, else with what the fastest run takes of them."""
    q, words = no.asked, ""
    if q.limits:
        whole = replace(q, deadline_s=math.inf, objective="time", batches=round_batches(q.batches))
        within = no.best(whole)
        if within is None:
            beyond = [(name, getattr(fastest, name)) for name, most in q.limits if getattr(fastest, name) > most]
            told = [BUDGETS[name][2](_rounded_up(value / _unit(no, name))) for name, value in beyond]
            words = "".join(f" and {what}" for what in told)
        else:
            fastest = within
    return f"allow {math.ceil(fastest.duration_s / DAY)} days{words}"


BUDGETS = {"cost_usd": ("cost", 1.0, money), "carbon_kg": ("carbon", TONNE, mass), "energy_j": ("energy", KWH, energy)}
"""Limits of a question: the objective that spares them, the unit that they are given in, how they are told."""


def _unit(no: Refused, name: str) -> float:
    """Return what an outcome's field is divided by to be told of the run and the lines beside it."""
    return BUDGETS[name][1] / (1.0 if name == "carbon_kg" else no.s.boundary.times)


def _beyond_budget(no: Refused) -> tuple[str, tuple[str, ...], Setting | None] | None:
    """Say which budgets are too small, and what the least run by each takes; None where no run is in time anyway."""
    said, remedies, nearest = [], [], None
    for name, most in no.question.limits:
        objective, _, words = BUDGETS[name]
        unit = _unit(no, name)
        asked = replace(no.asked, limits=(), objective=objective)
        best = no.best(decided(asked, no.space))
        if best is None:
            return None
        least = getattr(best, name)
        if least > most:
            said.append(f"the least takes {words(least / unit)} where the budget is {words(most / unit)}")
            remedies.append(would_do(best, words(_rounded_up(least / unit))))
            nearest = nearest or best.setting
    reason = "nothing stays within the budget: " + ("; ".join(said) or "each can be kept, not all together")
    return reason, (*remedies, "fewer tokens, or another device or region"), nearest


def _rounded_up(value: float) -> float:
    """Return a value with three digits that is not below it."""
    step = 10.0 ** (math.floor(math.log10(value)) - 2)
    return math.ceil(value / step) * step

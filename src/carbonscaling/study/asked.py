"""What a scenario asks of the search: counts, deadline, budgets, and the options it leaves open."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date
from typing import Any, Literal

from carbonscaling.catalog import factors
from carbonscaling.errors import InputError
from carbonscaling.perf.numbers import Recompute, Schedule, Setting
from carbonscaling.search.engine import Question
from carbonscaling.search.space import FULL_SPACE, Space
from carbonscaling.study.batches import batches
from carbonscaling.study.outcome import takes
from carbonscaling.study.resolve import Resolved, resolve
from carbonscaling.study.scenario import Layout, Scenario
from carbonscaling.units import DAY, KWH, TONNE
from carbonscaling.words import counted

__all__ = ["PLAN_DAYS", "asked", "counts_of", "found_with", "freed", "is_open", "margin_of", "question_of", "space_of"]

PLAN_DAYS = 90.0
"""Deadline of a plan that names none: three months (both papers' T)."""


def space_of(s: Scenario, r: Resolved) -> Space:
    """Return the options a scenario leaves open: its stack's own pipeline schedule is one, ZeRO stage 2 if it has that."""
    given = s.layout
    fixed: dict[str, Any] = {
        name: (getattr(given, name),)
        for name in ("tp", "pp", "dp", "cp", "ep", "etp", "vpp", "zero", "shard", "micro_batch", "recompute_percent")
        if getattr(given, name) is not None
    }
    if given.recompute is not None:
        partial = given.recompute == "partial"
        fixed["recompute"] = (Recompute.FULL if partial else Recompute.NAMES.index(given.recompute),)
        if given.recompute in ("full", "partial"):
            fixed.setdefault("recompute_percent", FULL_SPACE.recompute_percent[:-1] if partial else (100,))
    space = FULL_SPACE if s.space == "full" else Space(strict=s.space == "paper")
    fixed["schedule"] = _schedules(s, r, space)
    if given.sequence_parallel is not None:
        fixed["sequence_parallel"] = given.sequence_parallel
    if s.space == "default" and given.recompute is None and not r.stack.whole_blocks.value:
        space = replace(space, recompute_percent=FULL_SPACE.recompute_percent, selective_shares=False)
    if s.space == "default" and not r.stack.zero2.value:
        space = replace(space, zero=tuple(stage for stage in space.zero if stage != 2))
    return replace(space, **fixed)


def _schedules(s: Scenario, r: Resolved, space: Space) -> tuple[int, ...]:
    """Return the pipeline schedules of a space: what is stated, or its own and the stack's.

    1F1B may hide experts' traffic where that is asked for; where nothing is said as the stack can, or in the full space.
    """
    stated, hides = s.layout.schedule, s.software.expert_overlap
    if stated is None and hides is None:
        hides = r.stack.expert_overlap.value > 0 if s.space == "default" else s.space == "full"
    own = (Schedule.NAMES.index(r.stack.schedule.value),) if s.space == "default" else ()
    found = dict.fromkeys((*space.schedule, *own) if stated is None else (Schedule.NAMES.index(stated),))
    if hides and s.software.dispatcher != "allgather" and r.work.n_experts > 0 and Schedule.ONE_F_ONE_B in found:
        found[Schedule.COMBINED] = None
    return tuple(found)


def counts_of(layout: Layout, n_devices: int) -> tuple[int, int]:
    """Return fewest and most devices of a given number that a layout may use: a stated one its own, the others idle.

    Raises
    ------
    InputError
        Its degrees take more than there are.
    """
    given = {name: getattr(layout, name) for name in ("tp", "pp", "cp", "dp") if getattr(layout, name)}
    known = math.prod(given.values())
    if known > n_devices:
        raise InputError(
            f"contradictory parallelism: {' x '.join(f'{name} {v}' for name, v in given.items())} = {known} is more than "
            f"{n_devices} devices",
            key="layout",
            allowed="tp x pp x dp x cp of at most the device count",
            remedy="change a degree or the device count, or leave a degree out",
        )
    return (known, known) if len(given) == 4 else (n_devices, n_devices)


def is_open(s: Scenario) -> bool:
    """Whether budgets are to say what is trained: they are given, and model or tokens are not."""
    given = any(v is not None for v in (s.budget_usd, s.budget_carbon, s.budget_energy))
    target = s.target_loss is not None or s.compute is not None or s.d_model is not None
    return given and not target and s.tokens is None


def limits_of(s: Scenario, r: Resolved) -> tuple[tuple[str, float], ...]:
    """Return the most money (USD), carbon (kg) and energy (J) that a scenario allows, by field of an outcome.

    Budgets are of the run and the lines beside it; an outcome's carbon is of both, its money and energy of the run alone.

    Raises
    ------
    InputError
        No price is known, or carbon intensity varies by the hour: then a longer run may emit less.
    """
    if s.budget_usd is not None and r.price is None:
        raise InputError(
            f"no price is known for {r.cluster.device.name}", key="price_usd_per_device_hour",
            remedy="give --price-usd-per-device-hour, or leave out the budget of money",
        )  # fmt: skip
    if s.budget_carbon is not None and s.hourly is not None:
        raise InputError(
            "a budget of carbon needs one carbon intensity", key="budget_carbon", value=s.budget_carbon,
            remedy="leave out --hourly, or the budget",
        )  # fmt: skip
    budgets = (
        ("cost_usd", s.budget_usd, 1.0 / s.boundary.times),
        ("carbon_kg", s.budget_carbon, TONNE),
        ("energy_j", s.budget_energy, KWH / s.boundary.times),
    )
    return tuple((name, most * unit) for name, most, unit in budgets if most is not None)


def margin_of(s: Scenario) -> float:
    """Return the share by which the memory of a layout that is searched may be exceeded and still fit."""
    if s.memory_margin is not None:
        return s.memory_margin
    return 0.0 if "paper" in (s.space, s.carbon_mode) else factors.factor("memory.margin.default").si


def question_of(s: Scenario, r: Resolved, counts: tuple[int, int], deadline_s: float) -> Question:
    """Return what the search is asked."""
    outcome, given = takes(r), s.layout
    return Question(
        work=r.work,
        machine=r.machine,
        batches=r.batches.every,
        outcome=outcome,
        objective="time" if s.objective == "paper" and counts[0] == counts[1] else s.objective,
        counts=counts,
        deadline_s=deadline_s,
        limits=limits_of(s, r),
        margin=margin_of(s),
        stated=None not in (given.tp, given.pp, given.dp, given.cp),
        host_devices=r.cluster.host.devices_per_host if counts[0] != counts[1] else 1,
        duration=outcome.duration,
        least=outcome.least,
    )


def found_with(r: Resolved, s: Scenario, setting: Setting) -> tuple[Question, Space]:
    """Return the question and the space whose answer a setting is, at its batch."""
    used = int(setting.n_devices)
    counts = (used, used) if s.devices else (1, s.max_devices)
    question = question_of(s, r, counts, s.max_days * DAY if s.max_days else math.inf)
    return replace(question, batches=(int(r.batch),)), space_of(s, r)


def freed(s: Scenario, r: Resolved, question: Question) -> Question:
    """Return a question with every batch that would do, where one is given: on its tokens, as each has when it is stated."""
    if s.batch is None or s.layout.dp is not None or s.space == "paper" or s.carbon_mode == "paper":
        return question
    any_batch = batches(replace(s, batch=None), r.spec, r.asked_tokens, r.seq_len)
    loose = replace(r, batches=replace(any_batch, reference=r.batch, by_loss=False))
    return replace(question_of(s, loose, question.counts, question.deadline_s), objective=question.objective)


def _days(s: Scenario) -> float:
    """Return the days until the date that a run must end by; three months without one."""
    if s.finish_by is None:
        return PLAN_DAYS
    start = date.fromisoformat(s.start_date) if s.start_date else date.today()
    days = (date.fromisoformat(s.finish_by) - start).days
    if days < 1:
        raise InputError("the date has passed", key="finish_by", value=s.finish_by, remedy="give a later one")
    return float(days)


def asked(
    scenario: Scenario, kind: Literal["plan", "estimate"], like: Resolved | None = None
) -> tuple[Scenario, Resolved, tuple[int, int], float]:
    """Return what is searched for: the completed scenario, looked up, fewest and most devices, longest run time in s.

    `like` as in `resolve`.

    Raises
    ------
    InputError
        As `plan` and `estimate`.
    """
    s = scenario
    if is_open(s):
        raise InputError(
            "a budget that chooses what to train is answered by a plan", key="tokens",
            remedy="ask carbonscaling plan, or give a model and its tokens",
        )  # fmt: skip
    if s.devices is not None and s.devices > s.max_devices != Scenario.max_devices:
        raise InputError(
            "more devices than at most", key="max_devices", value=s.max_devices,
            allowed=f"the {s.devices:,} devices that are stated, or more", remedy="leave one of the two out",
        )  # fmt: skip
    if kind == "plan":
        s = s if s.max_days is not None else replace(s, max_days=_days(s), finish_by=None, start_date=None)
        r = resolve(s, like)
        counts = counts_of(s.layout, s.devices) if s.devices else (1, s.max_devices)
        return s, r, counts, (s.max_days or PLAN_DAYS) * DAY
    if s.devices is None:
        if not s.is_counted:
            raise InputError(
                "an estimate needs a device count",
                key="devices",
                remedy="give --devices, or tp, pp and dp; or ask for a plan instead",
            )
        s = replace(s, devices=math.prod(getattr(s.layout, name) or 1 for name in ("tp", "pp", "dp", "cp")))
    s = replace(s, max_days=_days(s), finish_by=None, start_date=None) if s.finish_by else s
    r = resolve(s, like)
    counts = counts_of(s.layout, s.devices or 1)
    if s.objective == "paper":
        s = replace(s, objective="time")
    if s.layout.dp is not None and not any(b % s.layout.dp == 0 for b in r.batches.every):
        raise InputError(
            f"a batch of {counted(r.batch, 'sequence')} does not split over {s.layout.dp} data-parallel replicas",
            key="batch",
            value=r.batch,
            allowed=f"a multiple of {s.layout.dp}",
            remedy="change batch or dp",
        )
    return s, r, counts, s.max_days * DAY if s.max_days else math.inf

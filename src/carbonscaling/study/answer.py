"""Answer a scenario: resolve it, search what it leaves open, and say what the result takes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal

from carbonscaling.carbon.assess import assess
from carbonscaling.carbon.contracts import contract_cost
from carbonscaling.carbon.footprint import footprint
from carbonscaling.catalog import laws
from carbonscaling.catalog.references import references
from carbonscaling.errors import InputError
from carbonscaling.evidence.best_run import best_run
from carbonscaling.formula import TraceLine, tracing
from carbonscaling.model.params import active_params
from carbonscaling.perf.goodput import run_time
from carbonscaling.perf.memory import memory
from carbonscaling.perf.numbers import Recompute, Schedule, Setting
from carbonscaling.perf.step import step_time
from carbonscaling.search.engine import Progress, Question, search
from carbonscaling.search.objectives import OBJECTIVES
from carbonscaling.search.space import FULL_SPACE, Space
from carbonscaling.sources import Datum
from carbonscaling.study.doubts import too_good, unmeasured
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.found import SearchReport, search_report
from carbonscaling.study.hours import hours_met
from carbonscaling.study.infeasible import Infeasible
from carbonscaling.study.outcome import contracted, held_devices, takes, utilisation
from carbonscaling.study.practice import settle
from carbonscaling.study.remedies import explain_failure
from carbonscaling.study.resolve import Resolved, carbon_of, resolve
from carbonscaling.study.scenario import Layout, Scenario
from carbonscaling.units import DAY, GB

__all__ = ["answered", "asked", "asked_again", "estimate", "explain", "plan", "question_of", "sources_used", "space_of"]

PLAN_DAYS = 90.0
"""Deadline of a plan that names none: three months (both papers' T)."""


def space_of(s: Scenario) -> Space:
    """Return the options a scenario leaves open."""
    given = s.layout
    fixed: dict[str, Any] = {
        name: (getattr(given, name),)
        for name in ("tp", "pp", "dp", "cp", "ep", "etp", "vpp", "zero", "shard", "micro_batch", "recompute_percent")
        if getattr(given, name) is not None
    }
    if given.recompute is not None:
        fixed["recompute"] = (Recompute.NAMES.index(given.recompute),)
    if given.schedule is not None:
        fixed["schedule"] = (Schedule.NAMES.index(given.schedule),)
    if given.sequence_parallel is not None:
        fixed["sequence_parallel"] = given.sequence_parallel
    space = FULL_SPACE if s.space == "full" else Space(strict=s.space == "paper")
    return replace(space, **fixed) if fixed else space


def _completed(s: Scenario) -> Scenario:
    layout = _complete(s.layout, s.devices)
    return s if layout is s.layout else replace(s, layout=layout)


def _complete(layout: Layout, n_devices: int | None) -> Layout:
    """Fill in the one degree that the others and the device count imply; refuse a contradiction."""
    degrees = {name: getattr(layout, name) for name in ("tp", "pp", "cp", "dp")}
    if n_devices is None:
        return layout
    known = math.prod(v for v in degrees.values() if v)
    missing = [name for name, v in degrees.items() if not v]
    product = " x ".join(f"{name} {v}" for name, v in degrees.items() if v)
    if (not missing and known != n_devices) or n_devices % known:
        raise InputError(
            f"contradictory parallelism: {product} = {known} does not {'equal' if not missing else 'divide'} "
            f"{n_devices} devices",
            key="layout",
            allowed="tp x pp x dp x cp = devices",
            remedy="change a degree or the device count, or leave a degree out",
        )
    if len(missing) == 1:
        return replace(layout, **{missing[0]: n_devices // known})
    return layout


def _measure(s: Scenario, r: Resolved, setting: Setting, report: SearchReport | None) -> Estimate:
    """Evaluate one setting in full."""
    floats = Setting(*(float(v) for v in setting))
    step = step_time(r.work, r.machine, floats)
    need = memory(r.work, r.machine, floats)
    steady = float(r.n_steps * step.total)
    taken = takes(r)(floats, step.total)
    duration = float(taken.duration_s)
    n = int(held_devices(s, setting))
    mfu = float(utilisation(r, step.total, n))
    if s.hourly is not None:
        carbon, notes = carbon_of(s, r.cluster, duration_s=duration), (*r.notes, *hours_met(s, duration))
        r = replace(r, carbon=carbon, notes=notes)
    if s.contracts.kind != "none":
        carbon = contracted(s, r.carbon, n, duration, mfu)
        energy_j = float(footprint(carbon.numbers, n, duration, mfu).energy_j)
        usd = contract_cost(s.contracts, energy_j, duration)
        r = replace(
            r, carbon=carbon, notes=(*r.notes, f"{carbon.market.basis}; it costs {usd:,.0f} USD, not in the cost")
        )
    print_ = assess(r.carbon, n, duration, mfu, boundary=s.boundary, time=r.time())
    low_bits = bool(r.machine.formats.peak > 1.5 * r.machine.formats.peak_attention)
    best = best_run(
        r.cluster.device.id, float(active_params(r.spec)), low_bits=low_bits, experts=r.spec.n_moe_layers > 0
    )
    warnings = too_good(r, mfu, best) if s.carbon_mode == "physical" else []
    features = unmeasured(setting)
    if s.offload == "optimizer":
        features += ("optimizer states in the host's memory",)
    if features:
        warnings.append(f"no measured run covers: {', '.join(features)}")
    if report is not None and report.interrupted:
        warnings.append("interrupted: the best setting found so far, not the best there is")
    return Estimate(
        scenario=s,
        resolved=r,
        setting=setting,
        step=type(step)(*(float(v) for v in step)),
        memory=type(need)(*(float(v) for v in need)),
        steady_s=steady,
        duration_s=duration,
        footprint=print_,
        cost_usd=float(taken.cost_usd) if r.price else None,
        search=report,
        best_run=best,
        warnings=tuple(warnings),
    )


def question_of(s: Scenario, r: Resolved, counts: tuple[int, int], deadline_s: float) -> Question:
    """Return what the search is asked."""
    outcome = takes(r)
    return Question(
        work=r.work,
        machine=r.machine,
        batch=int(r.batch),
        outcome=outcome,
        objective=s.objective,
        counts=counts,
        deadline_s=deadline_s,
        host_devices=r.cluster.host.devices_per_host if counts[0] != counts[1] else 1,
        duration=outcome.duration,
        least=outcome.least,
    )


def asked_again(answer: Estimate) -> tuple[Question, Space]:
    """Return the question and the space that an answer was found with."""
    s = answer.scenario
    counts = (s.devices, s.devices) if s.devices else (1, s.max_devices)
    return question_of(s, answer.resolved, counts, s.max_days * DAY if s.max_days else math.inf), space_of(s)


def _solve(
    s: Scenario, r: Resolved, counts: tuple[int, int], deadline_s: float, progress: Progress | None
) -> Estimate | Infeasible:
    if s.objective == "cost" and r.price is None:
        raise InputError(
            f"no price is known for {r.cluster.device.name}",
            key="price_usd_per_device_hour",
            remedy="give --price-usd-per-device-hour, or choose another objective",
        )
    space, question = space_of(s), question_of(s, r, counts, deadline_s)
    front = counts[0] != counts[1]
    result = search(question, space, prune=True, front=front, quantiles=s.quantiles, progress=progress)
    report = search_report(result, s.objective)
    if result.best is None:
        reason, remedies = explain_failure(result, question, space)
        near = result.nearest_memory.setting if result.nearest_memory else result.fastest and result.fastest.setting
        would = _measure(s, r, near, report) if near else None
        return Infeasible(s, r, reason, report, remedies, would)
    return _measure(s, r, result.best.setting, report)


def _best_recipe(
    answer: Callable[..., Estimate | Infeasible], scenario: Scenario, progress: Progress | None
) -> Estimate | Infeasible:
    """Answer with each of several precision recipes and return the best answer, saying what it was chosen over."""
    names = [name.strip() for name in (scenario.precision or "").split(",") if name.strip()]
    answers = {name: answer(replace(scenario, precision=name), progress=progress) for name in names}
    feasible = {name: a for name, a in answers.items() if isinstance(a, Estimate) and a.search is not None}
    if not feasible:
        return next(iter(answers.values()))

    def key(name: str) -> tuple[float, ...]:
        report = feasible[name].search
        assert report is not None
        return OBJECTIVES[report.objective].key(report.top[0])

    best = min(feasible, key=key)
    note = f"precision {best}: the best of {', '.join(names)} by objective '{feasible[best].scenario.objective}'"
    resolved = replace(feasible[best].resolved, notes=(*feasible[best].resolved.notes, note))
    return replace(feasible[best], resolved=resolved)


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
    if kind == "plan":
        s = s if s.max_days is not None else replace(s, max_days=PLAN_DAYS)
        r = resolve(s, like)
        s = _completed(s)
        return s, r, (s.devices, s.devices) if s.devices else (1, s.max_devices), (s.max_days or PLAN_DAYS) * DAY
    if s.devices is None:
        if not s.is_counted:
            raise InputError(
                "an estimate needs a device count",
                key="devices",
                remedy="give --devices, or tp, pp and dp; or ask for a plan instead",
            )
        s = replace(s, devices=math.prod(getattr(s.layout, name) or 1 for name in ("tp", "pp", "dp", "cp")))
    n = s.devices or 1
    r = resolve(s, like)
    s = _completed(s)
    if s.objective == "paper":
        s = replace(s, objective="time")
    if s.layout.dp is not None and r.batch % s.layout.dp:
        raise InputError(
            f"a batch of {r.batch} sequences does not split over {s.layout.dp} data-parallel replicas",
            key="batch",
            value=r.batch,
            allowed=f"a multiple of {s.layout.dp}",
            remedy="change batch or dp",
        )
    return s, r, (n, n), s.max_days * DAY if s.max_days else math.inf


def plan(scenario: Scenario, *, progress: Progress | None = None) -> Estimate | Infeasible:
    """Find the best setting and device count that finish within the deadline.

    Parameters
    ----------
    scenario : Scenario
        `max_days` defaults to three months; `devices`, where given, fixes the count.
    progress : callable, optional
        Told after every block of settings.

    Raises
    ------
    InputError
        The scenario names something unknown or contradicts itself.
    """
    if "," in (scenario.precision or ""):
        return _best_recipe(plan, scenario, progress)
    return _solve(*asked(scenario, "plan"), progress)


def _practised(s: Scenario) -> Estimate | Infeasible:
    """Answer a scenario whose open choices are settled as people settle them."""
    r = resolve(s)
    found = settle(r.setup)
    r = replace(r, batch=found.batch, notes=(*r.notes, *found.notes))
    answer = _measure(s, r, Setting(*(int(v) if float(v).is_integer() else v for v in found.setting)), None)
    if answer.memory.total <= answer.memory.limit:
        return answer
    excess = float(answer.memory.total - answer.memory.limit) / GB
    reason = f"the layout needs {excess:.1f} GB more than a device has"
    return Infeasible(s, r, reason, None, ("practice = best searches a layout that fits",), answer)


def estimate(scenario: Scenario, *, progress: Progress | None = None) -> Estimate | Infeasible:
    """Say what a given number of devices takes, with the setting given or the best one searched.

    Raises
    ------
    InputError
        No device count, or as `plan`.
    """
    if "," in (scenario.precision or ""):
        return _best_recipe(estimate, scenario, progress)
    if scenario.practice == "typical":
        return _practised(scenario)
    return _solve(*asked(scenario, "estimate"), progress)


def answered(scenario: Scenario) -> Estimate | Infeasible:
    """Estimate where the scenario says how many devices there are, plan where it does not."""
    return estimate(scenario) if scenario.is_counted else plan(scenario)


def explain(scenario: Scenario) -> tuple[Estimate | Infeasible, list[TraceLine]]:
    """Answer a scenario and write down every formula evaluated for the chosen setting, with its numbers."""
    answer = answered(scenario)
    if isinstance(answer, Infeasible):
        return answer, []
    r = answer.resolved
    floats = Setting(*(float(v) for v in answer.setting))
    with tracing() as lines:
        step = step_time(r.work, r.machine, floats)
        memory(r.work, r.machine, floats)
        run_time(r.n_steps, step.total, r.run_overhead.si)
        footprint(r.carbon.numbers, answer.n_devices, answer.duration_s, answer.mfu)
    return answer, lines


def sources_used(answer: Estimate) -> tuple[str, ...]:
    """Return the reference keys of every formula and number behind an answer, sorted."""
    r = answer.resolved
    floats = Setting(*(float(v) for v in answer.setting))
    with tracing() as lines:
        step_time(r.work, r.machine, floats)
        memory(r.work, r.machine, floats)
    keys = {line.formula.source for line in lines} | set(answer.footprint.sources)
    for record in (r.cluster.device, r.cluster.host, r.efficiency):
        for value in vars(record).values():
            rows = value.values() if isinstance(value, Mapping) else (value,)
            keys |= {row.source for row in rows if isinstance(row, Datum)}
    keys |= {r.run_overhead.source, r.recipe.source, r.spec.source}
    if r.price:
        keys.add(r.price.source)
    if answer.scenario.law:
        keys |= {datum.source for datum in laws.law_row(answer.scenario.law).coefficients.values()}
    return tuple(sorted(keys & set(references())))

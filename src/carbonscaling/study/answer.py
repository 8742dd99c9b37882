"""Answer a scenario: resolve it, search what it leaves open, and say what the result takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from carbonscaling.arrays import plain
from carbonscaling.carbon.assess import assess, idling
from carbonscaling.carbon.contracts import contract_cost
from carbonscaling.carbon.footprint import footprint
from carbonscaling.catalog import laws
from carbonscaling.catalog.references import references
from carbonscaling.errors import InputError
from carbonscaling.formula import TraceLine, tracing
from carbonscaling.hardware.cluster import Cluster
from carbonscaling.model.params import active_params
from carbonscaling.perf.build import formats
from carbonscaling.perf.goodput import run_time
from carbonscaling.perf.memory import memory
from carbonscaling.perf.numbers import Setting
from carbonscaling.perf.stacked import wide_share
from carbonscaling.perf.step import StepTime, step_time
from carbonscaling.record import stated
from carbonscaling.scalar import at
from carbonscaling.search.engine import Progress, Question
from carbonscaling.search.space import Space
from carbonscaling.sources import Datum
from carbonscaling.study.asked import asked, found_with, freed, is_open, margin_of, question_of, space_of
from carbonscaling.study.budget import Affordable, affordable, front_words
from carbonscaling.study.decide import FLAT, flat, searched
from carbonscaling.study.doubts import best_alike, idle_options, in_sight, kept_back, too_good, too_large, unmeasured
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.found import SearchReport, search_report
from carbonscaling.study.hours import contract_of, hours_met, hours_of
from carbonscaling.study.infeasible import Infeasible
from carbonscaling.study.offers import Refused
from carbonscaling.study.outcome import contract_uses, contracted, held_devices, hire, idle_share, takes, utilisation
from carbonscaling.study.practice import settle
from carbonscaling.study.remedies import explain_failure
from carbonscaling.study.resolve import Resolved, carbon_of, resolve
from carbonscaling.study.scenario import Scenario
from carbonscaling.study.several import best_of, several
from carbonscaling.study.steps import step_of
from carbonscaling.study.trained import training_sources
from carbonscaling.units import GB, HOUR
from carbonscaling.words import count, counted, money

__all__ = ["answered", "asked_again", "estimate", "explain", "host_note", "plan", "sources_used"]


def host_note(s: Scenario, cluster: Cluster, n_devices: int) -> str | None:
    """Return what is counted of a host of which a run takes a part; None where it takes whole ones, or shares them."""
    each = cluster.host.devices_per_host
    rest = n_devices % each
    if not rest or s.shared_hosts or s.carbon_mode == "paper":
        return None
    return (
        f"{rest} of a host's {each} devices are in use: energy and embodied carbon count the whole host, money the devices in "
        "use (--shared-hosts counts that part of all)"
    )


def _measure(
    s: Scenario, r: Resolved, setting: Setting, report: SearchReport | None, step: StepTime | None = None
) -> Estimate:
    """Evaluate one setting in full; `step` is its own, where it is known."""
    floats = plain(setting)
    r = replace(r, batch=float(r.batch_of(floats)))
    step, need = step or step_of(r.work, r.machine, floats), at(memory, r.work, r.machine, floats)
    steady = float(r.n_steps * step.total)
    duration = float(takes(r).duration(floats, step.total))
    n = int(held_devices(s, setting))
    mfu, working = (float(utilisation(r, step.total, devices)) for devices in (n, setting.n_devices))
    if s.hourly is not None:
        carbon, notes = carbon_of(s, r.cluster, duration_s=duration), (*r.notes, *hours_met(s, duration))
        r = replace(r, carbon=carbon, notes=notes)
    if part := host_note(s, r.cluster, n):
        r = replace(r, notes=(*r.notes, part))
    if idle := idle_share(s, setting):
        r = replace(r, carbon=idling(r.carbon, idle))
    if s.contracts.kind != "none":
        usd = contract_cost(contract_of(s), *contract_uses(s, r.carbon, n, duration, working))
        carbon = contracted(s, r.carbon, n, duration, working)
        costs = "its price is not stated" if usd is None else f"it costs {money(usd)}, not in the cost"
        r = replace(r, carbon=carbon, notes=(*r.notes, f"{carbon.market.basis}; {costs}"))
    print_ = assess(r.carbon, n, duration, working, boundary=s.boundary, time=r.time())
    best = best_alike(r, float(active_params(r.spec)))
    if r.batches.is_open:
        low, high = flat(r, setting)
        extra = r.tokens / r.asked_tokens - 1.0
        said = [
            f"batch of {counted(round(r.batch), 'sequence')}: "
            f"with this layout {low:,} to {high:,} take at most {FLAT:.0%} longer"
        ]
        if r.batches.by_loss:
            said.append(
                f"{count(r.tokens)} tokens ({extra:+.1%}): what this batch needs for the loss of {count(r.asked_tokens)} at "
                f"{counted(round(r.batches.reference), 'sequence')}"
            )
        r = replace(r, notes=(*r.notes, *said))
    warnings = [*too_good(r, mfu, best), *too_large(r)] if s.carbon_mode == "physical" else []
    warnings += [*idle_options(r), *in_sight(r, setting)]
    features = unmeasured(setting, r.seq_len)
    if s.offload == "optimizer":
        features += ("optimizer states in the host's memory",)
    if n > setting.n_devices:
        idle = n - int(setting.n_devices)
        warnings.append(f"{idle:,} of {n:,} devices idle ({idle / n:.1%}): no layout that uses more of them is quicker")
    margin = margin_of(s)
    if float(need.limit) < float(need.total) * (1.0 + margin) <= float(need.limit) * (1.0 + margin):
        warnings.append(
            f"memory fits by {float(need.limit / need.total) - 1.0:.1%}, and estimates of memory err by {margin:.1%} "
            "(memory_margin)"
        )
    if features:
        warnings.append(f"no measured run: {', '.join(features)}")
    if report is not None and report.interrupted:
        warnings.append("interrupted: the best setting found so far, not the best there is")
    return Estimate(
        scenario=s,
        resolved=r,
        setting=setting,
        step=plain(step),
        memory=plain(need),
        steady_s=steady,
        duration_s=duration,
        footprint=print_,
        cost_usd=float(hire(r.price.si, n, duration)) if r.price else None,
        search=report,
        best_run=best,
        warnings=tuple(warnings),
    )


def asked_again(answer: Estimate) -> tuple[Question, Space]:
    """Return the question and the space that an answer was found with."""
    return found_with(answer.resolved, answer.scenario, answer.setting)


def _solve(
    s: Scenario, r: Resolved, counts: tuple[int, int], deadline_s: float, progress: Progress | None
) -> Estimate | Infeasible:
    if s.objective == "cost" and r.price is None:
        raise InputError(
            f"no price is known for {r.cluster.device.name}",
            key="price_usd_per_device_hour",
            remedy="give --price-usd-per-device-hour, or choose another objective",
        )
    space, asked_for = space_of(s, r), question_of(s, r, counts, deadline_s)
    front = counts[0] != counts[1]
    question, result = searched(
        asked_for, space, prune=True, front=front, quantiles=s.quantiles, progress=progress, close=True
    )
    report = search_report(result, question, s.objective)
    if result.best is None:
        no = Refused(s, r, asked_for, question, freed(s, r, asked_for), space)
        reason, remedies, near = explain_failure(result, no)
        would = _measure(s, r, near, report) if near else None
        return Infeasible(s, r, reason, report, remedies, would)
    answer = _measure(s, r, result.best.setting, report, result.step)
    told = kept_back(question, space, result.best) if result.n_candidates > 1 else ()  # one setting hides no other
    return replace(answer, warnings=(*answer.warnings, *told)) if told else answer


def plan(scenario: Scenario | None = None, *, progress: Progress | None = None, **fields: Any) -> Estimate | Infeasible:
    """Find the best setting and device count that finish within the deadline.

    Parameters
    ----------
    scenario : Scenario, optional
        `max_days` defaults to three months; `devices`, where given, fixes the count.
    progress : callable, optional
        Told after every block of settings.
    **fields
        Fields of `Scenario`, in place of the scenario's.

    Raises
    ------
    InputError
        The scenario names something unknown or contradicts itself.
    """
    s = stated(Scenario, scenario, fields)
    if several(s):
        return best_of(plan, s, progress)
    if is_open(s):
        return _within_budget(s, progress)
    return _solve(*asked(s, "plan"), progress)


def _within_budget(s: Scenario, progress: Progress | None) -> Estimate | Infeasible:
    """Plan the model and the tokens that reach the least loss within the budgets."""
    tried: list[Affordable] = []
    best = affordable(s, tried.append)
    answer = plan(replace(s, model=best.spec, tokens=best.tokens or 1e6), progress=progress)
    if len(tried) < 2:
        return answer
    note = f"sizes tried within the budget: {front_words(tried)}"
    return replace(answer, resolved=replace(answer.resolved, notes=(*answer.resolved.notes, note)))


def _practised(s: Scenario) -> Estimate | Infeasible:
    """Answer a scenario whose open choices are settled as people settle them."""
    r = resolve(s)
    found = settle(r.setup)
    r = replace(r.stated(found.batch), notes=(*r.notes, *found.notes), left=found.open)
    answer = _measure(s, r, Setting(*(int(v) if float(v).is_integer() else v for v in found.setting)), None)
    if answer.memory.total <= answer.memory.limit:
        return answer
    excess = float(answer.memory.total - answer.memory.limit) / GB
    reason = f"the layout needs {excess:.1f} GB more than a device has"
    return Infeasible(s, r, reason, None, ("practice = best searches a layout that fits",), answer)


def estimate(
    scenario: Scenario | None = None, *, progress: Progress | None = None, **fields: Any
) -> Estimate | Infeasible:
    """Say what a given number of devices takes, with the setting given or the best one searched.

    Parameters
    ----------
    scenario, progress, **fields
        As of `plan`.

    Raises
    ------
    InputError
        No device count, or as `plan`.
    """
    s = stated(Scenario, scenario, fields)
    if several(s):
        return best_of(estimate, s, progress)
    if s.practice == "typical":
        return _practised(s)
    return _solve(*asked(s, "estimate"), progress)


def answered(scenario: Scenario) -> Estimate | Infeasible:
    """Estimate where the scenario says how many devices there are, plan where it does not."""
    return estimate(scenario) if scenario.is_counted else plan(scenario)


def explain(scenario: Scenario | None = None, **fields: Any) -> tuple[Estimate | Infeasible, list[TraceLine]]:
    """Answer a scenario and write down every formula evaluated for the chosen setting, with its numbers."""
    answer = answered(stated(Scenario, scenario, fields))
    if isinstance(answer, Infeasible):
        return answer, []
    r = answer.resolved
    floats = Setting(*(float(v) for v in answer.setting))
    s, hours = answer.scenario, hours_of(answer.scenario)
    before = r.carbon
    if s.contracts.kind != "none":  # the factors of the run without its contract
        before = idling(carbon_of(s, r.cluster, duration_s=answer.duration_s), answer.idle_share)
    with tracing() as lines:
        formats(r.cluster.device, r.recipe, r.efficiency, s.software, wide_share(r.stack, s.software, r.recipe))
        step = step_time(r.work, r.machine, floats)
        memory(r.work, r.machine, floats)
        run_time(r.n_steps, step.total, r.run_overhead.si)
        if hours is not None:
            hours.mean(answer.duration_s / HOUR)
        contracted(s, before, answer.n_devices, answer.duration_s, answer.working_mfu)
        footprint(r.carbon.numbers, answer.n_devices, answer.duration_s, answer.working_mfu)
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
    keys |= training_sources(answer.scenario)
    if r.price:
        keys.add(r.price.source)
    if answer.scenario.law:
        keys |= {datum.source for datum in laws.law_row(answer.scenario.law).coefficients.values()}
    return tuple(sorted(keys & set(references())))

"""What must hold of the answers to one scenario, whatever its numbers are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Any

import carbonscaling as cs
from carbonscaling.errors import InputError
from carbonscaling.perf.numbers import Recompute, Schedule
from carbonscaling.search.result import Candidate
from fuzz.answers import check
from metamorphic.scenarios import Case

__all__ = ["OBJECTIVES", "close", "fixed", "least_of_all", "more_allowed", "parts", "value"]

OBJECTIVES = ("paper", "time", "carbon", "energy", "cost")
Answer = cs.Estimate | cs.Infeasible


def close(a: float | None, b: float | None, what: str, tolerance: float = 1e-9) -> None:
    """Fail where two numbers are not the same but for rounding."""
    if a is None or b is None:
        assert a is b, f"{what}: {a} against {b}"
        return
    assert math.isclose(a, b, rel_tol=tolerance, abs_tol=1e-15), f"{what}: {a!r} against {b!r}"


def value(e: cs.Estimate, objective: str) -> tuple[float, ...]:
    """What an objective makes least, as the answer prints it."""
    s = e.summary()
    return {
        "paper": (s["n_devices"], s["duration_days"]),
        "time": (s["duration_days"],),
        "carbon": (s["carbon_total_tco2e"],),
        "energy": (s["energy_kwh"],),
        "cost": (s["cost_usd"] or 0.0,),
    }[objective]


def _not_above(a: tuple[float, ...], b: tuple[float, ...], what: str) -> None:
    for x, y in zip(a, b, strict=True):
        if x < y and not math.isclose(x, y, rel_tol=1e-9):
            return
        assert math.isclose(x, y, rel_tol=1e-9), f"{what}: {a} above {b}"


def least_of_all(case: Case) -> Mapping[str, Answer]:
    """The answer of every objective is the least in what that objective is about, among the answers of all."""
    found: dict[str, Answer] = {}
    for objective in OBJECTIVES:
        if objective == "paper" and case.kind == "estimate":
            continue
        try:
            found[objective] = case.ask(objective=objective)
        except InputError as error:
            if objective != "cost" or error.key != "price_usd_per_device_hour":
                raise
    feasible = {name: e for name, e in found.items() if isinstance(e, cs.Estimate)}
    assert len(feasible) in (0, len(found)), f"feasible by {sorted(feasible)} alone"
    for name, e in feasible.items():
        for other, its in feasible.items():
            _not_above(value(e, name), value(its, name), f"{name} by objective {name}, and by {other}")
    return found


NAMES = (
    "tp",
    "pp",
    "dp",
    "cp",
    "ep",
    "etp",
    "vpp",
    "zero",
    "micro_batch",
    "recompute",
    "recompute_percent",
    "schedule",
)


def _degrees(e: cs.Estimate) -> dict[str, Any]:
    """The degrees found, as a layout names them; a group as large as the whole is the whole."""
    s = e.setting
    degrees = {name: int(getattr(s, name)) for name in NAMES}
    named = {"recompute": Recompute.said(s), "schedule": Schedule.NAMES[degrees["schedule"]]}
    whole = int(s.shard) == int(s.dp * s.cp)
    return degrees | named | {"shard": 0 if whole else int(s.shard), "sequence_parallel": bool(s.sp) or s.tp == 1}


def fixed(case: Case, e: cs.Estimate, rng: Random, n: int = 3) -> None:
    """Fixing any of the degrees found, all of them, the count or the recipe changes nothing.

    But a given number of devices may leave some idle, where a plan uses all that it holds: the answer is then no worse.
    """
    layout, degrees = case.scenario.layout, _degrees(e)
    names = [name for name in degrees if getattr(layout, name) is None]
    own = {"objective": e.scenario.objective, "precision": e.resolved.recipe.name}
    trials: list[tuple[str, dict[str, Any]]] = [
        (f"{name} {degrees[name]}", {"layout": replace(layout, **{name: degrees[name]})})
        for name in rng.sample(names, min(n, len(names)))
    ]
    trials.append(("every degree", {"layout": replace(layout, **{k: degrees[k] for k in names})}))
    if case.kind == "plan":
        trials.append((f"devices {e.n_devices}", {"devices": e.n_devices}))
    for what, change in trials:
        again = case.ask(**own, **change)
        assert isinstance(again, cs.Estimate), f"{what} fixed as found: {again.reason}"
        if "devices" in change and again.setting.n_devices < e.n_devices:
            objective = e.scenario.objective
            _not_above(value(again, objective), value(e, objective), f"{what} fixed as found")
            continue
        assert again.setting == e.setting, f"{what} fixed as found: {again.setting} in place of {e.setting}"
        assert again.summary() == e.summary(), f"{what} fixed as found changes the summary"


def more_allowed(case: Case, e: Answer) -> None:
    """More devices, more days, more recipes never make the answer worse, and to look at every setting changes nothing."""
    s, objective = case.scenario, e.scenario.objective
    changes: list[dict[str, Any]] = [{"max_days": 3.0 * s.max_days if s.max_days else None}]
    if s.devices is None:
        changes.append({"max_devices": 2 * s.max_devices})
    if s.finish_by is not None:
        changes[0] = {"finish_by": "2031-01-01"}
    elif s.max_days is None and case.kind == "plan":
        changes[0] = {"max_days": 270.0}
    if isinstance(e, cs.Estimate):
        for change in changes:
            wider = case.ask(objective=objective, **change)
            assert isinstance(wider, cs.Estimate), f"{change}: {wider.reason}"
            _not_above(value(wider, objective), value(e, objective), f"{objective} with {change}")
        shared = case.ask(objective=objective, shared_hosts=True)
        assert isinstance(shared, cs.Estimate)
        _not_above(value(shared, objective), value(e, objective), f"{objective} with shared hosts")
    if e.search is not None and e.search.n_candidates <= 400_000:
        every = case.ask(objective=objective, quantiles=() if s.quantiles else (0.5,))
        assert isinstance(every, cs.Estimate) == isinstance(e, cs.Estimate)
        if isinstance(e, cs.Estimate) and isinstance(every, cs.Estimate) and every.search is not None:
            for one, other in ((every.search.top, e.search.top), (every.search.front, e.search.front)):
                assert list(map(_known, one)) == list(map(_known, other)), "pruned and exhaustive searches differ"
            assert every.search.n_near == e.search.n_near


def _known(c: Candidate) -> tuple[object, ...]:
    return c.setting, c.step_s, c.carbon_kg, c.energy_j


def parts(e: cs.Estimate) -> None:
    """Totals are the sums of their parts, and physics holds (`fuzz.answers.check`)."""
    check(e)
    f = e.footprint
    lines = math.fsum(line.total_tco2e for line in f.lines)
    close(lines, f.boundary_tco2e, "lines beside the run")
    close(e.summary()["duration_days"], e.summary()["steady_days"] * e.resolved.run_overhead.si, "days")
    if e.needed is not None:
        assert e.needed.low < e.needed.median < e.needed.high, "what people needed lies inside its interval"
    for lever in e.levers:
        close(lever.central, f.total_tco2e, f"central value of the lever {lever.name}")

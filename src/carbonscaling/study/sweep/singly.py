"""The table of what is kept of cases that ask something else than a training: each case answered by itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from carbonscaling.catalog.read import build
from carbonscaling.errors import InputError
from carbonscaling.serving.answer import inference
from carbonscaling.study.answer import answered
from carbonscaling.study.assured import assured
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.infeasible import Infeasible
from carbonscaling.study.project.answer import project
from carbonscaling.study.scenario import scenario_from
from carbonscaling.study.scheduling.answer import schedule
from carbonscaling.study.sweep.case import with_values
from carbonscaling.study.sweep.columns import PLACE_COLUMNS
from carbonscaling.study.sweep.frame import Frames
from carbonscaling.study.sweep.kinds import KINDS, Kind, own_value
from carbonscaling.study.sweep.rows import Row, failed
from carbonscaling.study.sweep.studyfile import Study
from carbonscaling.study.together.decided import decide
from carbonscaling.units import KWH

__all__ = ["Singly"]


class Singly:
    """Answers cases of a study one by one."""

    def __init__(self, study: Study) -> None:
        self.study, self._kind = study, KINDS[study.answer]
        self._frames, self._n = Frames(study), 0

    @property
    def n_runs(self) -> int:
        """Cases of the last table."""
        return self._n

    def table(self, cases: Iterable[int], poisoned: Mapping[int, str] | None = None) -> Any:
        """Return a Polars table with the rows of some cases, in the cases' order; statuses and `poisoned` as in `Answers`."""
        lost = {case: failed("error", reason) for case, reason in (poisoned or {}).items()}
        rows, of_case = [], []
        for case in cases:
            if case not in lost:
                own = self._rows(case)
                rows += own
                of_case += [case] * len(own)
        self._n = len(set(of_case))
        places = {name: np.array([row.get(name, math.nan) for row in rows], dtype=float) for name in PLACE_COLUMNS}
        return self._frames.table(np.array(of_case, dtype=np.int64), rows, np.arange(len(rows)), places, lost)

    def _rows(self, case: int) -> list[Row]:
        """Return the rows of a case; a contradiction or an error is one of them."""
        try:
            return ROWS[self.study.answer](asked_of(self.study, case, self._kind))
        except InputError as error:
            return [failed("refused", str(error))]
        except Exception as error:
            return [failed("error", f"{type(error).__name__}: {error}")]


def asked_of(study: Study, case: int, kind: Kind) -> dict[str, Any]:
    """Return what a case asks: its table's dataclass under ``asked``, and the scenario beside it where there is one."""
    varied = study.varied(case)
    prefix = f"{kind.table}." if kind.of_scenario else ""
    own = {k.removeprefix(prefix): v for k, v in varied.items() if k.startswith(prefix)}
    base = study.base.get(kind.table, {}) if kind.of_scenario else study.base
    said = {name: own_value(kind, name, value) for name, value in {**base, **own}.items()}
    asked: dict[str, Any] = {"asked": build(kind.asked, said, "case")}
    if kind.of_scenario:
        rest = {k: v for k, v in study.base.items() if k != kind.table}
        values = {k: v for k, v in varied.items() if not k.startswith(prefix)}
        asked["scenario"] = scenario_from(with_values(rest, values), "case")
    return asked


def _of_inference(asked: Mapping[str, Any]) -> list[Row]:
    found = inference(asked["asked"])
    a, f = found.summary(), found.footprint
    (joules_low, joules_high), (wh_low, wh_high) = a["joules_interval"], a["wh_per_request_interval"]
    named = ("copies", "tp", "pp", "ep", "in_flight", "tpot_s", "ttft_s", "watts_per_device", "joules_per_token",
             "requests_per_day", "tokens_per_day", "wh_per_request", "g_co2e_per_request", "kg_co2e_per_million_tokens",
             "usd_per_million_tokens", "n_devices", "tokens_per_s_per_device")  # fmt: skip
    low, high = f.intervals["total_tco2e"]
    return [
        {"status": "ok", "kind": "best", "rank": 0, "n_candidates": a["n_ways"], "joules_low": joules_low,
         "joules_high": joules_high, "wh_per_request_low": wh_low, "wh_per_request_high": wh_high,
         "energy_kwh": f.energy_kwh, "water_litres": f.water_litres, "carbon_operational_tco2e": f.operational_tco2e,
         "carbon_embodied_tco2e": f.embodied_tco2e, "carbon_total_tco2e": f.total_tco2e, "carbon_low_tco2e": low,
         "carbon_high_tco2e": high, "cost_usd": math.nan if found.cost_usd_per_day is None else found.cost_usd_per_day,
         **{name: a[name] for name in named}}
    ]  # fmt: skip


def _of_run(e: Estimate) -> Row:
    s = e.summary()
    return {"status": "ok", "kind": "best", "rank": 0, "loss": s.get("loss"), "precision": e.resolved.recipe.name,
            **{name: s[name] for name in ("n_devices", "mfu", "tp", "pp", "dp", "cp", "ep", "n_params", "tokens_trained")
               if name in s}}  # fmt: skip


def _of_schedule(asked: Mapping[str, Any]) -> list[Row]:
    found = schedule(asked["scenario"], asked["asked"])
    if isinstance(found, Infeasible):
        return [failed("infeasible", found.reason)]
    shared = _of_run(found.answer) | {
        "guarantee": found.guarantee, "floor": found.floor, "forecast_error": found.forecast_error,
        "filled_hours": float(found.filled),
    }  # fmt: skip
    base, rows = found.policies[0], []
    for p in reversed(found.policies):  # every hour known stands first, as the best
        usd = math.nan if p.cost_usd is None else p.cost_usd
        more = math.nan if p.cost_usd is None or base.cost_usd is None else p.cost_usd - base.cost_usd
        rows.append(shared | {
            "kind": "best" if p is found.policies[-1] else p.name, "duration_days": p.days, "paused_days": p.paused_days,
            "slowed_days": p.slowed_days, "n_pauses": float(p.n_pauses), "n_moves": float(p.n_moves),
            "carbon_total_tco2e": p.total_tco2e, "cost_usd": usd, "saved_tco2e": base.total_tco2e - p.total_tco2e,
            "later_days": p.days - base.days, "more_usd": more,
        })  # fmt: skip
    return rows


def _of_decision(asked: Mapping[str, Any]) -> list[Row]:
    found = decide(asked["asked"])
    a, objective = found.summary(), found.decision.objective
    points = found.break_even
    here = next((i for i, point in enumerate(points) if point.place == found.best), None)
    after = points[here + 1].served if here is not None and here + 1 < len(points) else None
    of_unit = {"energy": ("energy_kwh", KWH), "carbon": ("carbon_total_tco2e", 1e3), "cost": ("cost_usd", 1.0)}
    row = {
        "status": "ok", "kind": "best", "rank": 0, "loss": a["loss"], "n_params": a["params"], "tokens_trained": a["tokens"],
        "total_low": a["interval"][0], "total_high": a["interval"][1],
        "wins_from": None if here is None else points[here].served, "wins_until": after,
        "combinations": float(a["combinations"]),
        **{name: a[name] for name in ("served_tokens", "training", "serving", "per_served_token", "total", "saved_share",
                                      "less_than_compared_from")},
    }  # fmt: skip
    if objective in of_unit:
        name, unit = of_unit[objective]
        row[name] = a["total"] / unit
    if found.estimate is not None:
        t = a["train"]
        row |= {"n_devices": t["n_devices"], "duration_days": t["days"], "global_batch_seqs": t["batch"],
                "start_hour": t["start_hour"], "serve_devices": float(a["serve"]["n_devices"])}  # fmt: skip
    return [row]


def _of_chances(asked: Mapping[str, Any]) -> list[Row]:
    c, scenario = asked["asked"], asked["scenario"]
    if c.target is not None:
        plan = assured(scenario, c.target, **vars(c.failures))
        if isinstance(plan, Infeasible):
            return [failed("infeasible", plan.reason)]
        if plan.answer is None or plan.chances is None:
            return [failed("infeasible", f"at most {plan.best.probability:.3f}, on {plan.best.n_devices} devices")]
        answer, found = plan.answer, plan.chances
        more = {"within": plan.best.probability, "start_days": plan.best.start_days}
    else:
        run = answered(scenario)
        if isinstance(run, Infeasible):
            return [failed("infeasible", run.reason)]
        answer, found = run, c.failures.of(run)
        more = {"within": found.within(math.inf if c.within_days is None else c.within_days, *c.limits)}
    s = found.summary()
    q = s["quantiles"]
    shares = {"p05": "0.05", "p90": "0.9", "p95": "0.95"}
    return [
        _of_run(answer) | more
        | {f"days_{name}": q["days"][share] for name, share in shares.items()}
        | {f"tco2e_{name}": q["carbon_tco2e"][share] for name, share in shares.items()}
        | {"kwh_p90": q["energy_kwh"]["0.9"], "usd_p90": q["cost_usd"]["0.9"] if "cost_usd" in q else None,
           "interruptions": q["interruptions"]["0.5"], "checkpoint_interval_s": s["checkpoint_interval_s"],
           "duration_days": q["days"]["0.5"], "energy_kwh": q["energy_kwh"]["0.5"],
           "carbon_total_tco2e": q["carbon_tco2e"]["0.5"], "carbon_low_tco2e": q["carbon_tco2e"]["0.05"],
           "carbon_high_tco2e": q["carbon_tco2e"]["0.95"],
           "cost_usd": q["cost_usd"]["0.5"] if "cost_usd" in q else math.nan}
    ]  # fmt: skip


def _of_project(asked: Mapping[str, Any]) -> list[Row]:
    said = dict(vars(asked["asked"]))
    found = project(said.pop("file"), **said)
    t = found.total
    ends = {"energy": "energy_kwh", "water": "water_litres", "cost": "cost_usd", "carbon": "total_tco2e"}
    spans = {
        f"{name}_{end}": t.intervals[figure][i]
        for name, figure in ends.items()
        for i, end in enumerate(("low", "high"))
    }
    parts = {
        f"{part}_{name}": getattr(sums, figure)
        for part, sums in found.parts.items()
        for name, figure in (("kwh", "energy_kwh"), ("tco2e", "total_tco2e"), ("device_hours", "device_hours"))
    }
    return [
        {"status": "ok", "kind": "best", "rank": 0, "energy_kwh": t.energy_kwh, "water_litres": t.water_litres,
         "carbon_operational_tco2e": t.operational_tco2e, "carbon_embodied_tco2e": t.embodied_tco2e,
         "carbon_total_tco2e": t.total_tco2e, "carbon_low_tco2e": spans.pop("carbon_low"),
         "carbon_high_tco2e": spans.pop("carbon_high"), "cost_usd": math.nan if t.unpriced else t.cost_usd,
         "device_hours": t.device_hours, "metals_kg_sb": t.metals_kg_sb,
         "development_percent": 100.0 * found.development_share[0], **spans, **parts}
    ]  # fmt: skip


ROWS: Mapping[str, Callable[[Mapping[str, Any]], list[Row]]] = {
    "inference": _of_inference, "schedule": _of_schedule, "decide": _of_decision, "chances": _of_chances,
    "project": _of_project,
}  # fmt: skip

"""One case of a study: its scenario, its answer, and the rows that are kept of it.

The settings and the time of a run do not depend on place fields (region, PUE, price, …) where the objective is time or
the fewest devices: such cases share one search, and only carbon and cost are worked out again. The answer is the same as
one by one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from carbonscaling.carbon.assess import assess
from carbonscaling.carbon.boundary import boundary_lines
from carbonscaling.carbon.footprint import footprint
from carbonscaling.catalog.factors import HardwareFactors, hardware_factors
from carbonscaling.catalog.prices import price
from carbonscaling.errors import InputError
from carbonscaling.model.params import total_params
from carbonscaling.perf.goodput import run_time
from carbonscaling.perf.memory import memory
from carbonscaling.perf.numbers import Recompute, Schedule, Setting
from carbonscaling.perf.step import step_time
from carbonscaling.search.engine import search
from carbonscaling.search.result import Candidate, SearchResult
from carbonscaling.study.answer import asked, question_of, space_of
from carbonscaling.study.resolve import Resolved, carbon_of
from carbonscaling.study.scenario import Scenario, scenario_from
from carbonscaling.study.sweep.studyfile import PLACE_FIELDS, Keep, Study
from carbonscaling.units import DAY, GB, HOUR, KWH, TONNE

__all__ = ["COLUMNS", "case_rows", "column", "scenario_of_case"]

TEXT_COLUMNS = ("status", "kind", "reason", "rejected", "recompute", "schedule", "precision", "quantiles")
WHOLE_COLUMNS = (
    "case", "rank", "n_devices", "tp", "pp", "dp", "ep", "etp", "cp", "vpp", "zero_stage", "shard", "micro_batch",
    "n_micro", "global_batch_seqs", "recompute_percent", "n_candidates", "n_fit",
)  # fmt: skip
REAL_COLUMNS = (
    "duration_days", "device_hours", "n_params", "tokens_trained", "training_flops", "mfu", "tokens_per_s_per_device",
    "step_time_s", "memory_per_device_gb", "energy_kwh", "water_litres", "carbon_operational_tco2e",
    "carbon_operational_market_tco2e", "carbon_embodied_tco2e", "carbon_boundary_tco2e", "carbon_total_tco2e",
    "carbon_low_tco2e", "carbon_high_tco2e", "carbon_intensity", "cost_usd", "loss",
)  # fmt: skip
COLUMNS: dict[str, type] = {
    **dict.fromkeys(WHOLE_COLUMNS[:1], int), **dict.fromkeys(TEXT_COLUMNS[:3], str), **dict.fromkeys(WHOLE_COLUMNS[1:], int),
    **dict.fromkeys(REAL_COLUMNS, float), **dict.fromkeys(TEXT_COLUMNS[3:], str),
}  # fmt: skip
"""Columns of a result and their types, beside ``x_…`` for every field that varies. Units are in the names."""

BLANK: dict[str, Any] = {
    name: Scenario.__dataclass_fields__[name].default for name in PLACE_FIELDS if name != "boundary"
}


@dataclass(frozen=True)
class _Found:
    """What cases that differ in place alone share."""

    resolved: Resolved
    result: SearchResult
    rows: dict[Setting, dict[str, Any]]
    hardware: dict[tuple[str, str], HardwareFactors]


def scenario_of_case(study: Study, case: int) -> Scenario:
    """Return the scenario of a case.

    Raises
    ------
    InputError
        The values contradict each other.
    """
    data = dict(study.base)
    for key, value in study.varied(case).items():
        outer, _, inner = key.partition(".")
        whole = isinstance(value, float) and value.is_integer()
        plain = int(value) if whole and _is_count(key) else value
        if inner:
            data[outer] = {**data.get(outer, {}), inner: plain}
        else:
            data[outer] = plain
    return scenario_from(data, f"case {case}")


@lru_cache(maxsize=256)
def _is_count(key: str) -> bool:
    from carbonscaling.study.scenario import Layout

    outer, _, inner = key.partition(".")
    cls = Layout if outer == "layout" else Scenario
    field = cls.__dataclass_fields__.get(inner or outer)
    return field is not None and str(field.type).startswith("int")


@lru_cache(maxsize=4)
def _found(scenario: Scenario, kind: Any, keep: Keep) -> _Found:
    s, r, counts, deadline = asked(scenario, kind)
    if s.objective == "cost" and r.price is None:
        raise InputError("no price is known", key="price_usd_per_device_hour", remedy="give one")
    result = search(
        question_of(s, r, counts, deadline), space_of(s), top=keep.top, prune=not keep.quantiles, front=keep.front,
        quantiles=keep.quantiles, explain=False, threads=1,
    )  # fmt: skip
    return _Found(r, result, {}, {})


def _shared(s: Scenario, keep: Keep) -> Scenario:
    """Return the scenario with its place blanked, where that does not change what is best."""
    place_matters = s.objective not in ("paper", "time") or keep.front or bool(keep.quantiles)
    return s if place_matters else replace(s, **BLANK)


def _technical(found: _Found, c: Candidate) -> dict[str, Any]:
    if c.setting in found.rows:
        return found.rows[c.setting]
    r, s, n = found.resolved, c.setting, c.n_devices
    floats = Setting(*(float(v) for v in s))
    step = float(step_time(r.work, r.machine, floats).total)
    duration = float(run_time(r.n_steps, step, r.run_overhead.si))
    speed = r.batch * r.seq_len / step / n
    row = {
        "n_devices": n,
        "duration_days": duration / DAY,
        "device_hours": n * duration / HOUR,
        "n_params": float(total_params(r.spec)),
        "tokens_trained": r.tokens,
        "training_flops": r.tokens * float(r.work.model_flops),
        "mfu": float(speed * r.work.model_flops / r.machine.peak_mfu),
        "tokens_per_s_per_device": speed,
        "step_time_s": step,
        "memory_per_device_gb": float(memory(r.work, r.machine, floats).total) / GB,
        **{
            k: int(getattr(s, k))
            for k in ("tp", "pp", "dp", "ep", "etp", "cp", "vpp", "shard", "micro_batch", "n_micro")
        },
        "zero_stage": int(s.zero),
        "recompute_percent": int(s.recompute_percent),
        "global_batch_seqs": r.batch,
        "recompute": Recompute.NAMES[int(s.recompute)],
        "schedule": Schedule.NAMES[int(s.schedule)],
        "precision": r.recipe.name,
        "loss": r.loss,
    }
    found.rows[c.setting] = row
    return row


def _place(s: Scenario, found: _Found, row: Mapping[str, Any], keep: Keep) -> dict[str, Any]:
    r, n, duration = found.resolved, row["n_devices"], row["duration_days"] * DAY
    if keep.interval:
        f = assess(
            carbon_of(s, r.cluster, duration_s=duration),
            n,
            duration,
            row["mfu"],
            boundary=s.boundary,
            time=r.time,
            shared_hosts=s.shared_hosts,
        )
        interval = {"carbon_low_tco2e": f.low_tco2e, "carbon_high_tco2e": f.high_tco2e}
    else:
        interval = {}
    convention = (s.carbon_mode, s.paper_version)
    if convention not in found.hardware:
        found.hardware[convention] = hardware_factors(r.cluster, *convention)
    model = carbon_of(s, r.cluster, duration_s=duration, ranges=False, hardware=found.hardware[convention])
    numbers = model.numbers._replace(shared_hosts=float(s.shared_hosts))
    parts = footprint(numbers, n, duration, min(row["mfu"], 1.0))
    boundary = math.fsum(line.total_tco2e for line in boundary_lines(s.boundary, numbers, n, duration, parts))
    total = float(parts.total_kg) / TONNE
    operational = float(parts.operational_kg) / TONNE
    money = s.price_usd_per_device_hour
    if money is None:
        listed = price(r.cluster.device.id)
        money = None if listed is None else listed.si * HOUR
    return {
        "energy_kwh": float(parts.energy_j) / KWH,
        "water_litres": float(parts.water_l),
        "carbon_operational_tco2e": operational,
        "carbon_operational_market_tco2e": float(parts.energy_j) * model.market.si / TONNE,
        "carbon_embodied_tco2e": total - operational,
        "carbon_boundary_tco2e": boundary,
        "carbon_total_tco2e": total + boundary,
        "carbon_intensity": model.factors["carbon_intensity"].si * 1000.0 * KWH,
        "cost_usd": None if money is None else money * row["device_hours"],
        **interval,
    }


def _why_none(result: SearchResult) -> str:
    """Return the rule that the settings which came furthest fail."""
    if result.fastest is not None or result.n_fit:
        return "deadline"
    if result.nearest_memory is not None:
        return "memory"
    return max(result.rejected.items(), key=lambda item: item[1], default=("no layout", 0))[0]


def _answers(study: Study, case: int) -> Iterator[dict[str, Any]]:
    s, keep = scenario_of_case(study, case), study.keep
    if "," in (s.precision or ""):
        raise InputError("several precisions in one case", key="precision", remedy="make precision an axis")
    found = _found(_shared(s, keep), study.answer, keep)
    result = found.result
    counts: dict[str, Any] = {"n_candidates": result.n_candidates, "n_fit": result.n_fit}
    if keep.rejected:
        counts["rejected"] = json.dumps(dict(sorted(result.rejected.items())))
    if keep.quantiles:
        counts["quantiles"] = json.dumps({str(k): v[0] / TONNE for k, v in result.quantiles.items()})
    if result.best is None:
        yield {"status": "infeasible", "kind": "best", "rank": 0, "reason": _why_none(result), **counts}
        return
    kept = [("best", rank, c) for rank, c in enumerate(result.top[: keep.top])]
    kept += [("front", rank, c) for rank, c in enumerate(result.front)] if keep.front else []
    for kind, rank, candidate in kept:
        row = _technical(found, candidate)
        yield {"status": "ok", "kind": kind, "rank": rank, **counts, **row, **_place(s, found, row, keep)}


def case_rows(study: Study, case: int) -> list[dict[str, Any]]:
    """Return the rows of a case: its answer, that nothing is feasible, that it is refused, or its error.

    Status: ``ok``; ``infeasible`` (why in `reason`); ``refused``, where the values contradict each other; ``error``.
    """
    varied = {column(key): value for key, value in study.varied(case).items()}
    try:
        rows = list(_answers(study, case))
    except InputError as error:
        rows = [{"status": "refused", "kind": "best", "rank": 0, "reason": str(error).replace("\n", ";")}]
    except (KeyboardInterrupt, SystemExit):
        raise
    except Exception as error:
        rows = [{"status": "error", "kind": "best", "rank": 0, "reason": f"{type(error).__name__}: {error}"}]
    return [{"case": case, **varied, **row} for row in rows]


def column(key: str) -> str:
    """Return the column of a field that varies.

    >>> column("layout.tp")
    'x_layout_tp'
    """
    return "x_" + key.replace(".", "_")

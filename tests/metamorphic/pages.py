"""Every page of one answer says the same: summary, best settings, front, intervals, report, study, service, choices."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import carbonscaling as cs
from carbonscaling.errors import InputError
from carbonscaling.reporting.jsonable import to_json
from carbonscaling.reporting.statements.saved import record_of
from carbonscaling.search.objectives import OBJECTIVES
from carbonscaling.search.result import Candidate
from carbonscaling.serve.jobs import Job, do
from carbonscaling.serve.limits import Limits
from carbonscaling.serve.question import FILES_ONLY, asked
from carbonscaling.study.answer import asked_again
from carbonscaling.study.choices import Options, choices
from carbonscaling.study.places import ranked
from carbonscaling.study.robust import robustness
from carbonscaling.study.sweep.axes import Block
from carbonscaling.study.sweep.studyfile import Keep, Study
from carbonscaling.units import DAY, KWH, TONNE
from metamorphic.invariants import close
from metamorphic.scenarios import Case
from sweep_helpers import case_rows

__all__ = ["agree"]


def agree(case: Case, e: cs.Estimate, folder: Path) -> None:
    """Hold all pages of an answer against its summary."""
    data = json.loads(to_json(e.to_dict()))
    _search(e, data)
    _front(e)
    record = record_of(data)
    close(record.total_tco2e, e.footprint.total_tco2e, "record")
    close(math.fsum(record.energy_parts_kwh.values()), record.energy_kwh, "parts of the record's energy")
    _study(case, e)
    _service(case, e, data, folder)
    _choice(case, e)
    _place(case, e)
    _firmness(e)


def _same(c: Candidate, s: dict[str, Any], what: str) -> None:
    """A setting of the search as the summary has it."""
    close(c.carbon_kg / TONNE, s["carbon_total_tco2e"], f"carbon, {what}")
    close(c.energy_j / KWH, s["energy_kwh"], f"energy, {what}")
    close(c.duration_s / DAY, s["duration_days"], f"days, {what}")
    close(c.cost_usd if math.isfinite(c.cost_usd) else None, s["cost_usd"], f"money, {what}")
    assert c.n_devices <= s["n_devices"], f"{what}: idle devices are held, and not used"


def _search(e: cs.Estimate, data: dict[str, Any]) -> None:
    """The best setting is the answer, with its interval; the others are in order."""
    report, s = e.search, data["summary"]
    assert report is not None
    assert report.top[0].setting == e.setting
    _same(report.top[0], s, "first of the best")
    keys = [OBJECTIVES[report.objective].key(c) for c in report.top]
    assert keys == sorted(keys), "the best settings are out of order"
    interval = data["search"]["top"][0]["carbon_interval_tco2e"]
    for end, name in zip(interval, ("carbon_low_tco2e", "carbon_high_tco2e"), strict=True):
        close(end, s[name], f"interval of the first of the best, {name}")
    carbon = [kg for _, kg, _ in report.quantiles]
    assert carbon == sorted(carbon), "quantiles are out of order"
    for _, kg, c in report.quantiles:
        assert kg == c.carbon_kg


def _front(e: cs.Estimate) -> None:
    """Nothing on the front beats another in everything, and no best setting beats the front."""
    report = e.search
    assert report is not None
    n = 4 if math.isfinite(report.top[0].cost_usd) else 3

    def measures(found: Sequence[Candidate]) -> npt.NDArray[np.float64]:
        return np.array([(c.duration_s, c.n_devices, c.carbon_kg, c.cost_usd)[:n] for c in found])

    if not report.front:
        return
    points, best = measures(report.front), measures(report.top)
    assert (points[:, None] <= best).all(axis=2).any(axis=0).all(), "a best setting beats the front"
    for p in points:
        beats = (points <= p).all(axis=1) & (points != p).any(axis=1)
        assert not beats.any(), f"the front holds what it beats itself: {p}"


COLUMNS = (
    "n_devices", "duration_days", "device_hours", "mfu", "step_time_s", "memory_per_device_gb", "energy_kwh", "water_litres",
    "carbon_operational_tco2e", "carbon_operational_market_tco2e", "carbon_embodied_tco2e", "carbon_boundary_tco2e",
    "carbon_total_tco2e", "carbon_low_tco2e", "carbon_high_tco2e", "tp", "pp", "dp", "ep", "etp", "cp", "vpp", "zero_stage",
    "shard", "micro_batch", "n_micro", "recompute", "recompute_percent", "schedule", "precision", "n_params", "loss",
    "tokens_per_s_per_device", "training_flops",
)  # fmt: skip


def _plain(s: cs.Scenario) -> dict[str, Any]:
    """A scenario's fields as a file has them."""
    data = {k: v for k, v in dataclasses.asdict(s).items() if v is not None}
    data["layout"] = {k: v for k, v in data["layout"].items() if v is not None}
    return data


def _study(case: Case, e: cs.Estimate) -> None:
    """A study's rows of this one case; a contract is of one run."""
    if case.scenario.contracts.kind != "none":
        return
    base = _plain(case.scenario)
    del base["contracts"]
    base |= {"objective": e.scenario.objective, "precision": e.resolved.recipe.name}
    blocks = tuple(Block({key: (base.pop(key),)}) for key in ("tokens", "region", "pue", "shared_hosts") if key in base)
    keep = Keep(top=3, front=True, interval=True, quantiles=case.scenario.quantiles)
    rows = case_rows(Study("s", case.kind, base, blocks, keep, 1), 0)
    assert rows[0]["status"] == "ok", rows[0]
    s, report = e.summary(), e.search
    assert report is not None
    for name in COLUMNS:
        there, here = rows[0][name], s[name]
        if isinstance(here, float):
            close(there, here, f"{name} in a study")
        else:
            assert there == here, f"{name} in a study: {there} against {here}"
    money = rows[0]["cost_usd"]
    close(money if money is not None and math.isfinite(money) else None, s["cost_usd"], "money in a study")
    for row in rows:
        known = report.top if row["kind"] == "best" else report.front
        if not known:  # of a count that is given no front is shown
            continue
        c = known[row["rank"]]
        close(row["carbon_total_tco2e"], c.carbon_kg / TONNE, f"carbon of {row['kind']} {row['rank']} in a study")
        close(row["energy_kwh"], c.energy_j / KWH, f"energy of {row['kind']} {row['rank']} in a study")
        assert row["n_devices"] >= c.n_devices
    if report.quantiles:
        told = json.loads(rows[0]["quantiles"])
        for share, kg, _ in report.quantiles:
            close(told[str(share)], kg / TONNE, f"quantile {share} in a study")


def _service(case: Case, e: cs.Estimate, data: dict[str, Any], folder: Path) -> None:
    """The service's answer to the same question, which names no file."""
    s = case.scenario
    if any(getattr(s, name) is not None for name in FILES_ONLY) or str(s.model).endswith(".json"):
        return
    question = _plain(dataclasses.replace(s, objective=e.scenario.objective))
    reply = do(Job("answer", case.kind, asked(json.loads(json.dumps(question)), Limits())), folder, lambda *_: None)
    assert reply.status == 200, reply.text
    assert json.loads(reply.text) == data, "the service answers something else"


def _choice(case: Case, e: cs.Estimate) -> None:
    """The only choice there is."""
    s = case.scenario
    asks = "estimate" if s.devices is not None and s.max_days is None else "plan"
    if asks != case.kind:
        return
    own = dataclasses.replace(s, objective=e.scenario.objective, precision=e.resolved.recipe.name)
    found = choices(own, Options())
    assert len(found) == 1
    c, f = found[0], e.footprint
    assert not c.infeasible, c.infeasible
    close(c.total_tco2e, f.total_tco2e, "carbon of the only choice")
    close(c.operational_tco2e, f.operational_tco2e, "operation of the only choice")
    close(c.market_tco2e, f.market.operational_tco2e, "market of the only choice")
    close(c.energy_kwh, f.energy_kwh, "energy of the only choice")
    close(c.cost_usd, e.cost_usd, "money of the only choice")
    close(c.days, e.duration_s / DAY, "days of the only choice")
    close(c.low_tco2e, f.low_tco2e, "low end of the only choice")
    close(c.high_tco2e, f.high_tco2e, "high end of the only choice")


def _place(case: Case, e: cs.Estimate) -> None:
    """The answer's own place among places."""
    s = case.scenario
    if s.hourly is not None or s.carbon_intensity_g_per_kwh is not None:
        return
    (there,) = ranked(e, (s.region,))
    close(there.total_tco2e, e.footprint.total_tco2e, "carbon of the own place")
    close(there.market_tco2e, e.footprint.market.operational_tco2e, "market of the own place")
    close(there.boundary_tco2e, e.footprint.boundary_tco2e, "lines beside the run in the own place")


def _firmness(e: cs.Estimate) -> None:
    """The centre of an answer's firmness."""
    try:
        found = robustness(e.resolved, *asked_again(e), e.setting, n_samples=2, n_searches=1)
    except InputError:
        raise
    close(found.carbon_tco2e[1], e.footprint.total_tco2e, "carbon at the centre of what is robust")
    close(found.duration_days[1], e.duration_s / DAY, "days at the centre of what is robust")
    close(found.mfu[1], e.mfu, "utilisation at the centre of what is robust")

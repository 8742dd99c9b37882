"""What a setting takes is one thing: search, answer, levers, arithmetic and places count the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import carbonscaling as cs
from carbonscaling.carbon.boundary import Boundary
from carbonscaling.carbon.hourly import Hours, passage
from carbonscaling.carbon.profile import HourlyProfile
from carbonscaling.serve.question import kind_of
from carbonscaling.study.answer import answered
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.outcome import carbon_interval
from carbonscaling.study.places import ranked
from carbonscaling.units import TONNE

SMALL = cs.Scenario(
    model="gpt-3-1.3b", tokens=2e9, device="h100-sxm", max_devices=48, max_days=30, batch=48, region="france"
)


def _plan(**changes: object) -> Estimate:
    found = cs.plan(replace(SMALL, **changes))  # type: ignore[arg-type]
    assert isinstance(found, Estimate)
    return found


def _hours(folder: Path, *values: float) -> str:
    rows = (f"2025-01-{1 + i // 24:02}T{i % 24:02}:00,{g}" for i, g in enumerate(values))
    path = folder / "hours.csv"
    path.write_text("\n".join(("time,g_per_kwh", *rows)) + "\n")
    return str(path)


def _least(**options: object) -> None:
    every = {name: _plan(objective=name, **options) for name in ("carbon", "energy", "time", "cost", "paper")}
    carbon = {name: e.footprint.total_tco2e for name, e in every.items()}
    assert carbon["carbon"] == pytest.approx(min(carbon.values()), rel=1e-12), carbon
    energy = {name: e.footprint.energy_kwh for name, e in every.items()}
    assert energy["energy"] == pytest.approx(min(energy.values()), rel=1e-12), energy
    for e in every.values():
        assert e.search is not None
        assert e.search.top[0].carbon_kg / TONNE == pytest.approx(e.footprint.total_tco2e, rel=1e-12)
        assert [lever.central for lever in e.levers] == pytest.approx([e.footprint.total_tco2e] * len(e.levers))
        short = replace(e, search=replace(e.search, front=()))  # a front's intervals take a hundred times longer
        first = short.to_dict()["search"]["top"][0]
        assert first["carbon_interval_tco2e"] == pytest.approx((e.footprint.low_tco2e, e.footprint.high_tco2e))


def test_the_interval_of_the_best_setting_is_the_answers_own(tmp_path: Path) -> None:
    """To the last bit: with and without idle devices, and by the hour."""
    for options in ({}, {"devices": 44, "batch": 40}, {"hourly": _hours(tmp_path, 100.0, 400.0, 250.0)}):
        found = cs.estimate(replace(SMALL, **{"devices": 32, **options}))  # type: ignore[arg-type]
        assert isinstance(found, Estimate)
        assert found.search is not None
        best = found.search.top[0]
        own = carbon_interval(found.scenario, found.resolved, best.setting, best.step_s, best.duration_s)
        assert own == found.footprint.intervals["total_tco2e"]
        assert own == found.intervals_of(best)["carbon_interval_tco2e"]


def test_shared_hosts_count_in_the_search() -> None:
    _least(shared_hosts=True)
    assert _plan(objective="carbon", shared_hosts=True).n_devices == 1


def test_hours_met_count_in_the_search(tmp_path: Path) -> None:
    """Two clean hours, then dirty days: more devices finish in time to emit less, though they take more energy."""
    hours = _hours(tmp_path, 5.0, 5.0, *(800.0,) * 46)
    _least(hourly=hours, tokens=8e9)
    carbon, energy = (_plan(objective=name, hourly=hours, tokens=8e9) for name in ("carbon", "energy"))
    assert carbon.n_devices > energy.n_devices
    assert carbon.footprint.energy_kwh > energy.footprint.energy_kwh


def test_lines_beside_the_run_count_in_the_search() -> None:
    _least(boundary=Boundary(development=2.4, idle_reservation=20.0))


def test_power_that_falls_faster_than_speed_counts_in_the_search(tmp_path: Path) -> None:
    factors = tmp_path / "factors.toml"
    rows = (("exponent", 3, "1"), ("idle_power", 10, "W"), ("host_power", 0, "W"))
    factors.write_text("".join(f"[{name}]\nvalue = {value}\nunit = '{unit}'\n" for name, value, unit in rows))
    _least(factors=str(factors))
    with_all = _plan(objective="energy", factors=str(factors), quantiles=(0.5,))
    pruned = _plan(objective="energy", factors=str(factors))
    assert with_all.search is not None
    assert pruned.search is not None
    assert with_all.search.top == pruned.search.top
    assert with_all.search.n_near == pruned.search.n_near
    assert with_all.search.front == pruned.search.front


def test_the_front_holds_the_least_carbon_by_the_hour(tmp_path: Path) -> None:
    hours = _hours(tmp_path, *(900.0, 900.0, 0.0, 0.0) * 6)
    found = _plan(objective="carbon", hourly=hours)
    assert found.search is not None
    least = min(c.carbon_kg for c in found.search.front)
    assert least / TONNE == pytest.approx(found.footprint.total_tco2e, rel=1e-12)


@pytest.mark.parametrize(
    ("role", "stated"),
    [
        ("carbon_intensity", {"carbon_intensity_g_per_kwh": 50.0}),
        ("carbon_intensity", {"hourly": "hours"}),
        ("pue", {"pue": 1.2}),
        ("lifetime", {"lifetime_years": 4.0}),
    ],
)
def test_a_factor_in_a_file_and_stated_is_refused(tmp_path: Path, role: str, stated: dict[str, Any]) -> None:
    factors = tmp_path / "factors.toml"
    unit = {"carbon_intensity": "g/kWh", "pue": "1", "lifetime": "y"}[role]
    factors.write_text(f"[{role}]\nvalue = 2\nunit = '{unit}'\n")
    said = {"hourly": _hours(tmp_path, 5.0, 800.0)} if "hourly" in stated else stated
    assert isinstance(_plan(factors=str(factors)), Estimate)
    with pytest.raises(cs.InputError, match="told twice"):
        _plan(factors=str(factors), **said)


def test_the_arithmetic_written_down_is_the_answers() -> None:
    answer, lines = cs.explain(replace(SMALL, devices=4, max_days=None, shared_hosts=True))
    assert isinstance(answer, Estimate)
    hosts = [line.result for line in lines if line.formula.name == "carbon.operational.host_count"]
    assert hosts == [pytest.approx(0.5)]


def test_places_have_their_own_intensity_where_the_answer_goes_by_the_hour(tmp_path: Path) -> None:
    plain, by_hour = _plan(objective="time"), _plan(objective="time", hourly=_hours(tmp_path, 500.0), start_hour=2.0)
    assert ranked(by_hour, ("france", "poland")) == ranked(plain, ("france", "poland"))


def test_paper_rules_find_again_what_they_found() -> None:
    s = cs.Scenario(model="llama-3-8b", tokens=1e12, device="h100-sxm", devices=64, batch=1024, space="paper")
    for tp in (2, 8):
        found = cs.estimate(replace(s, layout=cs.Layout(tp=tp)))
        assert isinstance(found, Estimate)
        assert (found.setting.tp, found.setting.etp) == (tp, 1)


def test_a_context_degree_that_is_left_out_is_searched() -> None:
    s = cs.Scenario(model="llama-3-8b", tokens=1e12, device="h100-sxm", devices=256, batch=16, seq_len=65536)
    free = cs.estimate(s)
    assert isinstance(free, Estimate)
    assert free.setting.cp > 1
    again = cs.estimate(replace(s, layout=cs.Layout(tp=int(free.setting.tp), pp=int(free.setting.pp))))
    assert isinstance(again, Estimate)
    assert again.setting == free.setting


def test_replicas_alone_are_no_device_count() -> None:
    """A plan whose replicas are fixed as found is still a plan where the command chooses."""
    s = replace(SMALL, max_days=None)
    free = answered(s)
    assert isinstance(free, Estimate)
    again = answered(replace(s, layout=cs.Layout(dp=int(free.setting.dp))))
    assert isinstance(again, Estimate)
    assert again.setting == free.setting
    assert kind_of(again.scenario) == "plan"
    assert kind_of(replace(s, layout=cs.Layout(tp=1, pp=1, dp=8))) == "estimate"


PROFILES = st.lists(st.sampled_from((0.0, 1.0, 50.0, 400.0, 900.0)), min_size=1, max_size=30)


@given(PROFILES, st.floats(0.0, 60.0), st.lists(st.floats(1e-3, 500.0), min_size=2, max_size=20))
def test_no_longer_run_falls_below_the_least_mean(values: list[float], start: float, lengths: list[float]) -> None:
    profile = HourlyProfile("2025-01-01T00:00:00", tuple(values))
    hours, h = Hours(profile, start), np.sort(np.array([*lengths, 1e6]))
    mean, least = np.asarray(hours.mean(h)), np.asarray(hours.least_mean(h))
    met = [passage(profile, start, x).working_g_per_kwh for x in h.tolist()]
    assert mean == pytest.approx(met, rel=1e-9, abs=1e-9)
    assert (np.diff(least) >= -1e-9).all()
    for i in range(len(h)):
        assert least[i] <= mean[i:].min() + 1e-9
    assert float(hours.mean(h[0])) == mean[0]

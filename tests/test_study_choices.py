"""Choices: every combination, the least, the front, hours of a grid, power limits."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from carbonscaling.carbon.hourly import passage
from carbonscaling.carbon.profile import HourlyProfile
from carbonscaling.errors import InputError
from carbonscaling.study.answer import estimate
from carbonscaling.study.choices import Choice, Options, best, choices, front
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.scenario import Layout, Scenario

FIXED = Layout(tp=1, pp=1, dp=16, zero=2, micro_batch=1, recompute="none")
SMALL = Scenario(
    model="gpt-3-1.3b", tokens=26e9, device="h100-sxm", devices=16, batch=256, layout=FIXED, objective="time"
)
DAY_AND_NIGHT = HourlyProfile("2025-01-01T00:00:00", (100.0,) * 12 + (300.0,) * 12)


def test_regions_by_both_methods_and_their_sums() -> None:
    found = choices(SMALL, Options(regions=("us-east5", "europe-north2", "us-east-1")))
    dirty, clean, other = found
    assert clean.operational_tco2e < 0.01 * dirty.operational_tco2e
    assert clean.market_tco2e <= clean.operational_tco2e
    assert dirty.market_tco2e < dirty.operational_tco2e
    assert clean.embodied_tco2e == dirty.embodied_tco2e
    for c in found:
        assert c.operational_tco2e + c.embodied_tco2e == pytest.approx(c.total_tco2e)
        assert c.low_tco2e <= c.total_tco2e <= c.high_tco2e
    assert other.region == "us-east-1"
    assert best(found, "total_tco2e") is clean
    assert best(found, "cost_usd") is clean  # same price: less carbon


def test_the_front_holds_what_nothing_beats() -> None:
    def choice(carbon: float, cost: float | None) -> Choice:
        return Choice("r", "d", 8, total_tco2e=carbon, cost_usd=cost)

    a, b, c, d = choice(1.0, 9.0), choice(2.0, 5.0), choice(3.0, 6.0), choice(0.5, None)
    assert front([c, b, a, d, Choice("r", "d", infeasible="no")]) == (a, b)


def test_start_times_and_pauses(tmp_path: Path) -> None:
    options = Options(starts=(0.0, 12.0), pause_above=(math.inf, 200.0))
    by_hour = replace(SMALL, hourly=_csv(tmp_path, DAY_AND_NIGHT))
    by_day, by_day_pausing, by_night, by_night_pausing = choices(by_hour, options)
    assert by_day.operational_tco2e < by_night.operational_tco2e
    assert by_day.paused_days == by_night.paused_days == 0.0
    for free, pausing in ((by_day, by_day_pausing), (by_night, by_night_pausing)):
        assert pausing.paused_days > 0.0
        assert pausing.days == pytest.approx(free.days + pausing.paused_days)
        assert pausing.energy_kwh > free.energy_kwh  # idle power while waiting
        assert pausing.embodied_tco2e > free.embodied_tco2e
        assert pausing.cost_usd is not None
        assert free.cost_usd is not None
        assert pausing.cost_usd > free.cost_usd
        assert pausing.operational_tco2e + pausing.embodied_tco2e == pytest.approx(pausing.total_tco2e)


def test_a_pause_that_breaks_the_deadline_cannot_be(tmp_path: Path) -> None:
    free = choices(SMALL, Options())[0]
    by_hour = replace(SMALL, hourly=_csv(tmp_path, DAY_AND_NIGHT))
    found = choices(by_hour, Options(deadlines=(free.days * 1.2,), starts=(6.0,), pause_above=(200.0,)))
    assert "deadline" in found[0].infeasible


def test_a_power_limit_costs_time_and_saves_energy() -> None:
    v100 = Scenario(model="gpt-3-1.3b", tokens=26e9, device="v100-sxm2-32", devices=64, objective="time")
    free, limited = choices(v100, Options(power_limits=(math.inf, 150.0)))
    assert limited.days > free.days
    assert limited.energy_kwh < free.energy_kwh
    assert limited.power_limit_w == 150.0


def test_a_limit_is_the_same_asked_for_in_any_way() -> None:
    """One option of the scenario: its answer is the choice's, and the rating as limit changes nothing but rounding."""
    capped = replace(SMALL, power_limit=500.0)
    (choice,) = choices(SMALL, Options(power_limits=(500.0,)))
    answer, free, rated = estimate(capped), estimate(SMALL), estimate(replace(SMALL, power_limit=700.0))
    assert isinstance(answer, Estimate)
    assert isinstance(free, Estimate)
    assert isinstance(rated, Estimate)
    assert (choice.days, choice.energy_kwh) == (answer.duration_s / 86400, answer.footprint.energy_kwh)
    assert answer.duration_s > free.duration_s
    assert answer.footprint.energy_kwh < free.footprint.energy_kwh
    assert rated.duration_s == pytest.approx(free.duration_s)
    assert rated.footprint.energy_kwh == pytest.approx(free.footprint.energy_kwh)
    assert answer.footprint.parts.device_power_w <= 500.0
    assert any("500 W" in note for note in answer.resolved.notes)
    wide, narrow = (e.intervals["duration_days"] for e in (answer, free))
    assert wide[1] / wide[0] > narrow[1] / narrow[0]


@pytest.mark.parametrize(
    ("scenario", "options", "word"),
    [
        (SMALL, {"power_limits": (300.0,)}, "329 to 700 W"),
        (replace(SMALL, device="mi300x"), {"power_limits": (600.0,)}, "NVIDIA"),
        (SMALL, {"starts": (3.0,)}, "--hourly"),
        (replace(SMALL, hourly="hours.csv"), {"regions": ("us-east5", "france")}, "one hourly profile"),
        (SMALL, {"regions": ("us-eats5",)}, "us-east5"),
    ],
)
def test_contradictions(scenario: Scenario, options: dict[str, object], word: str) -> None:
    with pytest.raises(InputError, match=word):
        choices(scenario, Options(**options))  # type: ignore[arg-type]


def test_what_cannot_be_says_why() -> None:
    found = choices(SMALL, Options(deadlines=(0.001,)))
    assert found[0].infeasible
    assert best(found, "total_tco2e") is None


def _csv(tmp_path: Path, profile: HourlyProfile) -> str:
    path = tmp_path / "hours.csv"
    first = datetime.fromisoformat(profile.begin)
    rows = (f"{(first + timedelta(hours=i)).isoformat()},{g:g}" for i, g in enumerate(profile.g_per_kwh))
    path.write_text("\n".join(("time,g_per_kwh", *rows)) + "\n")
    return str(path)


def test_an_estimate_counts_the_hours_it_meets(tmp_path: Path) -> None:
    hours = _csv(tmp_path, DAY_AND_NIGHT)
    plain = estimate(SMALL)
    assert isinstance(plain, Estimate)
    for start in (0.0, 6.0):
        found = estimate(replace(SMALL, hourly=hours, start_hour=start))
        assert isinstance(found, Estimate)
        met = passage(DAY_AND_NIGHT, start, found.duration_s / 3600.0).working_g_per_kwh
        assert found.footprint.carbon_intensity_g_per_kwh == pytest.approx(met)
        assert found.footprint.operational_tco2e == pytest.approx(found.footprint.energy_kwh * met / 1e6)
        assert found.footprint.energy_kwh == pytest.approx(plain.footprint.energy_kwh)
        assert any("from hour" in note for note in found.resolved.notes)
        chosen = choices(replace(SMALL, hourly=hours), Options(starts=(start,)))
        assert chosen[0].operational_tco2e == pytest.approx(found.footprint.operational_tco2e)


def test_hours_that_contradict_the_scenario_are_refused(tmp_path: Path) -> None:
    hours = _csv(tmp_path, DAY_AND_NIGHT)
    with pytest.raises(InputError, match="two carbon intensities"):
        replace(SMALL, hourly=hours, carbon_intensity_g_per_kwh=100.0)
    with pytest.raises(InputError, match="start hour"):
        replace(SMALL, start_hour=3.0)
    with pytest.raises(InputError, match="start_hour out of range"):
        replace(SMALL, hourly=hours, start_hour=-1.0)
    with pytest.raises(InputError, match=r"nowhere\.csv"):
        estimate(replace(SMALL, hourly=str(tmp_path / "nowhere.csv")))

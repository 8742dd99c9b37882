"""Regions of three clouds and countries, market against location, hours of a grid."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbonscaling.carbon import assess
from carbonscaling.carbon.hourly import passage
from carbonscaling.carbon.model import carbon_model
from carbonscaling.carbon.profile import HourlyProfile, load_profile
from carbonscaling.catalog import hardware
from carbonscaling.catalog.regions import place
from carbonscaling.errors import InputError
from carbonscaling.units import DAY


@pytest.mark.parametrize(
    ("name", "grid"),
    [("us-east-1", "us-east4"), ("eu-north-1", "europe-north2"), ("eu-west-1", "ireland"), ("us-west-1", "caiso")],
)
def test_other_clouds_take_the_grid_they_are_on(name: str, grid: str) -> None:
    assert place(name).location.value == place(grid).location.value
    assert grid in place(name).location.remark


def test_market_based_is_what_carbon_free_energy_leaves() -> None:
    columbus = place("us-east5")
    assert columbus.market.value == pytest.approx((1 - 0.62) * 323.05)
    assert columbus.market.high == columbus.location.high
    assert place("europe-north2").market.value == pytest.approx(0.0, abs=0.2)
    assert place("france").market.value == place("france").location.value


def test_a_clean_region_against_a_dirty_one_by_both_methods() -> None:
    h100 = hardware.cluster("h100-sxm")
    clean, dirty = (assess(carbon_model(h100, r), 1024, 30 * DAY, 0.4) for r in ("europe-north2", "us-east5"))
    assert clean.operational_tco2e / dirty.operational_tco2e == pytest.approx(2.73 / 323.05)
    assert clean.energy_kwh == dirty.energy_kwh
    assert clean.embodied_tco2e == dirty.embodied_tco2e
    assert clean.market.operational_tco2e <= clean.operational_tco2e
    assert dirty.market.operational_tco2e == pytest.approx(0.38 * dirty.operational_tco2e)
    assert clean.embodied_tco2e / clean.total_tco2e > 0.7
    assert dirty.embodied_tco2e / dirty.total_tco2e < 0.1


def test_unknown_regions_name_the_nearest() -> None:
    for wrong, right in (("us-eats5", "us-east5"), ("eu-wset-1", "eu-west-1"), ("Germny", "germany")):
        with pytest.raises(InputError, match=right):
            place(wrong)


DAY_AND_NIGHT = HourlyProfile("2025-01-01T00:00:00", (100.0,) * 12 + (300.0,) * 12)


def test_a_run_of_whole_days_meets_the_average() -> None:
    assert passage(DAY_AND_NIGHT, 7.0, 240.0).working_g_per_kwh == pytest.approx(200.0) == DAY_AND_NIGHT.average


def test_a_run_of_some_hours_meets_those_hours() -> None:
    assert passage(DAY_AND_NIGHT, 0.0, 12.0).working_g_per_kwh == 100.0
    assert passage(DAY_AND_NIGHT, 11.5, 1.0).working_g_per_kwh == pytest.approx(200.0)


@pytest.mark.parametrize(
    ("start", "hours", "paused"),
    [(0.0, 12.0, 0.0), (0.0, 13.0, 12.0), (6.0, 24.0, 24.0), (18.0, 1.0, 6.0), (6.5, 30.0, 36.0), (0.0, 24.0, 12.0)],
)
def test_pauses_by_hand(start: float, hours: float, paused: float) -> None:
    way = passage(DAY_AND_NIGHT, start, hours, 200.0)
    assert way.working_h == pytest.approx(hours)
    assert way.paused_h == pytest.approx(paused)
    assert way.working_g_per_kwh == pytest.approx(100.0)


@given(
    values=st.lists(st.floats(1, 900), min_size=1, max_size=30),
    start=st.floats(0, 100),
    hours=st.floats(0.1, 300),
)
def test_pausing_never_makes_the_working_hours_dirtier(values: list[float], start: float, hours: float) -> None:
    profile = HourlyProfile("2025-01-01", tuple(values))
    free, pausing = passage(profile, start, hours), passage(profile, start, hours, sorted(values)[len(values) // 2])
    assert free.working_h == pytest.approx(hours)
    assert pausing.working_h == pytest.approx(hours)
    assert free.paused_h == 0.0
    assert pausing.working_g_per_kwh <= max(values) + 1e-9
    assert min(values) - 1e-9 <= free.working_g_per_kwh <= max(values) + 1e-9


def test_a_threshold_that_stops_everything() -> None:
    with pytest.raises(InputError, match="100 g/kWh or more"):
        passage(DAY_AND_NIGHT, 0.0, 1.0, 50.0)


def _profile(tmp_path: Path, *rows: str) -> HourlyProfile:
    path = tmp_path / "hours.csv"
    path.write_text("\n".join(("time,g_per_kwh", *rows)) + "\n")
    return load_profile(path)


def test_a_profile_is_read_as_written(tmp_path: Path) -> None:
    found = _profile(tmp_path, "2025-01-01T00:00,100", "2025-01-01T01:00,250.5")
    assert found == HourlyProfile("2025-01-01T00:00:00", (100.0, 250.5))


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (("2025-01-01T00:00,100", "2025-01-01T00:07,100"), ["odd step", "5, 10, 15"]),
        (("2025-01-01T00:00,100", "2025-01-01T00:00,100"), ["hours overlap"]),
        (("2025-01-01T00:00,100", "2025-01-01T03:00,100"), ["hours are missing", "2025-01-01T01:00:00"]),
        (("2025-01-01T05:00,100", "2025-01-01T01:00,100"), ["backwards"]),
        (("2025-01-01T00:00,-1",), ["g_per_kwh", "0 or more"]),
        (("2025-01-01T00:00,much",), ["g_per_kwh"]),
        (("yesterday,100",), ["not a time", "ISO 8601"]),
        (("2025-01-01T00:00,1", "2025-01-01T01:00+00:00,1"), ["zone"]),
        ((), ["no rows"]),
        (("2025-01-01T00:00,", "2025-01-01T01:00,"), ["no value in any row"]),
        (("2025-01-01T00:00,100", "2025-01-01T00:15,100", "2025-01-01T00:20,100"), ["hours overlap", "line 4"]),
        (("2025-01-01T00:00,1e9",), ["out of range"]),
    ],
)
def test_bad_profiles(tmp_path: Path, rows: tuple[str, ...], words: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        _profile(tmp_path, *rows)
    assert all(word in str(caught.value) for word in words)


def test_a_missing_column(tmp_path: Path) -> None:
    path = tmp_path / "hours.csv"
    path.write_text("time,g_per_kw\n")
    with pytest.raises(InputError, match="g_per_kw"):
        load_profile(path)

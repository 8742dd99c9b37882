"""Carbon intensity over time: the files that people have, windows, dates, the best start (A10 of the carbon audit)."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from carbonscaling.carbon.hourly import Hours, mean_by_start, passage
from carbonscaling.carbon.profile import HourlyProfile, load_profile
from carbonscaling.carbon.windows import open_steps
from carbonscaling.cli import main
from carbonscaling.errors import InputError
from carbonscaling.reporting.choices import choices_page
from carbonscaling.study.answer import estimate
from carbonscaling.study.choices import Options, choices
from carbonscaling.study.scenario import Scenario

WEEK = HourlyProfile("2026-01-05T00:00:00+00:00", tuple(100.0 + h % 24 for h in range(7 * 24)))  # a Monday
RUN = Scenario(model="llama-3-8b", tokens=1e10, devices=64, practice="typical")


def _write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def _plain(path: Path, minutes: int, n: int) -> Path:
    first = datetime(2026, 1, 1, tzinfo=UTC)
    rows = [f"{(first + i * timedelta(minutes=minutes)).isoformat()},{100 + i}" for i in range(n)]
    return _write(path, "time,g_per_kwh\n" + "\n".join(rows) + "\n")


@pytest.mark.parametrize("minutes", [5, 10, 15, 20, 30, 60])
def test_steps_of_5_to_60_minutes(tmp_path: Path, minutes: int) -> None:
    found = load_profile(_plain(tmp_path / "h.csv", minutes, 12))
    assert found.step_h == pytest.approx(minutes / 60.0)
    assert found.hours == pytest.approx(12 * minutes / 60.0)
    assert passage(found, 0.0, found.step_h).working_g_per_kwh == pytest.approx(100.0)
    assert passage(found, found.step_h, 2 * found.step_h).working_g_per_kwh == pytest.approx(101.5)
    assert Hours(found, 0.0).mean(found.hours) == pytest.approx(found.average)


@given(
    values=st.lists(st.floats(1, 900), min_size=1, max_size=20),
    start=st.floats(0, 50),
    hours=st.floats(0.1, 60),
    parts=st.sampled_from([2, 4, 12]),
)
def test_finer_steps_of_the_same_hours_change_nothing(
    values: list[float], start: float, hours: float, parts: int
) -> None:
    coarse = HourlyProfile("2026-01-01", tuple(values))
    fine = HourlyProfile("2026-01-01", tuple(np.repeat(values, parts).tolist()), 1.0 / parts)
    ways = [passage(profile, start, hours) for profile in (coarse, fine)]
    assert ways[0].working_g_per_kwh == pytest.approx(ways[1].working_g_per_kwh, rel=1e-6)
    assert Hours(coarse, start).mean(hours) == pytest.approx(Hours(fine, start).mean(hours), rel=1e-6)


@given(values=st.lists(st.floats(1, 900), min_size=1, max_size=20), hours=st.floats(0.1, 60))
def test_the_mean_by_start_is_what_a_run_from_there_meets(values: list[float], hours: float) -> None:
    profile = HourlyProfile("2026-01-01", tuple(values))
    means = mean_by_start(profile, hours)
    for start in range(len(values)):
        assert means[start] == pytest.approx(passage(profile, float(start), hours).working_g_per_kwh, rel=1e-6)


EM = (
    "Datetime (UTC),Country,Zone name,Zone id,Carbon intensity gCO2eq/kWh (direct),"
    "Carbon intensity gCO2eq/kWh (Life cycle),Carbon-free energy percentage (CFE%)\n"
)


def test_electricity_maps_files_have_both_bases(tmp_path: Path) -> None:
    rows = "".join(f"2026-01-01 0{h}:00:00,Sweden,Sweden,SE,{8 + h},{35 + h},98\n" for h in range(3))
    path = _write(tmp_path / "em.csv", EM + rows)
    assert load_profile(path).g_per_kwh == (8.0, 9.0, 10.0)
    found = load_profile(path, basis="life-cycle")
    assert found.g_per_kwh == (35.0, 36.0, 37.0)
    assert found.basis == "life-cycle, location-based: Electricity Maps SE"
    old = _write(tmp_path / "old.csv", EM.replace("Life cycle", "LCA") + rows)
    assert load_profile(old, basis="life-cycle").g_per_kwh == (35.0, 36.0, 37.0)


def test_watttime_is_marginal_and_in_pounds(tmp_path: Path) -> None:
    answer = {
        "data": [{"point_time": f"2026-01-01T00:{5 * i:02d}:00+00:00", "value": 1000.0} for i in range(3)],
        "meta": {
            "region": "CAISO_NORTH",
            "signal_type": "co2_moer",
            "units": "lbs_co2_per_mwh",
            "data_point_period_seconds": 300,
        },
    }
    found = load_profile(_write(tmp_path / "w.json", json.dumps(answer)))
    assert found.g_per_kwh == pytest.approx((453.59237,) * 3)
    assert found.step_h == pytest.approx(1 / 12)
    assert found.basis.startswith("marginal")


def test_entsoe_market_time_units(tmp_path: Path) -> None:
    rows = "".join(f"01.01.2026 00:{15 * i:02d} - 01.01.2026 00:{15 * i + 15:02d},{300 + i}\n" for i in range(3))
    found = load_profile(_write(tmp_path / "e.csv", "MTU (UTC),gCO2/kWh\n" + rows))
    assert (found.g_per_kwh, found.step_h) == ((300.0, 301.0, 302.0), 0.25)


def test_a_column_of_several_places_and_blank_hours(tmp_path: Path) -> None:
    path = _write(tmp_path / "us.csv", "time,ERCO,PJM\n" + "".join(
        f"2022-01-01T{h:02d}:00:00+00:00,{300 + h},{'' if h in (2, 3) else 400 + h}\n" for h in range(6)))  # fmt: skip
    assert load_profile(path, "ERCO").g_per_kwh[0] == 300.0
    pjm = load_profile(path, "PJM")
    assert pjm.filled == 2
    assert pjm.g_per_kwh == pytest.approx((400.0, 401.0, 402.0, 403.0, 404.0, 405.0))
    found = estimate(Scenario(**{**vars(RUN), "hourly": f"{path}:PJM"}))
    assert "2 steps without a value bridged" in " ".join(found.resolved.notes)
    with pytest.raises(InputError, match=r"(?s)a column is missing.*ERCO, PJM"):
        load_profile(path)


def test_windows_by_the_calendar() -> None:
    night, weekend, day = (open_steps(WEEK, window) for window in ("night", "weekend", "8-20"))
    assert night.sum() == 7 * 8
    assert weekend.sum() == 48
    assert np.flatnonzero(weekend)[0] == 5 * 24
    assert day.sum() == 7 * 12
    local = open_steps(WEEK, "night@America/Chicago")
    assert local.sum() == 7 * 8
    assert local[4]  # 04:00 UTC is 22:00 in Chicago
    assert not local[3]
    way = passage(WEEK, 0.0, 24.0, window="weekend")
    assert way.paused_h == 5 * 24
    assert way.working_h == 24.0


@pytest.mark.parametrize(
    ("window", "open_at"),
    [
        ("0-24", set(range(24))),
        ("24-1", {0}),
        ("23-24", {23}),
        ("9-8", set(range(24)) - {8}),
        ("22-6", {22, 23, 0, 1, 2, 3, 4, 5}),
    ],
)
def test_a_window_has_its_first_hour_and_not_its_last(window: str, open_at: set[int]) -> None:
    assert set(np.flatnonzero(open_steps(WEEK, window)[:24])) == open_at
    with pytest.raises(InputError, match="unknown window"):
        open_steps(WEEK, "7-7")


def test_a_step_within_an_hour_is_in_the_window_when_it_begins() -> None:
    """Quarters of the hours from 07:30 on: the window from 8 to 9 has the four that begin at 08:00, 08:15, 08:30 and 08:45."""
    quarters = HourlyProfile("2026-01-05T07:30:00+00:00", (100.0,) * 12, 0.25)
    assert np.flatnonzero(open_steps(quarters, "8-9")).tolist() == [2, 3, 4, 5]


@pytest.fixture
def hours(tmp_path: Path) -> str:
    values = [200 + (100 if 6 <= h % 24 < 22 else 0) - (150 if 240 <= h < 300 else 0) for h in range(600)]
    first = datetime(2026, 1, 1, tzinfo=UTC)
    rows = "\n".join(f"{(first + timedelta(hours=h)).isoformat()},{g}" for h, g in enumerate(values))
    return str(_write(tmp_path / "h.csv", f"time,g_per_kwh\n{rows}\n"))


def test_starts_are_dates_and_the_best_is_found(hours: str) -> None:
    s = Scenario(**{**vars(RUN), "hourly": hours})
    found = choices(s, Options(starts=("2026-01-02", "2026-01-02T03:00+01:00", 24.0), best_start=True))
    assert [c.start_hour for c in found[:3]] == [24.0, 26.0, 24.0]
    assert found[0].start == "2026-01-02T00:00+00:00"
    best = min(found, key=lambda c: c.total_tco2e)
    assert best is found[3]
    assert best.start_hour is not None
    assert 230.0 <= best.start_hour < 300.0
    every = choices(s, Options(starts=tuple(float(h) for h in range(0, 600, 25))))
    assert best.total_tco2e <= min(c.total_tco2e for c in every) + 1e-9


def test_the_hour_of_a_start_is_told_whole_and_a_best_start_has_been_compared(hours: str) -> None:
    (found,) = choices(Scenario(**{**vars(RUN), "hourly": hours}), Options(best_start=True))
    console = Console(width=200)
    with console.capture() as said:
        console.print(choices_page([replace(found, start_hour=1878.0)]))
    assert "(hour 1,878)" in said.get()
    assert "Nothing to compare" not in said.get()


def test_the_market_figure_follows_the_hours(hours: str) -> None:
    s = Scenario(**{**vars(RUN), "hourly": hours})
    for c in choices(s, Options(starts=("2026-01-03T20:00",), pause_above=(250.0,), windows=("always", "night"))):
        assert c.paused_days > 0.0
        assert c.market_tco2e == pytest.approx(c.operational_tco2e)


def test_the_command_takes_dates_windows_and_the_best_start(hours: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = f"choose --model llama-3-8b --tokens 1e10 --devices 64 --practice typical --hourly {hours}"
    assert main([*words.split(), "--starts", "2026-01-02", "--best-start", "--windows", "always,night", "--csv"]) == 0
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert len(rows) == 4
    assert {row["window"] for row in rows} == {"always", "night"}


BAD_PROFILES = {
    "not csv, not json": ("{not json", "not valid JSON"),
    "another service": ('{"records": []}', "not an answer of WattTime"),
    "unit of energy": ('{"data": [], "meta": {"signal_type": "co2_moer", "units": "MWh"}}', "unknown unit"),
    "no points": ('{"data": [], "meta": {"signal_type": "co2_moer", "units": "lbs_co2_per_mwh"}}', "no rows"),
    "a list": ("[1, 2]", "not an answer of WattTime"),
    "value of text": (
        '{"data": [{"point_time": "2026-01-01T00:00Z", "value": "high"}], "meta": {"signal_type": "a",'
        ' "units": "lbs_co2_per_mwh"}}',
        "out of range",
    ),
    "no time": ("when,g_per_kwh\n2026-01-01,1\n", "a column is missing"),
    "no intensity": ("time,watts\n2026-01-01,1\n", "a column is missing"),
    "no moment": ("time,g_per_kwh\nyesterday,1\n", "not a time"),
    "two zones": (EM + "2026-01-01 00:00:00,S,S,SE,1,2,3\n2026-01-01 01:00:00,N,N,NO,1,2,3\n", "several zones"),
    "no direct column": (
        "Datetime (UTC),Zone id,Carbon intensity (LCA)\n2026-01-01 00:00:00,SE,3\n",
        "no operational intensity",
    ),
    "mtu of words": ("MTU (UTC),gCO2/kWh\nsoon,3\n", "not a time"),
    "mtu without a value": ("MTU (UTC),Coal [MW]\n01.01.2026 00:00,3\n", "no column of intensities"),
    "infinite": ("time,g_per_kwh\n2026-01-01T00:00,inf\n", "out of range"),
    "a gap of two days": (
        "time,g_per_kwh\n"
        + "".join(f"2026-01-0{1 + h // 24}T{h % 24:02d}:00,{'' if 2 < h < 60 else 1}\n" for h in range(72)),
        "missing for too long",
    ),
    "empty": ("", "a column is missing"),
}


@pytest.mark.parametrize(("text", "words"), BAD_PROFILES.values(), ids=BAD_PROFILES)
def test_broken_profiles_end_in_one_clear_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, words: str
) -> None:
    path = _write(tmp_path / "bad.csv", text)
    assert (
        main(["estimate", "--model", "llama-3-8b", "--tokens", "1e10", "--devices", "64", "--hourly", str(path)]) == 2
    )
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert words in error
    assert "bad.csv" in error
    assert "remedy" in error


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (Options(starts=("soon",)), "not a date"),
        (Options(starts=("2020-01-01",)), "before the profile begins"),
        (Options(starts=(-1.0,)), "out of range"),
        (Options(windows=("lunch",)), "unknown window"),
        (Options(windows=("25-3",)), "unknown window"),
        (Options(windows=("night@Mars/Olympus",)), "unknown time zone"),
    ],
)
def test_broken_starts_and_windows(hours: str, options: Options, words: str) -> None:
    with pytest.raises(InputError, match=words):
        choices(Scenario(**{**vars(RUN), "hourly": hours}), options)


def test_explain_shows_where_an_intensity_comes_from(hours: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The mean of the hours met, and a contract's share of the rest, with their numbers."""
    words = f"explain --model llama-3-8b --tokens 1e10 --devices 64 --practice typical --hourly {hours} --open carbon"
    assert main([*words.split(), "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    (line,) = [x for x in data["formulas"] if x["name"] == "carbon.hourly.mean_intensity"]
    assert line["result"] == pytest.approx(line["arguments"]["met"] / line["arguments"]["hours"])
    assert line["result"] == pytest.approx(data["carbon"]["carbon_intensity_g_per_kwh"])
    bought = ["--scope2", "market", "--contract-kind", "ppa", "--contract-mwh", "0.2", "--contract-g-per-kwh", "10"]
    assert main([*words.split(), *bought, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    found = {x["name"]: x for x in data["formulas"]}
    share = (
        found["carbon.contracts.covered_energy"]["result"]
        / found["carbon.contracts.covered_energy"]["arguments"]["energy"]
    )
    mixed = found["carbon.contracts.contracted_intensity"]
    assert mixed["result"] == pytest.approx(share * 10 + (1 - share) * mixed["arguments"]["residual"])
    assert mixed["result"] == pytest.approx(data["carbon"]["market"]["carbon_intensity_g_per_kwh"])
    assert main([*words.split(), *bought]) == 0
    page = " ".join(capsys.readouterr().out.split())
    assert f"{share:.1%} under contract x 10" in page

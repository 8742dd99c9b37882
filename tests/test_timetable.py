"""Timetables: the best against every one there is, policies against their guarantee, the year against exhaustive search."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

import carbonscaling as cs
from carbonscaling.carbon.contracts import Contracts
from carbonscaling.carbon.hourly import mean_by_start
from carbonscaling.carbon.profile import load_profile
from carbonscaling.cli import main
from carbonscaling.errors import ExitCode, InputError
from carbonscaling.timetable.job import AFTER, BEFORE, PAUSED, Job, carbon_of_timetable
from carbonscaling.timetable.offline import least_carbon
from carbonscaling.timetable.online import at_once, competitive_ratio, reservation, waiting_for

RNG = np.random.default_rng(7)


def job(n: int, n_places: int, horizon: int) -> Job:
    g = RNG.uniform(50, 500, (n_places, horizon))
    return Job(
        n,
        RNG.uniform(0.1, 1.0),
        g,
        g * 0.2,
        g * RNG.uniform(0.0, 0.5),
        g * 0.1 + RNG.uniform(0, 50),
        RNG.uniform(0, 40),
    )


def of_every_timetable(j: Job) -> float:
    """Try all of them: a place to work in, a place to wait in, or not held, at every step."""
    r, best = j.n_places, np.inf
    for acts in itertools.product(range(-1, 2 * r), repeat=j.horizon):
        a = np.array(acts)
        at_work = np.flatnonzero((a >= 0) & (a < r))
        if len(at_work) != j.n_steps:
            continue
        first, last = at_work[0], at_work[-1]
        inside = a[first : last + 1]
        if (inside == -1).any() or (a[:first] != -1).any() or (a[last + 1 :] != -1).any():
            continue
        places = np.where(a >= r, a - r, a)
        moved = np.flatnonzero(np.diff(places[first : last + 1])) + first + 1
        if (a[moved] < r).any():  # a move takes a paused step
            continue
        places[:first], places[last + 1 :] = a[first], a[last]
        actions = np.where(a >= r, PAUSED, a)
        actions[:first], actions[last + 1 :] = BEFORE, AFTER
        best = min(best, carbon_of_timetable(j, actions, places))
    return best


@pytest.mark.parametrize(("n_places", "horizon"), [(1, 7), (2, 5)])
def test_the_best_timetable_is_the_best_of_all(n_places: int, horizon: int) -> None:
    for n in range(1, horizon + 1):
        j = job(n, n_places, horizon)
        found = least_carbon(j)
        assert found.kg == pytest.approx(carbon_of_timetable(j, found.actions, found.places), rel=1e-12)
        assert found.kg == pytest.approx(of_every_timetable(j), rel=1e-12)


def test_without_costs_of_waiting_the_cleanest_hours_are_worked() -> None:
    g = RNG.uniform(50, 500, (1, 400))
    free = Job(90, 1.0, g, 0 * g, 0 * g, 0 * g, 0.0)
    assert least_carbon(free).kg == pytest.approx(np.sort(g[0])[:90].sum())


def test_policies_keep_their_guarantee_and_never_beat_foresight() -> None:
    for _ in range(1000):
        k = int(RNG.integers(1, 30))
        horizon = int(RNG.integers(k, 5 * k + 2))
        g = np.clip(np.exp(RNG.normal(5.3, 0.8, horizon)), 60.0, 600.0)
        g = np.sort(g)[::-1] if RNG.random() < 0.2 else np.sort(g) if RNG.random() < 0.2 else g
        free = Job(k, 1.0, g[None], 0 * g[None], 0 * g[None], 0 * g[None], 0.0)
        wait = reservation(60.0, 600.0)
        guaranteed = carbon_of_timetable(free, *waiting_for(free, g, wait))
        least = np.sort(g)[:k].sum()
        assert least * (1 - 1e-9) <= guaranteed <= competitive_ratio(60.0, 600.0) * least * (1 + 1e-9)
        assert carbon_of_timetable(free, *at_once(free)) >= least * (1 - 1e-9)


HOURS = 24 * 40


@pytest.fixture
def hours(tmp_path: Path) -> Path:
    """Two places; the second is cleaner, and both are cleaner around noon."""
    t = np.arange(HOURS)
    a, b = (base + 100.0 * np.cos(2 * np.pi * t / 24) + 20.0 * np.sin(t) for base in (400.0, 300.0))
    moments = (np.datetime64("2025-03-01T00:00") + np.arange(HOURS) * np.timedelta64(1, "h")).astype(str)
    path = tmp_path / "hours.csv"
    path.write_text(
        "time,A,B\n" + "".join(f"{m}+00:00,{x:.2f},{y:.2f}\n" for m, x, y in zip(moments, a, b, strict=True))
    )
    return path


def small(hours: Path, column: str = "A") -> cs.Scenario:
    return cs.Scenario(model="gpt-3-1.3b", tokens=3e11, devices=64, batch=512, hourly=f"{hours}:{column}")


def test_a_schedule_is_held_to_its_answer(hours: Path) -> None:
    """The run at once emits what an estimate over the same hours does; foresight is never worse, nor free pauses."""
    s = small(hours)
    found, alone = cs.schedule(s, 20.0, restart_hours=0.25), cs.estimate(s)
    assert isinstance(found, cs.Schedule)
    assert isinstance(alone, cs.Estimate)
    now, *waiting, best = found.policies
    assert now.total_tco2e == pytest.approx(alone.footprint.total_tco2e, rel=1e-12)
    assert now.days == pytest.approx(alone.duration_s / 86400)
    assert now.cost_usd == pytest.approx(alone.cost_usd)
    assert all(best.total_tco2e <= p.total_tco2e for p in (now, *waiting))
    assert all(p.days <= 20.0 for p in found.policies)
    both = cs.schedule(s, 20.0, columns=("A", "B"), restart_hours=0.25)
    given_back = cs.schedule(s, 20.0, restart_hours=0.25, released=True)
    assert isinstance(both, cs.Schedule)
    assert isinstance(given_back, cs.Schedule)
    assert both.policies[-1].total_tco2e < best.total_tco2e
    assert given_back.policies[-1].total_tco2e <= best.total_tco2e * (1 + 1e-12)
    assert given_back.policies[-1].n_pauses > best.n_pauses
    assert given_back.policies[-1].cost_usd == pytest.approx(now.cost_usd)


@pytest.mark.parametrize(
    "changes",
    [{"start_hour": 7.0}, {"scope2": "market"}, {"devices": 33, "layout": cs.Layout(tp=1, pp=1, cp=1, dp=32)},
     {"power_limit": 500.0}, {"pace": "calendar"}],
)  # fmt: skip
def test_at_once_is_an_estimate_by_the_hour(hours: Path, changes: dict[str, object]) -> None:
    s = cs.Scenario(**vars(small(hours)) | changes)
    found, alone = cs.schedule(s, 30.0), cs.estimate(s)
    assert isinstance(found, cs.Schedule)
    assert isinstance(alone, cs.Estimate)
    assert found.policies[0].total_tco2e == pytest.approx(alone.footprint.total_tco2e, rel=1e-12)
    assert found.policies[0].cost_usd == pytest.approx(alone.cost_usd, rel=1e-12)


def test_what_stands_in_the_place_of_hours_is_refused(hours: Path) -> None:
    for changes in ({"start_hour": 7.5}, {"contracts": Contracts("ppa", mwh=1.0, match="hour")}):
        with pytest.raises(InputError, match="remedy"):
            cs.schedule(cs.Scenario(**vars(small(hours)) | changes), 30.0)


def test_where_pauses_cost_too_much_foresight_is_the_best_start(hours: Path) -> None:
    found = cs.schedule(small(hours), HOURS / 24, restart_hours=1.0)
    assert isinstance(found, cs.Schedule)
    best, profile = found.policies[-1], load_profile(hours, "A")
    assert best.n_pauses == 0
    means = mean_by_start(profile, found.answer.duration_s / 3600)
    inside = means[: HOURS - int(found.answer.duration_s / 3600)]
    assert best.blocks[0][0] == profile.at(float(inside.argmin()))


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"within_days": 0.01}, "too near"),
        ({"within_days": -1.0}, "within_days"),
        ({"within_days": 9.0, "restart_hours": 2.0}, "restart_hours"),
        ({"within_days": 9.0, "moving_kwh": -2.0}, "moving_kwh"),
        ({"within_days": 9.0, "columns": ("C",)}, "C"),
    ],
)
def test_what_cannot_be_meant_is_refused(hours: Path, options: dict[str, object], word: str) -> None:
    with pytest.raises(InputError, match=word):
        cs.schedule(small(hours), **options)  # type: ignore[arg-type]


def test_a_schedule_needs_hours() -> None:
    with pytest.raises(InputError, match="--hourly"):
        cs.schedule(cs.Scenario(model="gpt-3-1.3b", tokens=26e9, devices=64), 9.0)


def test_the_command_prints_and_writes(hours: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--model", "gpt-3-1.3b", "--tokens", "26e9", "--devices", "64", "--hourly", str(hours), "--columns", "A,B"]
    out = tmp_path / "s.json"
    assert main(["schedule", *asked, "--within-days", "9", "-o", str(out)]) == ExitCode.OK
    page = capsys.readouterr().out
    assert "every hour known" in page
    data = json.loads(out.read_text())
    assert data["places"] == ["A", "B"]
    assert [p["name"] for p in data["policies"]][-1] == "every hour known"

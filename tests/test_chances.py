"""Chances of a plan: Daly's formulas and their limits, simulated runs against them, coverage by construction, the doors."""

from __future__ import annotations

import json
import math
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import carbonscaling as cs
from carbonscaling.cli import main
from carbonscaling.perf.checkpoints import daly_interval
from carbonscaling.study.assured import Assured, Failures, Target, assured
from carbonscaling.study.chances import _slowest, _times, as_needed
from carbonscaling.units import DAY

RUN = cs.Scenario(model="llama-3-8b", tokens=1e12, device="h100-sxm", devices=256, batch=512)


@pytest.fixture(scope="module")
def answer() -> cs.Estimate:
    found = cs.estimate(RUN)
    assert isinstance(found, cs.Estimate)
    return found


def test_the_interval_is_young_s_where_writing_is_quick() -> None:
    assert float(daly_interval(1e-6, 1e6)) == pytest.approx(math.sqrt(2.0), rel=1e-5)
    assert float(daly_interval(100.0, 10.0)) == 10.0


def mean_time(steady: float, interval: Any, write: float, restart: float, mtbf: float) -> Any:
    """Mean time of a run with checkpoints and interruptions, whose intervals are exponential (Daly 2006, equation 20)."""
    return mtbf * np.exp(restart / mtbf) * np.expm1((interval + write) / mtbf) * steady / interval


@pytest.mark.parametrize(("write", "mtbf"), [(30.0, 1e4), (60.0, 4e3), (5.0, 1e5)])
def test_the_interval_loses_least(write: float, mtbf: float) -> None:
    tried = np.geomspace(0.05, 20.0, 4001) * float(daly_interval(write, mtbf))
    least = tried[np.argmin(mean_time(1e6, tried, write, 300.0, mtbf))]
    assert float(daly_interval(write, mtbf)) == pytest.approx(least, rel=0.02)


@pytest.mark.parametrize("mtbf", [2e3, 1e4, 1e6])
def test_simulated_runs_meet_the_mean(mtbf: float) -> None:
    times, lost = _times(np.random.default_rng(1), np.full(20_000, 1e6), 900.0, 60.0, 300.0, mtbf)
    assert times.mean() == pytest.approx(float(mean_time(1e6, 900.0, 60.0, 300.0, mtbf)), rel=2e-3)
    assert lost.mean() == pytest.approx(1e6 / 900.0 * math.expm1(960.0 / mtbf), rel=0.05)


def simulated(n: int, steady: float, interval: float, write: float, restart: float, mtbf: float) -> tuple[Any, Any]:
    """Runs event by event, all at once: a gap between interruptions, the rounds it holds, the round that it ruins, restarts."""
    rng, length = np.random.default_rng(9), interval + write
    left, time, lost = np.full(n, round(steady / interval)), np.zeros(n), np.zeros(n)
    while (on := np.flatnonzero(left > 0)).size:
        gap = rng.exponential(mtbf, on.size)
        done = np.minimum(np.floor(gap / length).astype(int), left[on])
        left[on] -= done
        hit = left[on] > 0
        time[on] += np.where(hit, gap, done * length)
        lost[on] += hit
        waiting = on[hit]
        while waiting.size:  # a restart may be interrupted too
            gap = rng.exponential(mtbf, waiting.size)
            time[waiting] += np.minimum(gap, restart)
            waiting = waiting[gap < restart]
    return time, lost


@pytest.mark.parametrize(("mtbf", "restart"), [(1e4, 300.0), (3e3, 600.0)])
def test_runs_simulated_event_by_event_lie_where_the_chances_say(mtbf: float, restart: float) -> None:
    """90 % of them inside the 90 %, a tenth beyond the ninth tenth."""
    times, lost = simulated(3000, 4e5, 800.0, 60.0, restart, mtbf)
    said, rounds = _times(np.random.default_rng(4), np.full(20_000, 4e5), 800.0, 60.0, restart, mtbf)
    low, ninth, high = np.quantile(said, [0.05, 0.9, 0.95])
    assert np.mean((times >= low) & (times <= high)) == pytest.approx(0.9, abs=0.02)
    assert np.mean(times <= ninth) == pytest.approx(0.9, abs=0.02)
    assert lost.mean() == pytest.approx(rounds.mean(), rel=0.01)
    assert times.mean() == pytest.approx(float(mean_time(4e5, 800.0, 60.0, restart, mtbf)), rel=3e-3)


def test_without_interruptions_the_interval_of_a_step_remains(answer: cs.Estimate) -> None:
    found = cs.chances(answer, write_s=1e-6, restart_s=0.0, mtbf_device_hours=1e15)
    assert float(np.median(found.days)) == pytest.approx(found.steady_days, rel=0.01)
    low, high = np.quantile(found.days, [0.05, 0.95])
    assert found.within(days=float(high)) - found.within(days=float(low)) == pytest.approx(0.9, abs=0.005)
    assert found.interruptions.max() < 2


@pytest.mark.parametrize("n", [1, 8, 1024])
def test_a_step_waits_for_the_slowest_device(n: int) -> None:
    """The greatest of n simulated devices, over its median."""
    rng, deviation = np.random.default_rng(3), 0.22 / 5.3959
    greatest = 1.0 + deviation * rng.standard_normal((4000, n)).max(axis=1)
    said = _slowest(np.random.default_rng(5), n, 0.22, 20_000)
    shares = [0.05, 0.25, 0.5, 0.75, 0.95]
    assert np.quantile(said, shares) == pytest.approx(np.quantile(greatest / np.median(greatest), shares), rel=3e-3)


def test_devices_that_differ_widen_the_chances_and_do_not_move_them(answer: cs.Estimate) -> None:
    ways = [cs.chances(answer, write_s=30.0, restart_s=300.0, device_variation=x) for x in (0.0, 0.5)]
    same, other = (found.summary()["quantiles"]["days"] for found in ways)
    assert other["0.5"] == pytest.approx(same["0.5"], rel=0.01)
    assert other["0.95"] - other["0.05"] > same["0.95"] - same["0.05"]
    with pytest.raises(cs.InputError, match="device_variation"):
        cs.chances(answer, write_s=30.0, restart_s=300.0, device_variation=-0.1)


def test_a_published_record() -> None:
    """Llama 3 405B: 466 interruptions in 54 days on 16,384 H100 (arXiv 2407.21783, section 3.3.4)."""
    steady = 54 * 86400.0
    mtbf = 45570.0 * 3600.0 / 16384
    _, lost = _times(np.random.default_rng(2), np.full(4000, steady / 1.1), 600.0, 20.0, 300.0, mtbf)
    assert np.quantile(lost, 0.05) < 466 < np.quantile(lost, 0.95)


def test_a_run_through_the_door_meets_that_record() -> None:
    """The same run planned: interruptions a day of its 16,384 devices hold the 466 in 54 days."""
    run = cs.estimate(cs.Scenario(model="llama-3.1-405b", tokens=15.6e12, devices=16384, batch=2048))
    assert isinstance(run, cs.Estimate)
    found = cs.chances(run, write_s=20.0, restart_s=300.0)
    rate = 54.0 * found.interruptions / found.days
    assert np.quantile(rate, 0.05) < 466 < np.quantile(rate, 0.95)


PLANNED = cs.Scenario(model="llama-3-8b", tokens=1e12, batch=512)
FAILS = Failures(write_s=30.0, restart_s=300.0)


def answer_on(n: int, **more: object) -> cs.Estimate:
    found = cs.estimate(cs.Scenario(**vars(PLANNED) | {"devices": n, "objective": "time"} | more))
    assert isinstance(found, cs.Estimate)
    return found


def test_the_fewest_devices_that_keep_a_target() -> None:
    """One host fewer does not; the start is the latest, and a day later does not either."""
    target = Target(by="2026-03-14", not_before="2026-02-20", confidence=90, under_tco2e=16.0)
    found = assured(PLANNED, target, **vars(FAILS))
    assert isinstance(found, Assured)
    assert found.feasible
    n = found.best.n_devices
    days = 22.0
    for count, start, kept in ((n, 0.0, True), (n - 8, 0.0, False)):
        c = FAILS.of(answer_on(count))
        assert (c.within(days - start, carbon_tco2e=16.0) >= 0.9) is kept
    fixed = assured(cs.Scenario(**vars(PLANNED) | {"devices": 128}), target, **vars(FAILS))
    assert isinstance(fixed, Assured)
    c, start = FAILS.of(answer_on(128)), fixed.best.start_days
    assert start > 0.0
    assert c.within(days - start, carbon_tco2e=16.0) == fixed.best.probability >= 0.9
    assert c.within(days - start - 1.0, carbon_tco2e=16.0) < 0.9
    assert fixed.start == (date(2026, 2, 20) + timedelta(days=start)).isoformat()


def test_with_hours_the_cleanest_start_is_taken(tmp_path: Path) -> None:
    """Every day's start asked one by one, with the hours that each run really meets."""
    t = np.arange(24 * 40)
    g = 400.0 + 200.0 * np.cos(2 * np.pi * t / (24 * 23))
    moments = (np.datetime64("2025-03-01T00:00") + t * np.timedelta64(1, "h")).astype(str)
    path = tmp_path / "hours.csv"
    path.write_text("time,g_per_kwh\n" + "".join(f"{m},{x:.2f}\n" for m, x in zip(moments, g, strict=True)))
    s = cs.Scenario(**vars(PLANNED) | {"hourly": str(path), "devices": 256})
    found = assured(s, Target(by="2025-03-26", confidence=0.9), **vars(FAILS))
    assert isinstance(found, Assured)
    assert found.chances is not None
    means = []
    for day in range(21):
        c = FAILS.of(answer_on(256, hourly=str(path), start_hour=24.0 * day))
        means.append(c.carbon_tco2e.mean() if c.within(days=25.0 - day) >= 0.9 else np.inf)
    assert found.best.start_days == int(np.argmin(means))
    assert found.chances.carbon_tco2e.mean() == pytest.approx(min(means), rel=1e-3)
    assert found.start == f"2025-03-{1 + int(found.best.start_days):02d}T00:00"


def test_a_target_that_nothing_keeps_has_its_most_likely_plan(capsys: pytest.CaptureFixture[str]) -> None:
    run = ["--model", "llama-3-8b", "--tokens", "1e12", "--batch", "512", "--write-s", "30", "--restart-s", "300"]
    asked = ["chances", *run, "--not-before", "2026-01-05", "--by", "2026-02-14", "--confidence", "90"]
    assert main([*asked, "--under-tco2e", "2"]) == 3
    assert "No plan ends before 2026-02-14" in capsys.readouterr().out
    assert main([*asked, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["best"]["probability"] >= 0.9
    assert data["summary"]["n_devices"] == data["best"]["n_devices"]


def test_chances_say_what_they_leave_out_and_speak_of_limits_where_there_are_any(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = [
        "chances",
        "--model",
        "llama-3-8b",
        "--tokens",
        "1e12",
        "--devices",
        "64",
        "--write-s",
        "30",
        "--restart-s",
        "300",
    ]
    for more, limited in (([], False), (["--within-days", "90"], True), (["--under-usd", "1e9"], True)):
        assert main([*run, *more]) == 0
        said = " ".join(capsys.readouterr().out.split())
        assert "evaluation, ramp-up" in said
        assert ("All limits hold" in said) == limited


@pytest.mark.parametrize(
    ("target", "key"),
    [
        ({}, "by"), ({"by": "2026-01-01", "within_days": 3.0}, "by"), ({"within_days": -1.0}, "within_days"),
        ({"within_days": 9.0, "confidence": 100.0}, "confidence"), ({"by": "soon", "not_before": "2026-01-01"}, "by"),
        ({"by": "2026-01-01", "not_before": "2026-02-01"}, "by"), ({"within_days": 9.0, "under_tco2e": 0.0}, "under_tco2e"),
    ],
)  # fmt: skip
def test_a_target_that_is_none_is_refused(target: dict[str, Any], key: str) -> None:
    with pytest.raises(cs.InputError) as refused:
        assured(PLANNED, Target(**target), **vars(FAILS))
    assert refused.value.key == key
    assert refused.value.remedy


def test_more_of_anything_bad_takes_longer(answer: cs.Estimate) -> None:
    def days(**change: float) -> float:
        return float(np.median(cs.chances(answer, **({"write_s": 30.0, "restart_s": 300.0} | change)).days))  # type: ignore[arg-type]

    assert days(mtbf_device_hours=5000.0) > days() > days(mtbf_device_hours=1e9)
    assert days(restart_s=3000.0) > days()
    assert days(interval_s=20.0) > days()
    summary = cs.chances(answer, write_s=30.0, restart_s=300.0).summary()
    for values in summary["quantiles"].values():
        assert list(values.values()) == sorted(values.values())


@pytest.mark.parametrize(
    "change", [{"write_s": 0.0}, {"restart_s": -1.0}, {"interval_s": 0.0}, {"mtbf_device_hours": math.nan}]
)
def test_refusals_name_the_key(answer: cs.Estimate, change: dict[str, float]) -> None:
    with pytest.raises(cs.InputError) as refused:
        cs.chances(answer, **({"write_s": 30.0, "restart_s": 300.0} | change))  # type: ignore[arg-type]
    assert refused.value.key == next(iter(change))


def test_limits_as_makers_needed_are_their_distribution(answer: cs.Estimate) -> None:
    assert answer.needed is not None
    days = answer.needed.times(1.0 / 24.0 / answer.n_devices)
    assert as_needed(answer, days.median) == pytest.approx(0.5)
    assert as_needed(answer, days.low) == pytest.approx(0.05, abs=1e-6)
    assert as_needed(answer, days.high) == pytest.approx(0.95, abs=1e-6)
    carbon = (answer.footprint.operational_tco2e + answer.footprint.embodied_tco2e) / answer.duration_s
    assert as_needed(answer, carbon_tco2e=carbon * days.median * DAY) == pytest.approx(0.5)
    assert as_needed(answer) == 1.0
    assert as_needed(answer, 0.0) == 0.0
    plan = assured(RUN, Target(within_days=days.median), write_s=30.0, restart_s=300.0)
    assert isinstance(plan, Assured)
    assert plan.answer is not None
    assert plan.as_needed == as_needed(plan.answer, days.median - plan.best.start_days)


def test_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    run = ["--model", "llama-3-8b", "--tokens", "1e12", "--device", "h100-sxm", "--devices", "256", "--batch", "512"]
    args = ["chances", *run, "--write-s", "30", "--restart-s", "300", "--within-days", "1000"]
    assert main([*args, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["within"] == 1.0
    assert found["as_needed"] > 0.99
    assert main(args) == 0
    page = capsys.readouterr().out
    assert "probability" in page
    assert "makers of published trainings needed" in page
    assert "e+" not in page  # numbers as people read them
    assert main(["chances", *run]) == 2

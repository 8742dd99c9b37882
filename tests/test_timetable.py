"""Timetables: the best against every one there is, policies against their guarantee, the year against exhaustive search."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import carbonscaling as cs
from carbonscaling.carbon.contracts import Contracts
from carbonscaling.carbon.hourly import mean_by_start
from carbonscaling.carbon.profile import load_profile
from carbonscaling.carbon.profile_files import PRICE
from carbonscaling.cli import main
from carbonscaling.errors import ExitCode, InputError
from carbonscaling.study.scheduling.options import Timetabling
from carbonscaling.timetable.bounded import least_in_span, least_within
from carbonscaling.timetable.job import AFTER, BEFORE, PAUSED, Job, Steps, shares, taken
from carbonscaling.timetable.limits import Lengths, limits_of, promised
from carbonscaling.timetable.offline import least
from carbonscaling.timetable.online import Advised, advised_ratios, at_once, waiting_for

RNG = np.random.default_rng(7)


def job(n: int, n_places: int, horizon: int, speeds: tuple[int, ...] = (1,), groups: tuple[int, ...] = (0,)) -> Job:
    """A run of random hours; slower ways take less a step, and less a unit of work."""
    g = RNG.uniform(50, 500, (n_places, horizon))
    held = RNG.uniform(0, 40)
    working = [g * (v / speeds[0]) ** 2 * RNG.uniform(0.9, 1.1) + held for v in speeds]
    return Job(
        work=speeds[0] * (n - 1 + RNG.uniform(0.1, 1.0)), speeds=speeds, groups=groups, working=np.stack(working),
        paused=g * 0.2 + held, restart=g * RNG.uniform(0.0, 0.5), moving=g * 0.1 + RNG.uniform(0, 50),
    )  # fmt: skip


def every_timetable(j: Job) -> Iterator[tuple[Steps, Steps]]:
    """All of them: a way and a place to work in, a place to wait in, or not held, at every step."""
    r, ways = j.n_places, len(j.speeds)
    options = [(BEFORE, 0), *((m, p) for m in range(ways) for p in range(r)), *((PAUSED, p) for p in range(r))]
    for acts in itertools.product(options, repeat=j.horizon):
        a, places = np.array(acts).T
        at_work = np.flatnonzero(a >= 0)
        if not len(at_work):
            continue
        first, last = at_work[0], at_work[-1]
        inside = slice(first, last + 1)
        if (a[inside] == BEFORE).any() or (a[:first] != BEFORE).any() or (a[last + 1 :] != BEFORE).any():
            continue
        done = np.cumsum(np.array(j.speeds)[a[at_work]])
        if not done[-1] - j.speeds[a[last]] < j.work <= done[-1]:
            continue
        moved = np.flatnonzero(np.diff(places[inside])) + first + 1
        if (a[moved] >= 0).any():  # a move takes a paused step
            continue
        group = np.array([j.groups[m] if m >= 0 else -1 for m in a])
        changed = (a[:-1] >= 0) & (a[1:] >= 0) & (group[:-1] != group[1:])
        if changed.any():  # and so does another number of devices
            continue
        a[last + 1 :] = AFTER
        places[:first], places[last + 1 :] = places[first], places[last]
        yield a, places


@pytest.mark.parametrize(("n_places", "horizon"), [(1, 7), (2, 5)])
def test_the_best_timetable_is_the_best_of_all(n_places: int, horizon: int) -> None:
    for n in range(1, horizon + 1):
        j = job(n, n_places, horizon)
        found = least(j)
        assert found.total == pytest.approx(taken(j, found.actions, found.places), rel=1e-12)
        assert found.total == pytest.approx(min(taken(j, *t) for t in every_timetable(j)), rel=1e-12)


@pytest.mark.parametrize("groups", [(0, 0), (0, 1), (0, 0, 1)])
@pytest.mark.parametrize("n_places", [1, 2])
def test_with_several_ways_to_work_too(groups: tuple[int, ...], n_places: int) -> None:
    speeds, horizon = (5, 3, 4)[: len(groups)], 5 if n_places == 1 and len(groups) == 3 else 7 - 2 * n_places
    slower = 0
    for n in range(1, horizon):
        j = job(n, n_places, horizon, speeds, groups)
        found = least(j)
        slower += int((found.actions > 0).sum())
        assert found.total == pytest.approx(taken(j, found.actions, found.places), rel=1e-12)
        assert found.total == pytest.approx(min(taken(j, *t) for t in every_timetable(j)), rel=1e-12)
    assert slower > 0


def test_a_bound_is_kept_and_the_floor_is_one() -> None:
    """Under every bound the least of all timetables lies between the floor and what is returned, a thousandth apart."""
    for n in (2, 3, 4):
        j = job(n, 1, 7)
        money = Job(**vars(j) | {"working": RNG.uniform(1, 9, (1, 1, 7)), "paused": RNG.uniform(0, 3, (1, 7))})
        every = [(taken(j, *t), taken(money, *t)) for t in every_timetable(j)]
        cheapest, dearest = min(b for _, b in every), max(b for _, b in every)
        assert least_within(j, money, cheapest * (1 - 1e-6)).timetable is None
        for most in np.linspace(cheapest * (1 + 1e-9), dearest, 9):
            found = least_within(j, money, most)
            assert found.timetable is not None
            assert taken(money, found.timetable.actions, found.timetable.places) <= most * (1 + 1e-9)
            exact = min(a for a, b in every if b <= most)
            assert found.floor * (1 - 1e-9) <= exact <= found.timetable.total * (1 + 1e-9)
            assert found.timetable.total == pytest.approx(found.floor, rel=1e-3)


@pytest.mark.parametrize(("n_places", "groups"), [(1, (0, 0)), (2, (0, 1))])
def test_a_bound_over_places_and_ways_is_met_as_well(n_places: int, groups: tuple[int, ...]) -> None:
    j = job(2, n_places, 4, (5, 3), groups)
    money = job(2, n_places, 4, (5, 3), groups)
    money = Job(**vars(money) | {"work": j.work})
    every = [(taken(j, *t), taken(money, *t)) for t in every_timetable(j)]
    cheapest, dearest = min(b for _, b in every), max(b for _, b in every)
    for most in np.linspace(cheapest * (1 + 1e-9), dearest, 6):
        found = least_within(j, money, most)
        assert found.timetable is not None
        assert taken(money, found.timetable.actions, found.timetable.places) <= most * (1 + 1e-9)
        assert found.timetable.total == pytest.approx(min(a for a, b in every if b <= most), rel=1e-3)


@pytest.mark.parametrize("groups", [(0,), (0, 0)])
def test_a_bound_on_the_time_that_devices_are_held_is_exact(groups: tuple[int, ...]) -> None:
    for n in (2, 3, 4):
        j = job(n, 1, 7, (5, 3)[: len(groups)], groups)
        every = []
        for actions, places in every_timetable(j):
            at_work = np.flatnonzero(actions >= 0)
            held = at_work[-1] - at_work[0] + shares(j, actions[at_work])[-1]
            every.append((taken(j, actions, places), held))
        for steps in (1.5, *(n - 1 + x for x in (0.05, 1.0, 1.5, 2.2)), 7.0):
            found = least_in_span(j, steps)
            exact = min((a for a, held in every if held <= steps), default=np.inf)
            assert found.total == pytest.approx(exact, rel=1e-12)
    assert least_in_span(j, 7.0).total == pytest.approx(least(j).total)


def free(g: Any, work: float) -> Job:
    """A run of which pauses cost nothing."""
    nothing = np.zeros((1, len(g)))
    return Job(work, (1,), (0,), np.array(g)[None, None], nothing, nothing, nothing)


def test_without_costs_of_waiting_the_cleanest_hours_are_worked() -> None:
    g = RNG.uniform(50, 500, 400)
    assert least(free(g, 90)).total == pytest.approx(np.sort(g)[:90].sum())


def window(horizon: int) -> Any:
    """Hours of 60 to 600 g/kWh: as they come, or hostile, from the worst to the best or the other way."""
    g = np.clip(np.exp(RNG.normal(5.3, 0.8, horizon)), 60.0, 600.0)
    return np.sort(g)[::-1] if RNG.random() < 0.2 else np.sort(g) if RNG.random() < 0.2 else g


def test_policies_keep_their_guarantee_and_never_beat_foresight() -> None:
    """On a thousand random windows, with good and with hostile advice."""
    for i in range(1000):
        k = int(RNG.choice((1, 2, 3, 5, 8, 13, 29)))
        g = window(int(RNG.integers(k, 5 * k + 2)))
        j = free(g, k)
        limits = limits_of(10.0, Lengths(float(k), k))
        promise = promised(limits, 10.0, Lengths(float(k), k))
        guaranteed = taken(j, *waiting_for(j, g, 60.0 * limits.by_step))
        best = np.sort(g)[:k].sum()
        assert promise <= 10.0**0.5 * (1 + 1e-6)  # never more than the reservation price promises
        assert best * (1 - 1e-9) <= guaranteed <= promise * best * (1 + 1e-9)
        assert taken(j, *at_once(j)) >= best * (1 - 1e-9)
        told = {0: g, 1: 660.0 - g, 2: g * RNG.uniform(0.7, 1.4, len(g))}[i % 3]  # right, upside down, with errors
        advice = least(free(told, k))
        follows = taken(j, advice.actions, advice.places)
        trust = float(RNG.random())
        both = advised_ratios(trust, Advised(1.0, 10.0), Advised(promise, promise))
        mean = trust * follows + (1 - trust) * guaranteed
        assert mean <= both.robust * best * (1 + 1e-9)
        if i % 3 == 0:
            assert mean <= both.consistent * best * (1 + 1e-9)


def test_a_run_that_does_not_know_its_length_meets_the_deadline_and_its_guarantee() -> None:
    """On a thousand random windows, of every length within the bounds."""
    for i in range(1000):
        if i % 50 == 0:
            planned = float(RNG.uniform(4.0, 30.0))
            longest = int(np.ceil(planned * RNG.uniform(1.0, 1.5)))
            shortest = max(1.0, planned * RNG.uniform(0.6, 1.0))
        believed, doubted = Lengths(planned, longest), Lengths(shortest, longest)
        both = [limits_of(10.0, one) for one in (believed, doubted)]
        g = window(int(RNG.integers(longest, 4 * longest)))
        trust, length = float(RNG.random()), float(RNG.uniform(shortest, longest))
        j = free(g, length)
        made = [waiting_for(j, g, 60.0 * one.by_step, longest=longest) for one in both]
        mean = np.dot((trust, 1 - trust), [taken(j, *one) for one in made])  # refuses one that does not do the work
        hours = np.sort(g)[: j.n_steps]  # the least of all, even with its part of a step in the worst of its hours
        best = hours.sum() - (j.n_steps - length) * hours[-1]
        learned = advised_ratios(
            trust, *(Advised(*(promised(one, 10.0, x) for x in (believed, doubted))) for one in both)
        )
        assert mean <= learned.robust * best * (1 + 1e-9)
        if length >= planned:
            assert mean <= learned.consistent * best * (1 + 1e-9)


def test_the_promise_is_met_by_the_worst_that_can_come() -> None:
    """Hours that the limits just refuse, then the worst: the bound is one that hours can reach, within a hundredth."""
    k = 64
    limits = limits_of(10.0, Lengths(float(k), k))
    promise, worst = promised(limits, 10.0, Lengths(float(k), k)), 0.0
    for accepted in range(k):
        for low in (np.ones(accepted), limits.by_step[:accepted]):
            g = np.concatenate((low, np.full(k, limits.by_step[accepted] * (1 + 1e-9)), np.full(k, 10.0)))
            j = free(g, k)
            worst = max(worst, taken(j, *waiting_for(j, g, limits.by_step)) / np.sort(g)[:k].sum())
    assert 0.99 * promise < worst <= promise * (1 + 1e-9)


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
     {"power_limit": 500.0}, {"pace": "calendar"}, {"contracts": Contracts("ppa", mwh=100.0)},
     {"scope2": "market", "contracts": Contracts("ppa", mwh=300.0, match="hour", g_per_kwh=20.0)},
     {"scope2": "market", "contracts": Contracts("ppa", g_per_kwh=50.0)}],
)  # fmt: skip
def test_at_once_is_an_estimate_by_the_hour(hours: Path, changes: dict[str, object]) -> None:
    s = cs.Scenario(**vars(small(hours)) | changes)
    found, alone = cs.schedule(s, 30.0), cs.estimate(s)
    assert isinstance(found, cs.Schedule)
    assert isinstance(alone, cs.Estimate)
    assert found.policies[0].total_tco2e == pytest.approx(alone.footprint.total_tco2e, rel=1e-12)
    assert found.policies[0].cost_usd == pytest.approx(alone.cost_usd, rel=1e-12)


def test_what_has_no_hours_is_refused(hours: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('carbon_intensity = { value = 30.0, unit = "g/kWh" }\n')
    market = tmp_path / "market.toml"
    market.write_text('market_intensity = { value = 30.0, unit = "g/kWh" }\n')
    changes: list[tuple[dict[str, Any], str]] = [
        ({"start_hour": 7.5}, "start_hour"), ({"factors": str(own)}, "carbon_intensity"),
        ({"factors": str(market), "scope2": "market"}, "factors"),
        ({"contracts": Contracts("ppa", mwh=1.0), "scope2": "market"}, "contracts.match"),
        ({"contracts": Contracts("ppa", days=3.0), "scope2": "market"}, "contracts.until"),
    ]  # fmt: skip
    for change, key in changes:
        with pytest.raises(InputError) as refused:
            cs.schedule(cs.Scenario(**vars(small(hours)) | change), 30.0)
        assert refused.value.key == key
        assert refused.value.remedy


def test_what_a_contract_delivers_in_an_hour_is_counted_in_it(hours: Path) -> None:
    """As much as the run draws, every hour: nothing is saved by waiting, and the total is that of the contract."""
    bought = Contracts("ppa", mwh=1e6, match="hour", g_per_kwh=20.0)
    found = cs.schedule(cs.Scenario(**vars(small(hours)) | {"scope2": "market", "contracts": bought}), 30.0)
    assert isinstance(found, cs.Schedule)
    assert found.policies[-1].total_tco2e == pytest.approx(found.policies[0].total_tco2e, rel=1e-12)
    f = found.answer.footprint
    assert found.policies[0].total_tco2e == pytest.approx(f.energy_kwh * 20.0 / 1e6 + f.embodied_tco2e)


def twisted(hours: Path, name: str, change: Any) -> Path:
    """The same hours with other values, column by column."""
    head, *rows = hours.read_text().splitlines()
    path = hours.with_name(name)
    made = [
        [moment, *(f"{change(float(v)):.2f}" for v in values)] for moment, *values in (row.split(",") for row in rows)
    ]
    path.write_text("\n".join([head, *map(",".join, made)]) + "\n")
    return path


def by_name(found: Any) -> dict[str, Any]:
    assert isinstance(found, cs.Schedule)
    return {policy.name.split(",")[0]: policy for policy in found.policies} | {"all": found}


def test_a_forecast_s_plan_takes_what_really_comes(hours: Path) -> None:
    """A forecast that is right plans the best; one that is upside down plans the dirtiest hours, and is not hidden."""
    s = small(hours)
    right = by_name(cs.schedule(s, 20.0, forecast=f"{hours}:A", released=True))
    wrong = by_name(
        cs.schedule(s, 20.0, forecast=f"{twisted(hours, 'wrong.csv', lambda g: 800.0 - g)}:A", released=True)
    )
    assert right["by the forecast"].total_tco2e == pytest.approx(right["every hour known"].total_tco2e, rel=1e-12)
    assert right["all"].forecast_error == 0.0
    assert wrong["all"].forecast_error > 0.1
    assert wrong["by the forecast"].total_tco2e > wrong["at once"].total_tco2e
    assert wrong["every hour known"] == right["every hour known"]
    for found in (right, wrong):
        mean = (found["by the forecast"].total_tco2e + found[["waits", " with a guarantee"][0]].total_tco2e) / 2
        assert found["trusts the forecast by 50%"].total_tco2e == pytest.approx(mean)
        promised = found["all"].advised
        assert 1.0 < promised.consistent < found["all"].guarantee < promised.robust
    whole = by_name(cs.schedule(s, 20.0, forecast=f"{hours}:A", trust=1.0))
    assert whole["trusts the forecast by 100%"].total_tco2e == whole["by the forecast"].total_tco2e


def test_prices_by_the_hour(hours: Path) -> None:
    """At once the money is device-hours and energy by price; the cheapest and the cleanest bound each other."""
    prices = twisted(hours, "prices.csv", lambda g: 700.0 - 1.5 * g)  # cheap when dirty, negative at times
    s = cs.Scenario(**vars(small(hours)) | {"price_usd_per_device_hour": 0.02})
    clean = by_name(cs.schedule(s, 8.0, prices=f"{prices}:A", released=True))
    now, answer = clean["at once"], clean["all"].answer
    usd = np.array(load_profile(prices, "A", what=PRICE).g_per_kwh)
    h = answer.duration_s / 3600
    worked = np.append(np.ones(int(h)), h - int(h))
    power = answer.footprint.energy_kwh / h / 1e3
    assert now.cost_usd == pytest.approx(0.02 * 64 * h + power * (worked @ usd[: len(worked)]))
    cheap = by_name(cs.schedule(s, 8.0, prices=f"{prices}:A", released=True, least="cost"))
    a, b = clean["every hour known"], cheap["every hour known"]
    assert b.cost_usd < a.cost_usd
    assert a.total_tco2e < b.total_tco2e
    middle = (a.cost_usd + b.cost_usd) / 2
    bound = by_name(cs.schedule(s, 8.0, prices=f"{prices}:A", released=True, under_usd=middle))
    c = bound["every hour known"]
    assert c.cost_usd <= middle
    assert a.total_tco2e < bound["all"].floor <= c.total_tco2e < b.total_tco2e
    assert c.total_tco2e == pytest.approx(bound["all"].floor, rel=0.001)
    other = by_name(cs.schedule(s, 8.0, prices=f"{prices}:A", released=True, least="cost", under_tco2e=c.total_tco2e))
    assert other["all"].floor <= c.cost_usd * (1 + 1e-9)
    assert other["every hour known"].cost_usd == pytest.approx(c.cost_usd, rel=0.01)
    with pytest.raises(InputError, match="no timetable keeps"):
        cs.schedule(s, 8.0, prices=f"{prices}:A", under_usd=-0.0)


def test_power_limits_hour_by_hour(hours: Path) -> None:
    """A deadline that leaves little time is met, and dirty hours are worked under the limit where that saves."""
    s = small(hours)
    plain, limited = (cs.schedule(s, 16.0, power_limits=limits) for limits in ((), (400.0, 500.0)))
    assert isinstance(plain, cs.Schedule)
    assert isinstance(limited, cs.Schedule)
    usual, *slow = limited.ways
    for way, watts in zip(slow, (400.0, 500.0), strict=True):
        alone = cs.estimate(cs.Scenario(**vars(s) | {
            "power_limit": watts, "hourly": None,
            "layout": cs.Layout(**{name: int(getattr(plain.answer.setting, name)) for name in ("tp", "pp", "dp", "cp")}),  # type: ignore[arg-type]
        }))  # fmt: skip
        assert isinstance(alone, cs.Estimate)
        assert way.speed == pytest.approx(plain.answer.duration_s / alone.duration_s, rel=0.01)
        assert way.kwh < usual.kwh
        assert way.speed < 1.0
    assert limited.policies[-1].total_tco2e <= plain.policies[-1].total_tco2e * (1 + 1e-12)
    assert limited.policies[-1].slowed_days > 0.0
    assert limited.policies[0].total_tco2e == pytest.approx(plain.policies[0].total_tco2e, rel=1e-12)
    assert any("W" in place for _, _, place in limited.policies[-1].blocks)


def test_fewer_devices_hour_by_hour(hours: Path) -> None:
    s = small(hours)
    plain, scaled = (cs.schedule(s, 25.0, counts=counts, released=True) for counts in ((), (32,)))
    assert isinstance(plain, cs.Schedule)
    assert isinstance(scaled, cs.Schedule)
    half = cs.estimate(cs.Scenario(**vars(s) | {"devices": 32, "hourly": None}))
    assert isinstance(half, cs.Estimate)
    assert scaled.ways[1].n_devices == 32
    assert scaled.ways[1].speed == pytest.approx(plain.answer.duration_s / half.duration_s, rel=1e-9)
    assert scaled.ways[1].kwh == pytest.approx(half.footprint.energy_kwh / (half.duration_s / 3600), rel=1e-9)
    assert scaled.policies[-1].total_tco2e <= plain.policies[-1].total_tco2e * (1 + 1e-12)
    with pytest.raises(InputError, match="counts"):
        cs.schedule(s, 25.0, counts=(128,))


def test_random_windows_compare_the_policies(hours: Path) -> None:
    """Foresight is never worse than any policy; what waits keeps its bound where pauses cost nothing but embodied carbon."""
    wrong = twisted(hours, "wrong.csv", lambda g: 800.0 - g)
    found = cs.schedule(small(hours), 9.0, windows=20, released=True, forecast=f"{wrong}:A")
    assert isinstance(found, cs.Schedule)
    by = {w.name: w for w in found.windows}
    assert by["at once"].saved == by["at once"].later_days == by["at once"].better == 0.0
    assert by["every hour known"].worst == pytest.approx(1.0)
    assert all(w.worst >= 1.0 - 1e-12 and w.n == 20 for w in found.windows)
    assert found.guarantee is not None
    assert by["waits, with a guarantee"].worst <= found.guarantee
    assert by["by the forecast"].saved < 0.0 < by["every hour known"].saved
    mean = (by["by the forecast"].saved + by["waits, with a guarantee"].saved) / 2
    assert by["trusts the forecast by 50%, mean"].saved == pytest.approx(mean)
    again = cs.schedule(small(hours), 9.0, windows=20, released=True)
    assert isinstance(again, cs.Schedule)
    assert again.windows[-1] == found.windows[-1]


def test_a_gap_in_the_window_is_said(hours: Path) -> None:
    lines = hours.read_text().splitlines()
    for i in (5, 6, 900):
        lines[i] = lines[i].split(",")[0] + ",,"
    hours.write_text("\n".join(lines) + "\n")
    near, far = cs.schedule(small(hours), 20.0), cs.schedule(small(hours), 39.0)
    assert isinstance(near, cs.Schedule)
    assert isinstance(far, cs.Schedule)
    assert (near.filled, far.filled) == (2, 3)


def test_where_pauses_cost_too_much_foresight_is_the_best_start(hours: Path) -> None:
    found = cs.schedule(small(hours), HOURS / 24, restart_hours=1.0)
    assert isinstance(found, cs.Schedule)
    best, profile = found.policies[-1], load_profile(hours, "A")
    assert best.n_pauses == 0
    means = mean_by_start(profile, found.answer.duration_s / 3600)
    inside = means[: HOURS - int(found.answer.duration_s / 3600)]
    assert best.blocks[0][0] == profile.at(float(inside.argmin()))


def test_a_year_s_best_start_equals_exhaustive_search() -> None:
    """Where a pause can never pay, the best timetable of 8,760 hours is the best of all starts, each tried."""
    g = np.clip(RNG.normal(300.0, 80.0, 8760) + 100.0 * np.sin(np.arange(8760) / 24), 20.0, None)[None]
    h = 170.4
    year = Job(h, (1,), (0,), g[None], 0.0 * g, np.full((1, 8760), 1e9), 0.0 * g)
    found = least(year)
    every = [g[0, t : t + 170].sum() + 0.4 * g[0, t + 170] for t in range(8760 - 170)]
    assert int(np.flatnonzero(found.actions >= 0)[0]) == int(np.argmin(every))
    assert found.total == pytest.approx(100.0 * min(every) / 100.0)


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
        cs.schedule(small(hours), Timetabling(**options))  # type: ignore[arg-type]


def test_a_deadline_is_answered_in_days(hours: Path) -> None:
    with pytest.raises(InputError) as refused:
        cs.schedule(small(hours), 0.25)
    assert refused.value.value == 0.25
    assert refused.value.exit_code == ExitCode.INFEASIBLE
    days = float(str(refused.value.allowed).split()[0])
    assert cs.schedule(small(hours), math.ceil(24.0 * days) / 24.0)


def test_a_policy_that_wastes_is_no_advice(hours: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["schedule", "--model", "gpt-3-1.3b", "--tokens", "26e9", "--devices", "64", "--hourly", f"{hours}:A"]
    assert main([*asked, "--within-days", "9"]) == ExitCode.OK
    page = " ".join(capsys.readouterr().out.split())
    assert ("is no advice here" in page) == ("-" in page.split("waits, by the")[1].split("%")[0])


def test_a_schedule_needs_hours() -> None:
    with pytest.raises(InputError, match="--hourly"):
        cs.schedule(cs.Scenario(model="gpt-3-1.3b", tokens=26e9, devices=64), 9.0)


def test_electricity_that_is_paid_twice_is_said(hours: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prices = twisted(hours, "prices.csv", lambda g: g / 5.0)
    asked = ["schedule", "--model", "gpt-3-1.3b", "--tokens", "26e9", "--devices", "64", "--hourly", f"{hours}:A",
             "--within-days", "3", "--prices", f"{prices}:A"]  # fmt: skip
    assert main(asked) == ExitCode.OK
    assert "counted twice" in " ".join(capsys.readouterr().out.split())
    assert main([*asked, "--price-usd-per-device-hour", "1.5"]) == ExitCode.OK
    assert "counted twice" not in " ".join(capsys.readouterr().out.split())


def test_the_command_prints_and_writes(hours: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--model", "gpt-3-1.3b", "--tokens", "26e9", "--devices", "64", "--hourly", str(hours), "--columns", "A,B"]
    out = tmp_path / "s.json"
    assert main(["schedule", *asked, "--within-days", "9", "-o", str(out)]) == ExitCode.OK
    page = capsys.readouterr().out
    assert "every hour known" in page
    data = json.loads(out.read_text())
    assert data["places"] == ["A", "B"]
    assert [p["name"] for p in data["policies"]][-1] == "every hour known"

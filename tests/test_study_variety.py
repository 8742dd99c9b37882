"""Settings beside the best: near-duplicates folded, and alternatives with what they take."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

import carbonscaling as cs
from carbonscaling.perf.memory import memory
from carbonscaling.perf.numbers import Setting
from carbonscaling.reporting.answer import alternative_lines
from carbonscaling.search.engine import Candidate, search
from carbonscaling.search.simple import complexity
from carbonscaling.study.answer import asked_again
from carbonscaling.study.variety import HAIR
from carbonscaling.units import TONNE

LLAMA = cs.Scenario(model="llama-3.1-405b", tokens=15.6e12, devices=16384, batch=2048)
SMALL = cs.Scenario(model="llama-3-70b", tokens=1e12, devices=64, batch=512)


@cache
def _estimate(s: cs.Scenario) -> cs.Estimate:
    found = cs.estimate(s)
    assert isinstance(found, cs.Estimate), found.reason
    return found


def _near(e: cs.Estimate) -> list[Candidate]:
    """All near-optimal settings, by a search that keeps them."""
    q, space = asked_again(e)
    found = search(q, space, top=5000)
    assert found.n_near < 5000
    return found.top[: found.n_near]


def _degrees(s: Setting) -> tuple[object, ...]:
    return s.tp, s.pp, s.dp, s.cp, s.ep, s.etp


@pytest.mark.parametrize("s", [LLAMA, SMALL])
def test_settings_of_equal_degrees_are_one_line(s: cs.Scenario) -> None:
    e = _estimate(s)
    near = _near(e)
    first: dict[tuple[object, ...], Candidate] = {}
    for c in near:
        first.setdefault(_degrees(c.setting), c)
    assert e.search is not None
    assert [a.candidate.duration_s for a in e.search.layouts] == [c.duration_s for c in first.values()][:10]
    assert [_degrees(a.candidate.setting) for a in e.search.layouts] == list(first)[:10]
    assert [a.n for a in e.search.layouts] == [
        sum(_degrees(c.setting) == degrees for c in near) for degrees in list(first)[:10]
    ]
    assert e.search.layouts[0].candidate.setting == e.setting


def test_equal_settings_of_other_degrees_do_not_hide_the_answer() -> None:
    """By the papers' rules whole sequences take exactly as long as split ones: the answer's own line stays the first."""
    s = cs.Scenario(law="paper_v2", d_model=3072, device="paper-a100", devices=64, carbon_mode="paper", space="paper")
    e = _estimate(s)
    assert e.search is not None
    lines = [(_degrees(a.candidate.setting), a.candidate.duration_s) for a in e.search.layouts]
    assert lines[0] == (_degrees(e.setting), e.duration_s)
    assert len({degrees for degrees, _ in lines}) == len(lines) >= 2
    assert [days for _, days in lines] == sorted(days for _, days in lines)
    assert sum(days == e.duration_s for _, days in lines) >= 2


@pytest.mark.parametrize("s", [LLAMA, SMALL])
def test_near_alternatives_are_the_simplest_and_the_leanest(s: cs.Scenario) -> None:
    e = _estimate(s)
    near, named = _near(e), dict(e.alternatives)
    r, best = e.resolved, near[0].duration_s
    hair = [c for c in near if c.duration_s <= best * (1.0 + HAIR)]
    simplest = min(hair, key=lambda c: complexity(c.setting))
    found = named.get(f"simplest within {HAIR:.1%}")
    assert (found is not None) == (complexity(simplest.setting) < complexity(e.setting))
    if found is not None:
        assert complexity(found.setting) == complexity(simplest.setting)

    def need(c: Candidate) -> float:
        return float(memory(r.work, r.machine, Setting(*map(float, c.setting))).total)

    assert need(named["least memory of those near the best"]) == min(map(need, near))


def test_without_split_sequences_is_what_an_estimate_without_them_says() -> None:
    e = _estimate(LLAMA)
    assert e.setting.cp > 1
    found = dict(e.alternatives)["no context parallelism"]
    own = _estimate(replace(LLAMA, layout=cs.Layout(cp=1)))
    assert found.setting == own.setting
    assert found.duration_s == pytest.approx(own.duration_s, rel=1e-12)
    assert own.duration_s > e.duration_s


@pytest.mark.parametrize("objective", ["paper", "carbon"])
def test_without_split_sequences_the_batch_is_searched_anew(objective: str) -> None:
    """The batch that fits split sequences may have these look several times as dear as they are."""
    s = cs.Scenario(model="llama-3.1-405b", tokens=1e12, max_days=90, max_devices=4096, objective=objective)
    e, own = cs.plan(s), cs.plan(replace(s, layout=cs.Layout(cp=1)))
    assert isinstance(e, cs.Estimate)
    assert isinstance(own, cs.Estimate)
    assert e.setting.cp > 1
    found = dict(e.alternatives)["no context parallelism"]
    assert found.setting == own.setting
    assert found.duration_s == pytest.approx(own.duration_s, rel=1e-12)
    assert found.carbon_kg / TONNE == pytest.approx(own.summary()["carbon_total_tco2e"], rel=1e-12)
    assert own.setting.sequences != e.setting.sequences
    (line,) = [line for line in alternative_lines(e) if line.startswith("no context parallelism")]
    assert line.endswith(f"batch {own.setting.sequences:,}")


def test_fewest_devices_stand_beside_another_objective() -> None:
    s = cs.Scenario(model="llama-3-8b", tokens=1e12, max_days=30, max_devices=128, batch=512, objective="time")
    e, few = cs.plan(s), cs.plan(replace(s, objective="paper"))
    assert isinstance(e, cs.Estimate)
    assert isinstance(few, cs.Estimate)
    assert dict(e.alternatives)["fewest devices"].setting == few.setting
    assert few.n_devices < e.n_devices


def test_what_is_the_best_anyway_or_was_not_searched_is_not_listed() -> None:
    assert all(c.setting != e.setting for e in map(_estimate, (LLAMA, SMALL)) for _, c in e.alternatives)
    s = SMALL.layout
    whole = replace(s, tp=8, pp=2, dp=4, cp=1, vpp=1, zero=1, micro_batch=1, recompute="full")
    assert _estimate(replace(SMALL, layout=whole)).alternatives == ()
    assert _estimate(replace(SMALL, carbon_mode="paper")).alternatives == ()


def test_an_answer_as_data_has_both() -> None:
    e = _estimate(SMALL)
    data = e.to_dict()
    assert [row["what"] for row in data["alternatives"]] == [what for what, _ in e.alternatives]
    assert [row["n_alike"] for row in data["search"]["layouts"]] == [a.n for a in e.search.layouts]  # type: ignore[union-attr]

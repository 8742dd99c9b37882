"""Plans: how many devices, by which objective, and what is said when nothing works."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache

import pytest

import carbonscaling as cs
from carbonscaling.errors import InputError
from carbonscaling.reporting.schema import answer_schema
from carbonscaling.search.constraints import RULES
from carbonscaling.study.found import SearchReport
from carbonscaling.study.resolve import resolve
from carbonscaling.study.scale import default_sizes
from carbonscaling.study.scenario import Scenario
from carbonscaling.units import DAY
from schemas import validate

SMALL = cs.Scenario(model="llama-3.2-1b", tokens=2e11, device="h100-sxm", batch=256, max_devices=64, max_days=90)


@cache
def planned(objective: str) -> cs.Estimate:
    found = cs.plan(replace(SMALL, objective=objective))
    assert isinstance(found, cs.Estimate), found
    return found


def test_each_objective_is_best_at_its_own() -> None:
    answers = {name: planned(name) for name in ("paper", "time", "carbon", "cost")}
    assert answers["paper"].n_devices == min(a.n_devices for a in answers.values())
    assert answers["time"].duration_s == min(a.duration_s for a in answers.values())
    assert answers["carbon"].footprint.total_tco2e == min(a.footprint.total_tco2e for a in answers.values())
    assert answers["cost"].cost_usd == min(a.cost_usd or 0.0 for a in answers.values())
    assert all(a.duration_s <= 90 * DAY for a in answers.values())


def test_a_plan_is_the_best_of_its_counts() -> None:
    """The papers' order by hand: the first count at which anything finishes, at its shortest time."""
    found = planned("paper")
    for n in range(1, found.n_devices):
        assert not cs.plan(replace(SMALL, devices=n)).feasible
    same = cs.estimate(replace(SMALL, devices=found.n_devices))
    assert isinstance(same, cs.Estimate)
    assert same.duration_s == found.duration_s


def test_a_shorter_deadline_needs_more_devices() -> None:
    counts = []
    for days in (200, 50, 10, 3):
        found = cs.plan(replace(SMALL, max_days=days))
        assert isinstance(found, cs.Estimate)
        assert found.duration_s <= days * DAY
        counts.append(found.n_devices)
    assert counts == sorted(counts)
    assert counts[0] < counts[-1]


def test_three_months_unless_told_otherwise() -> None:
    assert cs.plan(replace(SMALL, max_days=None)).to_dict()["summary"] == planned("paper").to_dict()["summary"]


def _search(found: cs.Infeasible) -> SearchReport:
    assert found.search is not None
    return found.search


def _infeasible(scenario: cs.Scenario) -> cs.Infeasible:
    found = cs.plan(scenario)
    assert isinstance(found, cs.Infeasible)
    assert not found.feasible
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    validate(plain, answer_schema())
    assert found.remedies
    search = _search(found)
    rejected = {k: n for k, n in search.rejected.items() if k != "deadline"}
    assert sum(rejected.values()) == search.n_candidates - search.n_fit
    assert search.rejected.get("deadline", 0) == search.n_fit
    assert set(search.rejected) <= {rule.name for rule in RULES} | {"memory", "deadline"}
    return found


def test_too_little_memory_says_by_how_much_and_what_would_do() -> None:
    found = _infeasible(cs.Scenario(model="llama-3-70b", tokens=1e12, device="h100-sxm", devices=8, batch=256))
    assert re.match(rf"0 of {_search(found).n_candidates:,} settings fit", found.reason)
    assert re.search(r"misses by [\d.]+ GB", found.reason)
    assert _search(found).rejected["memory"] > 0
    more = next(m for r in found.remedies if (m := re.match(r"([\d,]+) devices would do", r)))
    n = int(more[1].replace(",", ""))
    assert n > 8
    enough = cs.Scenario(model="llama-3-70b", tokens=1e12, device="h100-sxm", devices=n, batch=256)
    assert cs.plan(enough).feasible  # within three months, as it was asked


def test_where_no_count_does_in_time_the_days_are_said() -> None:
    """Hundreds of devices hold it, and none of those that a remedy looks at is quick enough."""
    asked = cs.Scenario(model="llama-3-70b", tokens=15e12, device="h100-sxm", devices=8, batch=64, max_days=1)
    found = _infeasible(asked)
    more = next(m for r in found.remedies if (m := re.match(r"([\d,]+) devices and ([\d,]+) days would do", r)))
    n, days = (int(word.replace(",", "")) for word in more.groups())
    enough = replace(asked, devices=n)
    assert cs.estimate(replace(enough, max_days=None)).feasible
    assert cs.plan(replace(enough, max_days=days)).feasible
    assert not cs.plan(enough).feasible


def test_too_little_time_says_how_long_it_would_take() -> None:
    found = _infeasible(replace(SMALL, max_days=0.2, max_devices=32))
    assert "none finishes in 0.2 days" in found.reason
    days = next(int(m[1]) for r in found.remedies if (m := re.match(r"allow (\d+) days", r)))
    assert cs.plan(replace(SMALL, max_days=days, max_devices=32)).feasible
    more = next((r for r in found.remedies if "devices would do" in r), None)
    if more:
        n = int(more.split()[0].replace(",", ""))
        assert cs.plan(replace(SMALL, max_days=0.2, max_devices=n)).feasible


def test_no_layout_has_that_many_devices() -> None:
    found = cs.plan(replace(SMALL, max_devices=4, layout=cs.Layout(tp=8)))
    assert isinstance(found, cs.Infeasible)
    assert "at most 4" in found.reason
    assert _search(found).n_candidates == 0
    assert found.remedies
    validate(json.loads(json.dumps(found.to_dict())), answer_schema())


@pytest.mark.parametrize(
    ("d_model", "device"), [(1536, "b100"), (3072, "b100"), (6144, "b100"), (12288, "b100"), (6144, "paper-b100")]
)
def test_the_second_versions_family(d_model: int, device: str) -> None:
    found = cs.plan(cs.Scenario(law="paper_v2", d_model=d_model, device=device))
    assert isinstance(found, cs.Estimate)
    assert found.duration_s <= 90 * DAY
    assert found.resolved.spec.d_model == d_model
    ideal = found.resolved.compute / (90 * DAY * found.resolved.machine.formats.peak)
    assert found.n_devices >= ideal
    experts = found.resolved.spec.experts
    n_params = 2 * d_model * 4 * d_model * found.resolved.spec.n_layers * (experts.n_routed if experts else 1)
    assert found.resolved.tokens == pytest.approx(20 * n_params, rel=1e-6)


def test_the_largest_of_the_family_gets_an_answer_with_reasons() -> None:
    found = cs.plan(cs.Scenario(law="paper_v2", d_model=24576, device="b100"))
    if isinstance(found, cs.Infeasible):
        assert _search(found).n_fit > 0
        assert "days" in found.reason
        assert found.remedies
    else:
        assert found.duration_s <= 90 * DAY


def test_curves_of_a_family() -> None:
    sizes = default_sizes("paper_v2")
    assert list(sizes) == [1536, 3072, 6144, 12288, 24576]
    points = cs.scale(cs.Scenario(law="paper_v2", device="b100"), sizes[:3])
    assert [p.size for p in points] == list(sizes[:3])
    assert [p.loss for p in points] == sorted((p.loss for p in points), reverse=True)
    counts = [p.answer.n_devices for p in points if isinstance(p.answer, cs.Estimate)]
    assert len(counts) == 3
    assert counts == sorted(counts)
    for p in points:
        assert p.n_tokens == pytest.approx(20 * p.n_params, rel=1e-6)


def test_curves_of_a_budget() -> None:
    points = cs.scale(cs.Scenario(law="besiroglu_2024", device="h100-sxm"), (1e21, 1e22))
    for p in points:
        assert 6 * p.n_params * p.n_tokens == pytest.approx(p.compute, rel=1e-6)
        assert p.answer.feasible
    with pytest.raises(InputError, match="scaling law"):
        cs.scale(cs.Scenario(device="h100-sxm"))


def test_strict_rules_are_never_better() -> None:
    """The papers' rules are a part of the full space; the everyday one keeps experts whole."""
    question = cs.Scenario(law="paper_v2", d_model=6144, device="paper-h100", objective="time", max_devices=512)
    free, strict = (
        cs.plan(replace(question, max_days=10_000, space="full")),
        cs.plan(replace(question, max_days=10_000, space="paper")),
    )
    assert isinstance(free, cs.Estimate)
    assert isinstance(strict, cs.Estimate)
    assert strict.setting.ep == 4
    assert free.duration_s <= strict.duration_s


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"model": None}, "no model"),
        ({"model": None, "compute": 1e22}, "law"),
        ({"law": "besiroglu_2024", "compute": 1e22}, "contradict"),
        ({"law": "paper_v2", "model": None}, "exactly one"),
        ({"law": "paper_v2", "model": None, "d_model": 3072, "compute": 1e22}, "exactly one"),
        ({"d_model": 1024}, "family"),
        ({"law": "chinchila"}, "law"),
        ({"layout": cs.Layout(tp=8, pp=8, dp=8, cp=1), "devices": 64}, "contradictory"),
    ],
)
def test_contradictions(changes: dict[str, object], match: str) -> None:
    with pytest.raises(InputError, match=match):
        cs.plan(replace(SMALL, **changes))  # type: ignore[arg-type]


def test_progress_is_told() -> None:
    told: list[int] = []
    cs.plan(SMALL, progress=lambda n, _share: told.append(n))
    assert told
    assert told == sorted(told)


def test_a_batch_that_bars_interleaving_says_so() -> None:
    """By the papers' strict rules stages divide both layers and batch: 318 = 2 x 3 x 53 layers, a batch of 2^k 5."""
    strict = Scenario(law="paper_v1", d_model=24576, device="paper-b100", space="paper")
    (note,) = [n for n in resolve(strict).notes if n.startswith("batch of")]
    assert "no pipeline of 3, 6, 53, … stages interleaves, with a multiple of 318 every one may" in note
    (loose,) = [n for n in resolve(replace(strict, space="default")).notes if n.startswith("batch of")]
    assert "interleaves" not in loose


def test_the_schedule_of_a_stack_is_searched() -> None:
    asked = cs.Scenario(
        model="deepseek-v2-lite", tokens=1e11, devices=64, batch=1024, stack="hai-llm", memory_margin=0.0,
        layout=cs.Layout(tp=1, pp=4, dp=16, cp=1, ep=16),
    )  # fmt: skip
    own = cs.estimate(asked)
    other = cs.estimate(replace(asked, layout=replace(asked.layout, schedule="1f1b")))
    assert isinstance(own, cs.Estimate)
    assert isinstance(other, cs.Estimate)
    assert own.summary()["schedule"] == "dualpipe"
    assert own.duration_s < 0.95 * other.duration_s

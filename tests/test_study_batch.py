"""The batch as a decision: its range, what it costs in tokens, counts of any number, and brute force over every batch."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Any
from unittest import mock

import numpy as np
import pytest
from numpy.typing import NDArray

import carbonscaling as cs
from carbonscaling.catalog import laws
from carbonscaling.cli import main
from carbonscaling.errors import InputError
from carbonscaling.perf.numbers import Setting
from carbonscaling.perf.step import step_time
from carbonscaling.reporting.answer import setting_lines
from carbonscaling.search.count_bounds import Bounds
from carbonscaling.search.engine import search
from carbonscaling.search.objectives import OBJECTIVES
from carbonscaling.study import decide
from carbonscaling.study.asked import asked, question_of, space_of
from carbonscaling.study.decide import FLAT, Known, flat, layout_batches, round_batches
from carbonscaling.study.levers import Lever, levers
from carbonscaling.study.outcome import takes
from carbonscaling.study.reported import reported_runs
from carbonscaling.study.resolve import resolve
from carbonscaling.units import HOUR
from carbonscaling.validate.batches import law_scores, published_batches

SMALL = cs.Scenario(model="llama-3.2-1b", tokens=2e9, device="h100-sxm", seq_len=4096, max_devices=64)
LARGE = cs.Scenario(model="llama-3.1-405b", tokens=15.6e12, device="h100-sxm", devices=16384)


def test_a_batch_that_is_stated_trains_the_stated_tokens_and_a_searched_one_says_so() -> None:
    found = cs.estimate(replace(SMALL, devices=8, batch=None))
    assert isinstance(found, cs.Estimate)
    assert found.resolved.tokens != 2e9
    assert any(line.endswith("of the 2B asked for; --batch alone trains all 2B") for line in setting_lines(found))
    fixed = cs.estimate(replace(SMALL, devices=8, batch=round(found.resolved.batch)))
    assert isinstance(fixed, cs.Estimate)
    assert fixed.resolved.tokens == 2e9
    assert not any("alone trains" in line for line in setting_lines(fixed))


@cache
def taken(scenario: cs.Scenario) -> cs.Estimate:
    found = (cs.estimate if scenario.is_counted else cs.plan)(scenario)
    assert isinstance(found, cs.Estimate)
    return found


@pytest.mark.parametrize(("tokens", "batch"), [(1e10, 0.9e6), (1e11, 2.6e6)])
def test_the_overhead_batch_is_the_published_one(tokens: float, batch: float) -> None:
    assert float(laws.batch_overhead().batch(tokens, 1e9, 1e9)) == pytest.approx(batch, rel=0.03)


@pytest.mark.parametrize(("active", "factor"), [(0.58, 1.15), (0.27, 1.38), (0.11, 1.74), (0.09, 1.84)])
def test_experts_raise_it(active: float, factor: float) -> None:
    law = laws.batch_overhead()
    assert float(law.batch(1e11, 1.0, active) / law.batch(1e11, 1.0, 1.0)) == pytest.approx(factor, rel=0.02)


def test_tokens_at_equal_loss() -> None:
    law = laws.batch_overhead()
    assert law.tokens(1e12, 5.0, 5.0, 9.0) == pytest.approx(1e12)
    assert law.tokens(1e12, 9.0, 1e-9, 9.0) == pytest.approx(1.2e12)
    every = np.asarray(law.tokens(1e12, np.linspace(1, 20, 40), 5.0, 9.0))
    assert (np.diff(every) > 0).all()


def test_published_batches_lie_in_the_range() -> None:
    scores = {score.name: score for score in law_scores()}
    searched = scores["searched"]
    assert searched.n == len(published_batches()["batch"]) >= 90
    assert searched.inside is not None
    assert searched.inside >= 0.8
    assert set(scores) == {"searched", *laws.batch_law_names()}
    usual = np.median(published_batches()["batch"] / _overheads())
    assert laws.batch_overhead().usual == pytest.approx(usual, abs=0.005)


def _overheads() -> NDArray[np.float64]:
    found = published_batches()
    return np.asarray(laws.batch_overhead().batch(found["tokens"], found["params"], found["active"]))


def test_the_405b_chooses_its_makers_batch() -> None:
    answer = taken(LARGE)
    assert 1536 <= answer.summary()["global_batch_seqs"] <= 2560
    assert answer.n_devices == answer.setting.n_devices == 16384
    low, high = flat(answer.resolved, answer.setting)
    assert low <= answer.resolved.batch <= high
    assert any(f"{low:,} to {high:,} take at most {FLAT:.0%} longer" in note for note in answer.resolved.notes)


def test_the_flat_region_is_where_the_layout_loses_little() -> None:
    answer = taken(replace(SMALL, devices=16))
    r, own = answer.resolved, takes(answer.resolved)
    low, high = flat(r, answer.setting)
    for batch in layout_batches(r, answer.setting).tolist():
        n_micro = batch / (answer.setting.dp * answer.setting.micro_batch)
        s = Setting(*(float(v) for v in answer.setting))._replace(n_micro=n_micro)
        slower = float(own.duration(s, step_time(r.work, r.machine, s).total)) / answer.duration_s
        assert (slower <= 1.0 + FLAT) == (low <= batch <= high) or low <= batch <= high


@pytest.mark.parametrize("objective", ["paper", "cost", "carbon"])
def test_no_batch_of_the_range_beats_the_plan(objective: str) -> None:
    """Every batch stated in turn, with the tokens that it needs for the same loss."""
    question = replace(SMALL, objective=objective, max_days=1.0)
    best, r = taken(question), resolve(question)
    key = OBJECTIVES[objective].key
    assert best.search is not None
    for batch in r.batches.every:
        stated = replace(question, batch=batch, tokens=float(r.tokens_at(batch)))
        s, own, counts, deadline = asked(stated, "plan")
        q = question_of(s, own, counts, deadline)
        found = search(q, space_of(s, own), top=1, near=0.0, prune=True, explain=False).best
        assert found is None or key(best.search.top[0])[0] <= key(found)[0] * (1 + 1e-9)


PLAN = cs.Scenario(model="llama-3.1-405b", tokens=15.6e12, device="h100-sxm", max_days=90)


def _beaten(every: int) -> int:
    """Search one batch of the range in so many alone, at all counts up to the plan's; return how many were searched."""
    found = taken(PLAN)
    s, r, counts, deadline = asked(PLAN, "plan")
    q, n = question_of(s, r, counts, deadline), 0
    for batch in {*r.batches.every[::every], int(found.resolved.batch)}:
        alone = search(
            replace(q, batches=(batch,), counts=(1, found.n_devices)),
            space_of(s, r),
            top=1,
            near=0.0,
            prune=True,
            explain=False,
        ).best
        if alone is not None:
            assert (alone.n_devices, alone.duration_s) >= (found.n_devices, found.duration_s), f"batch {batch}"
        n += 1
    return n


def test_no_batch_beats_the_plan_for_405b() -> None:
    assert _beaten(400) >= 12


@pytest.mark.slow
def test_none_of_all_batches_beats_the_plan_for_405b() -> None:
    assert _beaten(1) > 4000


def test_405b_holds_its_makers_device_hours_at_its_makers_batch() -> None:
    card = reported_runs()["llama-3.1-405b"].device_hours
    assert card is not None
    low, high = taken(replace(LARGE, batch=2048)).intervals["device_hours"]
    assert low < card.si / HOUR < high


def test_405b_takes_its_makers_device_hours_with_its_makers_software() -> None:
    """Within 10 % of the model card, layout searched: PyTorch on a RoCE network (arXiv 2407.21783, section 3.3)."""
    card = reported_runs()["llama-3.1-405b"].device_hours
    assert card is not None
    told = replace(LARGE, batch=2048, stack="community", fabric="roce", nic_gbps=400.0)
    assert taken(told).device_hours == pytest.approx(card.si / HOUR, rel=0.10)


META = cs.Layout(tp=8, cp=1, pp=16, dp=128, vpp=8, zero=1, micro_batch=1, recompute="selective")
"""arXiv 2407.21783, table 4 and section 3.3.2."""


def test_405b_takes_what_its_makers_recipe_takes_at_its_makers_batch() -> None:
    """Within 10 % on the same stack, and never more: the recipe is among the layouts searched."""
    recipe = cs.estimate(replace(LARGE, max_days=None, devices=16384, batch=2048, layout=META))
    assert isinstance(recipe, cs.Estimate)
    plan = taken(replace(LARGE, batch=2048))
    assert 0.9 * recipe.device_hours < plan.device_hours <= recipe.device_hours


def test_405b_s_recipe_takes_its_makers_device_hours_with_its_makers_software() -> None:
    """Within 5 % of the model card, the whole run and its restarts counted."""
    card = reported_runs()["llama-3.1-405b"].device_hours
    assert card is not None
    told = replace(LARGE, max_days=None, devices=16384, batch=2048, layout=META)
    there = cs.estimate(replace(told, stack="community", fabric="roce", nic_gbps=400.0))
    assert isinstance(there, cs.Estimate)
    assert there.device_hours == pytest.approx(card.si / HOUR, rel=0.05)


def test_ctrl_c_among_fewer_devices_leaves_the_best_of_the_count(monkeypatch: pytest.MonkeyPatch) -> None:
    question = replace(SMALL, devices=36, batch=48)
    asked: list[bool] = []

    def ended(*args: Any, **options: Any) -> Any:
        found = search(*args, **options)
        asked.append("beat" in options)
        return replace(found, interrupted=True) if asked[-1] else found

    monkeypatch.setattr("carbonscaling.study.decide.search", ended)
    answer = taken(question)
    assert asked == [False, True]
    assert answer.search is not None
    assert answer.search.interrupted


def test_a_stated_batch_is_taken_as_it_is() -> None:
    stated = taken(replace(SMALL, devices=8, batch=48))
    assert (stated.resolved.tokens, stated.resolved.batch) == (2e9, 48)
    named = taken(replace(SMALL, devices=8, batch_law="zhang_2024"))
    assert named.resolved.batch * 4096 == pytest.approx(17.75 * 2e9**0.47, rel=0.06)
    with pytest.raises(cs.InputError, match="zhang_2024"):
        cs.estimate(replace(SMALL, devices=8, batch_law="zhang"))


def test_a_plan_and_an_estimate_of_its_count_agree() -> None:
    plan = taken(replace(SMALL, max_days=1.0))
    again = taken(replace(SMALL, devices=plan.n_devices))
    assert (again.setting, again.duration_s) == (plan.setting, plan.duration_s)


def test_every_count_answers_and_more_devices_are_never_slower() -> None:
    last = float("inf")
    for n in (*range(1, 26), 37, 53, 61, 64):
        answer = taken(replace(SMALL, devices=n))
        assert answer.n_devices == n
        assert answer.setting.n_devices <= n
        assert answer.duration_s <= last * (1 + 1e-9)
        assert any("idle" in w for w in answer.warnings) == (answer.setting.n_devices < n)
        assert answer.device_hours == pytest.approx(n * answer.duration_s / 3600)
        last = answer.duration_s


def test_a_count_that_is_searched_first_gives_what_deciding_it_gives() -> None:
    may, whether = [], Bounds.may_match

    def told(*asked: Any) -> Any:
        may.append(whether(*asked))
        return may[-1]

    with mock.patch.object(Bounds, "may_match", told):
        for objective in ("time", "carbon"):
            known = Known() if objective == "time" else None
            for n in (20, 64, 24, 32, 33, 35):
                one = replace(SMALL, devices=n, batch=64, objective=objective)
                s, r, counts, deadline = asked(one, "estimate")
                q, space = question_of(s, r, counts, deadline), space_of(s, r)
                wanted = decide.decided(q, space)
                alone = search(wanted, space, prune=True, close=True)
                for shared in (None, known):
                    own, found = decide.searched(q, space, None, shared, prune=True, close=True)
                    assert (own.counts, *own.batches) == (wanted.counts, *wanted.batches)
                    if shared is None:
                        assert replace(found, close=None) == replace(alone, close=None)
                    same = [(f.n_fit, f.rejected, [(c.setting, c.step_s) for c in f.top]) for f in (found, alone)]
                    assert same[0] == same[1]
    assert None in may
    assert any(may)


@pytest.mark.parametrize("objective", ["time", "carbon", "cost", "paper"])
def test_a_search_that_has_to_beat_a_setting_finds_what_does(objective: str) -> None:
    one = replace(SMALL, max_devices=64, batch=64, max_days=30.0, objective=objective)
    s, r, counts, deadline = asked(one, "plan")
    q, space = question_of(s, r, counts, deadline), space_of(s, r)
    every = search(q, space, top=40, prune=True)
    best, worse = every.top[0], every.top[-1]
    for few in (0, 1 << 40):
        assert search(q, space, top=1, near=0.0, prune=True, explain=False, few=few, beat=worse).best == best
        assert search(q, space, top=1, near=0.0, prune=True, explain=False, few=few, beat=best).best == best
        beyond = replace(
            best, duration_s=0.99 * best.duration_s, carbon_kg=0.99 * best.carbon_kg, cost_usd=0.99 * best.cost_usd
        )
        found = search(q, space, top=1, near=0.0, prune=True, explain=False, few=few, beat=beyond)
        assert found.best is None
        assert found.n_candidates == every.n_candidates


def test_a_layout_of_fewer_devices_leaves_the_others_idle() -> None:
    """Stated whole or but for the replicas, as a search that leaves devices idle finds it."""
    asked = replace(SMALL, devices=33, batch=32)
    for layout in (cs.Layout(tp=1, pp=1, cp=1, dp=32), cs.Layout(tp=1, pp=1, cp=1)):
        answer = taken(replace(asked, layout=layout))
        assert (answer.n_devices, answer.setting.n_devices) == (33, 32)
    with pytest.raises(InputError, match="more than 33 devices"):
        taken(replace(asked, layout=cs.Layout(tp=2, pp=1, cp=1, dp=32)))


def test_idle_devices_cost_and_emit() -> None:
    whole, idle = (taken(replace(SMALL, devices=n, batch=32, layout=cs.Layout(pp=1, cp=1))) for n in (32, 33))
    assert idle.setting == whole.setting
    assert idle.cost_usd is not None
    assert whole.cost_usd is not None
    assert idle.cost_usd / whole.cost_usd == pytest.approx(33 / 32)
    assert idle.mfu / whole.mfu == pytest.approx(32 / 33)
    parts, alone = idle.footprint.parts, whole.footprint.parts
    assert idle.working_mfu == pytest.approx(whole.mfu)
    one_w = idle.resolved.carbon.numbers.idle_w  # the 33rd has no work, the others have theirs
    assert parts.device_energy_j - alone.device_energy_j == pytest.approx(one_w * idle.duration_s)
    assert idle.footprint.energy_kwh > whole.footprint.energy_kwh


def test_the_batch_stands_among_the_levers() -> None:
    names = [lever.name for lever in taken(replace(SMALL, devices=16)).levers]
    assert len(names) == 3
    found = next(v for v in _levers() if v.name.startswith("global batch"))
    assert found.at_low > 0
    assert found.low.endswith("sequences")


def _levers() -> tuple[Lever, ...]:
    answer = taken(replace(SMALL, devices=16))
    return levers(answer.resolved, answer.setting, n_best=99)


def test_a_remedy_names_a_batch_that_was_tried() -> None:
    late = cs.plan(replace(SMALL, batch=1, max_days=0.02, max_devices=256))
    assert isinstance(late, cs.Infeasible)
    named = next(r for r in late.remedies if r.startswith("a batch of"))
    batch = int(named.split()[3].replace(",", ""))
    assert batch > 1
    assert isinstance(cs.plan(replace(SMALL, batch=batch, max_days=0.02, max_devices=256)), cs.Estimate)


def test_round_batches_have_few_digits() -> None:
    found = round_batches(range(300, 5001))
    assert all(b >> max(0, b.bit_length() - 7) << max(0, b.bit_length() - 7) == b for b in found)
    assert max(b / a for a, b in pairwise(found)) < 1.017


def test_the_command_says_what_batches_cost(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["batch", "--model", "llama-3.1-405b", "--tokens", "15.6e12", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["low_seqs"] < 2048 < data["high_seqs"]
    assert {law["name"] for law in data["laws"]} == set(laws.batch_law_names())
    assert main(["batch", "--published"]) == 0
    assert "of 95 published batches lie in the range" in capsys.readouterr().out

"""The search: its space, its counts, its order, and independence of how it is cut into blocks."""

from __future__ import annotations

import math
import random
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbonscaling.model.from_law import paper_family_spec
from carbonscaling.perf.build import workload
from carbonscaling.perf.memory import memory
from carbonscaling.perf.numbers import Setting
from carbonscaling.search import alike, evaluate, rounds, vectorised
from carbonscaling.search.constraints import RULES
from carbonscaling.search.divisors import divisors
from carbonscaling.search.engine import Question, SearchResult, search
from carbonscaling.search.kernel import rejected
from carbonscaling.search.objectives import OBJECTIVES, Outcome
from carbonscaling.search.simple import complexity
from carbonscaling.search.space import Space, grid, layouts
from samples import machine_of, work_of


def _outcome(s: Any, step: Any) -> Outcome:
    n = s.n_devices * 1.0
    return Outcome(step * 1e5, n * step, n * step * 2)


def _question(**changes: Any) -> Question:
    base: dict[str, Any] = dict(
        work=work_of("llama-3-8b"), machine=machine_of("h100-sxm"), batches=(64,), outcome=_outcome, objective="time",
        counts=(1, 64), host_devices=8,
    )  # fmt: skip
    return Question(**(base | changes))


@pytest.fixture(scope="module")
def found() -> SearchResult:
    return search(_question(), Space())


def test_searches_that_share_tables_find_what_each_finds_alone() -> None:
    """Counts, batch, memory and objective in turn: what a search leaves behind changes no other's answer."""
    base = _question()
    changed: tuple[dict[str, Any], ...] = (
        {"counts": (32, 32)}, {"counts": (8, 128)}, {"batches": (128,)}, {"machine": machine_of("a100-80")},
        {"objective": "carbon", "counts": (16, 16)}, {"margin": 0.05}, {},
    )  # fmt: skip
    questions = [replace(base, **own) for own in changed]
    for few in (None, 0):
        alike._known.clear()
        shared = [search(q, Space(), prune=True, few=few) for q in questions]
        assert len(alike._known) < len(questions), "some are shared"
        for q, found in zip(questions, shared, strict=True):
            alike._known.clear()
            assert search(q, Space(), prune=True, few=few) == found


@pytest.mark.parametrize("name", ["llama-3-8b", "mixtral-8x7b"])
def test_one_setting_meets_the_fate_that_a_search_gives_it(name: str) -> None:
    """Formulas of one setting against the tables of many: the same rule refuses it, or it takes the very same step."""
    q, rng, none = _question(work=work_of(name), deadline_s=1e6, host_devices=1), random.Random(1), np.full(1, np.inf)
    choices: dict[str, tuple[int, ...]] = {
        "tp": (1, 2, 4, 8, 16), "pp": (1, 2, 4, 8), "dp": (1, 2, 4, 8, 16), "cp": (1, 2), "ep": (1, 2, 8, 16), "vpp": (1, 2, 4),
        "zero": (0, 1, 2, 3), "micro_batch": (1, 2, 4, 8), "recompute": Space().recompute,
    }  # fmt: skip
    fates = Counter[str]()
    for _ in range(1500):
        one: dict[str, Any] = {key: (rng.choice(values),) for key, values in choices.items()}
        space = Space(**one)
        own = grid(space, q.work, layouts(space, q.work, q.batches, q.machine.silicon.domain, q.counts))
        if own.n_candidates != 1:
            continue
        found = search(q, space)
        told = evaluate.judge_of(q.work, q.machine, own, None).decide(np.zeros(1, np.int64), none, none, none, False)
        (fate,) = found.rejected or ("fits",)
        fates[fate] += 1
        if found.fastest is None:
            assert found.rejected == rejected(told.counts)
        else:
            assert (found.fastest.step_s,) == tuple(told.step)
    assert fates["fits"] > 20
    assert len(fates) > 5


@given(st.integers(1, 20000))
def test_divisors(n: int) -> None:
    assert divisors(n) == [d for d in range(1, n + 1) if n % d == 0]


def test_layouts_are_unique_and_within_the_counts() -> None:
    work = work_of("llama-3-8b")
    lattice = layouts(Space(), work, (64,), 8.0, (4, 48))
    rows = lattice.rows(lattice.layouts(lattice.families))
    n = rows[:, :4].prod(axis=1)
    assert (n >= 4).all()
    assert (n <= 48).all()
    assert len(rows) == lattice.n_layouts
    assert (
        n.tolist() == np.repeat(lattice.extents(lattice.families).n_devices, lattice.sizes(lattice.families)).tolist()
    )
    assert len(np.unique(rows, axis=0)) == len(rows)
    assert (64 % rows[:, 2] == 0).all()
    assert set(rows[:, 0].tolist()) <= {1, 2, 4, 8}


def test_the_grid_holds_every_combination_once() -> None:
    work = work_of("mixtral-8x7b")
    space = Space(vpp=(1, 2), micro_batch=(1, 2), recompute=(0, 2))
    rows = layouts(space, work, (16,), 8.0, (1, 16))
    g = grid(space, work, rows)
    inner = np.arange(g.n_inner)
    settings = np.array(g.settings((rows.layouts(rows.families)[:, None] * g.n_inner + inner).reshape(-1))).T
    assert len(np.unique(settings, axis=0)) == g.n_candidates == rows.n_layouts * 4 * 2 * 4 * 2 * 2


def test_a_stated_share_of_layers_is_of_what_the_open_space_recomputes_in_part() -> None:
    work, open_space = work_of("llama-3-8b"), Space(recompute_percent=(50, 100), selective_shares=False)
    rows = layouts(open_space, work, (16,), 8.0, (1, 16))
    stated = replace(open_space, recompute_percent=(50,))
    assert grid(stated, work, rows).redos.tolist() == [[0, 50], [2, 50]]  # the first is never allowed
    assert [2, 50] in grid(open_space, work, rows).redos.tolist()
    assert grid(replace(stated, recompute=(1,)), work, rows).redos.tolist() == [[1, 50]]


@pytest.mark.parametrize("few", [None, 0])
def test_a_stage_of_states_that_no_layout_may_use_fits_nowhere(few: int | None) -> None:
    """ZeRO-3 needs replicas: one device has none."""
    assert search(_question(counts=(1, 1)), Space(zero=(3,)), few=few).best is None


def test_counts_add_up(found: SearchResult) -> None:
    assert found.n_candidates > found.n_fit > 0
    assert sum(found.rejected.values()) == found.n_candidates - found.n_fit
    late = search(_question(deadline_s=found.top[0].duration_s * 2), Space())
    assert late.n_fit == found.n_fit
    assert 0 < late.rejected["deadline"] < late.n_fit
    assert sum(late.rejected.values()) == late.n_candidates - late.n_fit + late.rejected["deadline"]
    assert set(late.rejected) <= {rule.name for rule in RULES} | {"memory", "deadline"}


@pytest.mark.parametrize("block", [1, 1000, 1 << 20])
def test_blocks_do_not_change_the_answer(found: SearchResult, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    question, small = _question(), Space(micro_batch=(1, 2), vpp=(1, 2, 4))
    expected = search(question, small)
    monkeypatch.setattr(vectorised, "BLOCK", block)
    monkeypatch.setattr(evaluate, "WHOLE_BLOCK", block)
    for name in ("FIRST_ROUND", "WHOLE_ROUND"):
        monkeypatch.setattr(rounds, name, block)
    again = search(question, small)
    assert again.top == expected.top
    assert (again.n_candidates, again.n_fit, again.rejected) == (
        expected.n_candidates,
        expected.n_fit,
        expected.rejected,
    )
    assert again.nearest_memory == expected.nearest_memory
    assert found.best is not None
    assert expected.best is not None
    assert found.best.duration_s <= expected.best.duration_s


def test_the_same_question_gets_the_same_answer(found: SearchResult) -> None:
    assert search(_question(), Space()).top == found.top


def test_of_equal_settings_the_simplest_wins() -> None:
    """A constant outcome makes every setting equal: the simplest come first, then those of the smallest degrees."""

    def flat(_settings: Any, step: Any) -> Outcome:
        return Outcome(0.0 * step + 1.0, 0.0 * step + 1.0, 0.0 * step + 1.0)

    for objective in ("carbon", "cost"):
        top = search(_question(objective=objective, outcome=flat), Space()).top
        assert [c.setting for c in top] == sorted((c.setting for c in top), key=lambda s: (*complexity(s), *s))
        assert complexity(top[0].setting)[0] == 0
    by_time = search(_question(objective="time", outcome=flat), Space()).top
    assert [c.n_devices for c in by_time] == sorted(c.n_devices for c in by_time)


@pytest.mark.parametrize("objective", sorted(OBJECTIVES))
def test_the_top_is_ranked(objective: str) -> None:
    top = search(_question(objective=objective), Space(), top=25).top
    keys = [OBJECTIVES[objective].key(c) for c in top]
    assert keys == sorted(keys)
    assert len(top) == len({c.setting for c in top}) == 25


def test_whole_hosts_beyond_one() -> None:
    top = search(_question(counts=(1, 64)), Space(), top=100_000).top
    counts = {c.n_devices for c in top}
    assert all(n <= 8 or n % 8 == 0 for n in counts)
    assert counts >= {2, 4, 8, 16, 24, 32, 48, 64}
    assert {c.n_devices for c in search(_question(host_devices=1, counts=(12, 12)), Space(), top=5).top} <= {12}


def test_progress_is_told(found: SearchResult) -> None:
    told: list[int] = []
    search(_question(), Space(), progress=lambda n, _share: told.append(n))
    assert told == sorted(told)
    assert told[-1] == found.n_candidates


def test_more_devices_or_options_are_never_worse(found: SearchResult) -> None:
    assert found.best is not None
    fewer = search(_question(counts=(1, 32)), Space()).best
    narrower = search(_question(), Space(tp=(1, 8), zero=(0, 1), recompute=(2,))).best
    assert fewer is not None
    assert narrower is not None
    assert found.best.duration_s <= min(fewer.duration_s, narrower.duration_s)


def test_nothing_fits_and_how_near_it_came() -> None:
    question = _question(
        work=work_of("gpt-3-1.3b"), machine=machine_of("h100-sxm").changed(capacity=3e9), counts=(1, 1)
    )
    result = search(question, Space(micro_batch=(1,), vpp=(1,)))
    assert result.best is None
    assert result.top == []
    assert result.fastest is None
    assert result.nearest_memory is not None
    need = memory(question.work, question.machine, Setting(*map(float, result.nearest_memory.setting)))
    assert float(need.total - need.limit) == result.nearest_memory.excess > 0
    assert result.rejected["memory"] > 0


def test_nothing_in_time_keeps_the_fastest(found: SearchResult) -> None:
    result = search(_question(deadline_s=1.0), Space())
    assert result.best is None
    assert result.rejected["deadline"] == result.n_fit == found.n_fit
    assert result.fastest is not None
    assert found.best is not None
    assert result.fastest.duration_s == found.best.duration_s


def test_an_empty_range_of_counts() -> None:
    result = search(_question(counts=(7, 7), host_devices=1), Space())
    assert (result.n_candidates, result.n_layouts, result.best) == (0, 0, None)


def _paper(n_experts: int, batch: int, **changes: Any) -> tuple[SearchResult, Question]:
    work = workload(paper_family_spec(1536, 6144, 40, n_experts, 2048), 2048)
    question = _question(work=work, machine=machine_of("paper-h100"), batches=(batch,), **changes)
    return search(question, Space(strict=True), top=10_000), question


def test_the_papers_rules() -> None:
    """EP = E, PP | L, DP·EP | batch with the papers' DP = dp/ep, TP for experts too, DP over tokens, no recomputation."""
    result, question = _paper(4, 32)
    assert result.top
    for s in (c.setting for c in result.top):
        assert s.ep == 4
        assert 40 % s.pp == 0
        assert s.dp % s.ep == 0
        assert 32 % s.dp == 0
        assert (s.recompute, s.etp) == (0, s.tp)
        assert (4 * question.work.d_model**2) % s.tp == 0
    assert max(c.setting.dp for c in result.top) == 32  # DP 8 x EP 4: ruling R9
    assert max(c.setting.cp for c in result.top) > 1


def test_a_dense_model_has_no_experts() -> None:
    result, _ = _paper(1, 32)
    assert {c.setting.ep for c in result.top} == {1}


def test_options_that_the_model_cannot_use_are_rejected_not_ignored() -> None:
    dense = search(_question(), Space(ep=(8,)))
    assert dense.n_fit == 0
    assert dense.rejected["experts"] > 0
    work = workload(paper_family_spec(1536, 6144, 40, 1, 2048), 2048)
    asked = search(_question(work=work, batches=(32,)), Space(strict=True, recompute=(2,)))
    assert {c.setting.recompute for c in asked.top} == {2}


def test_rules_reject_under_the_first_reason() -> None:
    """A micro-batch that does not divide the batch counts as a batch mismatch whatever else is wrong."""
    result = search(_question(counts=(64, 64), host_devices=1), Space(micro_batch=(3,), zero=(3,), pp=(2,), vpp=(2,)))
    assert result.rejected == Counter(batch=result.n_candidates)
    assert RULES[0].name == "batch"
    assert all(rule.reason for rule in RULES)


def test_the_deadline_is_inclusive(found: SearchResult) -> None:
    assert found.best is not None
    exact = search(_question(deadline_s=found.best.duration_s), Space())
    assert exact.best == found.best
    below = search(_question(deadline_s=math.nextafter(found.best.duration_s, 0.0)), Space())
    assert below.best is None
    assert replace(_question(), objective="cost").objective == "cost"

"""Searches of many device counts at once: each finds what it finds alone, and studies ask them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import carbonscaling as cs
from carbonscaling.search.abreast import Abreast
from carbonscaling.search.engine import Question, search
from carbonscaling.search.rounds import FIRST_ROUND
from carbonscaling.search.space import Space
from carbonscaling.study import decide
from carbonscaling.study.asked import asked, question_of, space_of
from carbonscaling.study.decide import Known
from carbonscaling.study.foreseen import foresee
from carbonscaling.study.sweep.answers import Answers
from carbonscaling.study.sweep.axes import Block
from carbonscaling.study.sweep.case import scenario_of_case
from carbonscaling.study.sweep.studyfile import Keep, Study

COUNTS = (1, 2, 7, 8, 24, 48, 60, 64, 96, 100, 128, 250, 256, 512)
CASES = (("llama-3-8b", "default", 1024), ("mixtral-8x7b", "default", 960), ("llama-2-70b", "paper", 512),
         ("llama-3.2-1b", "full", 240))  # fmt: skip


def _asked(model: str, space: Any, batch: int) -> tuple[Question, Space]:
    scenario = cs.Scenario(model=model, tokens=1e12, device="a100-80", devices=64, batch=batch, space=space)
    s, r, counts, deadline = asked(replace(scenario, objective="time"), "estimate")
    return question_of(s, r, counts, deadline), space_of(s, r)


@pytest.mark.parametrize(("model", "space", "batch"), CASES)
def test_every_count_finds_what_a_search_of_its_own_finds(model: str, space: str, batch: int) -> None:
    q, options = _asked(model, space, batch)
    run = Abreast.of(q, options, 0)
    assert run is not None
    sizes, beaten = set(), 0
    for near in (0.02, 0.0):
        for n, found in zip(COUNTS, run.search(COUNTS, near), strict=True):
            alone = search(replace(q, counts=(n, n)), options, top=1, near=near, prune=True, explain=False, few=0)
            assert (found.top, found.best) == (alone.top, alone.best)
            assert (found.n_candidates, found.n_fit, found.rejected) == (
                alone.n_candidates,
                alone.n_fit,
                alone.rejected,
            )
            sizes.add(found.n_candidates > FIRST_ROUND)
    steps = np.array([np.inf if found.best is None else found.best.step_s for found in run.search(COUNTS, 0.0)])
    for factor in (1.0, 1.001, 0.999):
        for step, found in zip(steps, run.search(COUNTS, 0.0, factor * steps), strict=True):
            assert (found.best is not None) == (step < np.inf and factor >= 1.0)
            beaten += found.best is None and step < np.inf
            assert found.best is None or found.best.step_s == step
    assert beaten
    assert (True in sizes) == (space != "paper")


@pytest.mark.parametrize(("model", "space", "batch"), CASES[:3])
def test_what_is_foreseen_is_what_each_count_finds_when_it_is_asked(model: str, space: str, batch: int) -> None:
    q, options = _asked(model, space, batch)
    ask = {"top": 1, "prune": True, "explain": False, "threads": 1}
    known = Known()
    for counts in ((24, 100, 60), (7, 96, 60, 513), (520,)):
        foresee(q, options, 0, known, counts)
        assert set(counts) <= set(known.best)
        for n in counts:
            one = replace(q, counts=(n, n))
            (own, found), (as_asked, alone) = (decide.searched(one, options, 0, k, **ask) for k in (known, None))
            assert own.counts == as_asked.counts
            assert (found.top, found.n_candidates, found.n_fit, found.rejected) == (
                alone.top, alone.n_candidates, alone.n_fit, alone.rejected,
            )  # fmt: skip


def test_without_machine_code_nothing_is_foreseen(monkeypatch: pytest.MonkeyPatch) -> None:
    q, options = _asked(*CASES[0])
    monkeypatch.setattr("carbonscaling.search.compiled.available", lambda: False)
    known = Known()
    foresee(q, options, 0, known, (24, 100))
    assert known == Known()


def _is_the_estimate(row: dict[str, Any], answer: Any) -> None:
    summary = answer.summary()
    shared = {name for name in set(row) & set(summary) if row[name] is not None}
    assert len(shared) > 25
    for name in shared:
        assert row[name] == (pytest.approx(summary[name], rel=1e-12) if isinstance(row[name], float) else summary[name])


def test_cases_that_differ_in_devices_are_answered_together_as_alone() -> None:
    """Whichever axis varies fastest; a layout that needs more devices than there are is refused as it is alone."""
    axes = Block({"devices": (4, 20, 64, 100)}), Block({"tokens": (1e11, 1e12)}), Block({"layout.tp": (1, 8)})
    base = {"model": "llama-3-8b", "device": "h100-sxm", "batch": 512, "objective": "time"}
    for blocks in (axes, axes[::-1]):
        study = Study("counts", "estimate", base, blocks, Keep(rejected=True), 1)
        together = Answers(study)
        together._runs._few = 0
        table = together.table(range(study.n_cases))
        rows = table.rows()
        for row in table.filter(table["status"] == "ok").to_dicts():
            _is_the_estimate(row, cs.estimate(scenario_of_case(study, row["case"])))
        for case, row in enumerate(rows):
            alone = Answers(study)
            alone._runs._few = 0
            assert alone.table([case]).rows() == [row]
        assert {row[1 + len(blocks)] for row in rows} == {"ok", "refused"}


def test_what_is_no_count_is_refused_among_counts() -> None:
    base = {"model": "llama-3-8b", "device": "h100-sxm", "batch": 512, "objective": "time", "tokens": 1e12}
    study = Study("counts", "estimate", base, (Block({"devices": (64, 0, 63.5, -8, 96.0, 100)}),), Keep(), 1)
    rows = Answers(study).table(range(study.n_cases))
    assert rows["status"].to_list() == ["ok", "refused", "refused", "refused", "ok", "ok"]
    assert rows.rows() == [Answers(study).table([case]).rows()[0] for case in range(study.n_cases)]

"""The memory margin: what a search chooses keeps it, what is stated only has to fit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import carbonscaling as cs
from carbonscaling.catalog import factors
from carbonscaling.errors import InputError
from carbonscaling.perf.memory import memory, with_margin
from carbonscaling.perf.numbers import Setting
from carbonscaling.study.asked import asked, margin_of, question_of
from carbonscaling.validate.parts.memory import check_memory
from samples import machine_of, work_of

SMALL = cs.Scenario(model="llama-3-8b", tokens=1e12, devices=8, batch=512)
DEFAULT = factors.factor("memory.margin.default").si


def _estimate(s: cs.Scenario) -> cs.Estimate:
    found = cs.estimate(s)
    assert isinstance(found, cs.Estimate), found.reason
    return found


def test_the_default_is_the_error_that_validate_prints() -> None:
    every = next(line for line in check_memory() if line.group == "all")
    assert every.score is not None
    assert every.score.median == pytest.approx(DEFAULT, abs=5e-4)


def test_what_fits_with_a_margin_fits_when_memory_is_exceeded_by_it() -> None:
    machine, s = (
        machine_of("h100-sxm"),
        Setting(4.0, 1.0, 8.0, 1.0, 1.0, 1.0, 1.0, 1.0, 8.0, 1.0, 4.0, 0.0, 0.0, 1.0, 100.0),
    )
    plain = memory(work_of("llama-3-8b"), machine, s)
    kept = memory(work_of("llama-3-8b"), with_margin(machine, 0.25), s)
    assert kept.total == plain.total
    assert kept.limit * 1.25 == pytest.approx(plain.limit, rel=1e-12)
    assert with_margin(machine, 0.0) is machine


def test_all_that_a_search_chooses_keeps_the_margin() -> None:
    near, free = _estimate(SMALL), _estimate(replace(SMALL, memory_margin=0.0))
    assert free.memory.total * (1.0 + DEFAULT) > free.memory.limit >= free.memory.total
    assert near.duration_s > free.duration_s
    assert near.search is not None
    for c in near.search.top:
        need = memory(near.resolved.work, near.resolved.machine, Setting(*map(float, c.setting)))
        assert need.total * (1.0 + DEFAULT) <= need.limit * (1.0 + 1e-12)
    assert not any("memory fits by" in warning for warning in near.warnings)


def test_a_stated_layout_only_has_to_fit() -> None:
    """The one that a search without margin takes: stated it is answered, with a warning; open, it is not chosen."""
    s = _estimate(replace(SMALL, memory_margin=0.0)).setting
    names = ("tp", "pp", "dp", "cp", "vpp", "zero", "micro_batch")
    degrees: dict[str, Any] = {name: int(getattr(s, name)) for name in names}
    own = cs.Layout(**degrees, recompute="none")
    stated = _estimate(replace(SMALL, layout=own, max_days=3650.0))
    assert stated.setting == s
    assert any("memory fits by" in warning for warning in stated.warnings)
    late = cs.estimate(replace(SMALL, layout=own, max_days=1.0))
    assert isinstance(late, cs.Infeasible)
    assert "none finishes in 1 day:" in late.reason
    open_one = cs.estimate(replace(SMALL, layout=replace(own, cp=None, tp=None)))
    assert not isinstance(open_one, cs.Estimate) or open_one.setting != s
    assert cs.estimate(replace(SMALL, layout=own, practice="typical")).feasible


def test_what_the_margin_keeps_back_is_told() -> None:
    """A stated layout that recomputes to keep the margin, where without it nothing needs to be done twice."""
    own = cs.Layout(**{name: int(getattr(_estimate(SMALL).setting, name)) for name in ("tp", "pp", "dp", "cp")})  # type: ignore[arg-type]
    tight = replace(SMALL, layout=own, memory_margin=0.5)
    answer, free = _estimate(tight), _estimate(replace(tight, memory_margin=0.0))
    told = [warning for warning in answer.warnings if warning.startswith("kept back by the memory margin")]
    assert len(told) == (free.duration_s < 0.98 * answer.duration_s) == 1
    assert f"{free.duration_s / 86400:.1f} days" in told[0]
    assert not any("kept back" in warning for warning in free.warnings)


def test_where_only_the_margin_is_missing_an_answer_says_so() -> None:
    tight = cs.Scenario(model="llama-3-70b", tokens=1e12, devices=24, batch=480, memory_margin=0.5)
    beyond = cs.estimate(tight)
    assert isinstance(beyond, cs.Infeasible)
    assert "50.0% to spare included" in beyond.reason
    assert any(remedy.startswith("a memory margin of 0 would do") for remedy in beyond.remedies)
    assert cs.estimate(replace(tight, memory_margin=0.0)).feasible


@pytest.mark.parametrize("own", [{"space": "paper"}, {"carbon_mode": "paper"}])
def test_the_papers_keep_no_margin(own: dict[str, str]) -> None:
    assert margin_of(replace(SMALL, **own)) == 0.0  # type: ignore[arg-type]
    assert margin_of(replace(SMALL, **own, memory_margin=0.1)) == 0.1  # type: ignore[arg-type]
    s, r, counts, deadline = asked(SMALL, "estimate")
    assert question_of(s, r, counts, deadline).margin == DEFAULT


@pytest.mark.parametrize("margin", [-0.1, 1.5, float("nan")])
def test_a_margin_is_a_share(margin: float) -> None:
    with pytest.raises(InputError, match="memory_margin"):
        replace(SMALL, memory_margin=margin)

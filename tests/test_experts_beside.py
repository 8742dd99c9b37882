"""Experts' traffic behind other passes: taken where the stack can and its conditions hold, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import carbonscaling as cs
from carbonscaling.perf.memory import layer_kept, memory
from carbonscaling.perf.numbers import Schedule
from counted import close, ideal, toy
from samples import setting

LAYOUT = cs.Layout(tp=1, pp=4, dp=64, cp=1, ep=64, vpp=4, zero=1, micro_batch=1, recompute="selective")
RUN = cs.Scenario(
    model="deepseek-v3", tokens=1e12, device="gb200", devices=256, batch=2048, precision="mxfp8",
    stack="megatron-bridge", layout=LAYOUT,
)  # fmt: skip


def _answer(**changed: Any) -> cs.Estimate:
    found = _any(changed)
    assert isinstance(found, cs.Estimate)
    return found


def test_the_best_hides_what_its_stack_can_hide() -> None:
    """As where it is asked for; a stated choice and what people run leave it out."""
    best, plain = _answer(), _answer(software=cs.Software(expert_overlap=False))
    assert (best.setting.schedule, plain.setting.schedule) == (Schedule.COMBINED, Schedule.ONE_F_ONE_B)
    assert best.step.ep_comm < 0.4 * plain.step.ep_comm
    assert best.step.total < 0.95 * plain.step.total
    asked = _answer(software=cs.Software(expert_overlap=True))
    assert asked.step == best.step == _answer(schedule="combined-1f1b").step
    assert _answer(schedule="1f1b").step == plain.step == _answer(practice="typical").step
    assert _answer(practice="typical", software=cs.Software(expert_overlap=True)).step == best.step


ELSEWHERE: tuple[dict[str, Any], ...] = (
    {"stack": "community"}, {"software": cs.Software(dispatcher="allgather")},
)  # fmt: skip
BARRED: tuple[dict[str, Any], ...] = (
    {"vpp": 1}, {"recompute": "full"}, {"ep": 1, "dp": 8, "tp": 8}, {"pp": 1, "vpp": 1, "dp": 256, "batch": 256},
)  # fmt: skip


@pytest.mark.parametrize("changed", [*ELSEWHERE, *BARRED], ids=str)
def test_where_it_cannot_be(changed: dict[str, Any]) -> None:
    """Other software; no chunks in a pipeline, whole layers recomputed, experts on one device, one micro-batch."""
    found = _any(changed)
    nearest = found if found.feasible else found.would
    assert nearest.setting.schedule == Schedule.ONE_F_ONE_B


@pytest.mark.parametrize("changed", BARRED, ids=str)
def test_asked_for_where_it_cannot_be_it_is_refused(changed: dict[str, Any]) -> None:
    refused = _any(changed | {"schedule": "combined-1f1b"})
    assert not refused.feasible
    assert refused.search.rejected == {"combined": 1}


def _any(changed: dict[str, Any]) -> Any:
    fields = dict(changed)
    layout = replace(LAYOUT, **{key: fields.pop(key) for key in list(fields) if hasattr(LAYOUT, key)})
    return cs.estimate(replace(RUN, layout=layout, **fields))


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"vpp": 1}, "combined 1F1B needs"), ({"recompute": "full"}, "no full recomputation"),
        ({"pp": 4, "vpp": 1, "schedule": "zb1p", "zero": 1}, "combined 1F1B needs"),
    ],
)  # fmt: skip
def test_what_was_asked_to_hide_and_cannot_is_said(changed: dict[str, Any], why: str) -> None:
    asked = _any(changed | {"software": cs.Software(expert_overlap=True)})
    found = asked if asked.feasible else asked.would
    assert any("does not hide, as was asked for" in warning and why in warning for warning in found.warnings)
    assert not any(
        "does not hide" in warning for warning in _answer(software=cs.Software(expert_overlap=True)).warnings
    )


def test_a_dense_model_has_nothing_to_hide() -> None:
    dense: Any = cs.estimate(cs.Scenario(model="llama-3-8b", tokens=1e12, devices=64, stack="megatron"))
    assert dense.setting.schedule == Schedule.ONE_F_ONE_B


def test_what_it_takes_of_memory() -> None:
    """Megatron-Core's guide: no second micro-batch, a layer that is filled beside the one that is emptied."""
    s = setting(pp=4.0, vpp=2.0, n_micro=12.0)
    pairs = s._replace(schedule=float(Schedule.COMBINED))
    more = memory(toy(), ideal(), pairs).activations - memory(toy(), ideal(), s).activations
    close(more, layer_kept(toy(), ideal(), s).whole)


def test_launch_files_say_it() -> None:
    answer = _answer()
    assert "--overlap-moe-expert-parallel-comm" in cs.emit(answer, "megatron")
    assert "--overlap-moe-expert-parallel-comm" not in cs.emit(_answer(schedule="1f1b"), "megatron")
    with pytest.raises(cs.InputError, match="combined-1f1b"):
        cs.emit(answer, "torchtitan")

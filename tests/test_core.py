"""The public core: nouns, what settings of them take, and that it is what `estimate` says."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import carbonscaling as cs
from carbonscaling import evidence
from carbonscaling.core.answers import report
from carbonscaling.errors import InputError
from carbonscaling.evidence.row import Unusable, parse_row
from carbonscaling.perf.numbers import Recompute
from carbonscaling.reporting.statements import FORMATS
from carbonscaling.reporting.statements.saved import record_of
from carbonscaling.study.choices import Options
from carbonscaling.study.choices import choices as compared
from carbonscaling.validate.rows import setup_of

QUESTION = cs.Scenario(model="llama-3-8b", tokens=1e12, device="h100-sxm", devices=64, region="germany")
NOUNS = (cs.model_spec("llama-3-8b"), cs.cluster("h100-sxm"), cs.stack("tuned"), cs.recipe("bf16"))
LAID_OUT = cs.setting(tp=[8, 4, 2, 1], dp=[8, 16, 32, 64], zero=1)
EVERY = 60
"""One row in so many is looked at; the rest by the same door elsewhere."""


@pytest.fixture(scope="module")
def answer() -> cs.Estimate:
    found = cs.estimate(QUESTION)
    assert isinstance(found, cs.Estimate)
    return found


def _same(answer: cs.Estimate, **options: Any) -> None:
    """Hold the core to an answer, to the last bit."""
    r = answer.resolved
    nouns = (r.spec, r.cluster, r.stack, r.recipe, answer.setting)
    step = cs.step_time(*nouns, seq_len=r.seq_len, **options)
    assert step == answer.step
    assert all(type(v) is float for v in step)
    assert cs.memory(*nouns, seq_len=r.seq_len, **options) == answer.memory


@pytest.mark.parametrize(
    ("changes", "options"),
    [
        ({}, {}),
        ({"device": "a100-80", "precision": "bf16", "stack": "megatron"}, {}),
        ({"calibration": "none"}, {"calibration": "none"}),
        ({"offload": "optimizer", "devices": 4}, {"offload": "optimizer"}),
        ({"software": cs.Software(compile=True)}, {"software": cs.Software(compile=True)}),
        ({"model": "mixtral-8x7b", "precision": "fp8"}, {}),
        ({"device": "tpu-v5p", "layout": cs.Layout(recompute="full")}, {}),
    ],
)
def test_steps_memory_and_footprint_are_those_of_an_estimate(changes: dict[str, Any], options: dict[str, Any]) -> None:
    answer = cs.estimate(dataclasses.replace(QUESTION, **changes))
    assert isinstance(answer, cs.Estimate)
    _same(answer, **options)
    r = answer.resolved
    run = cs.footprint(
        r.spec, r.cluster, r.stack, r.recipe, answer.setting, tokens=r.tokens, region="germany", **options
    )
    assert run.parts == answer.footprint.parts
    assert (run.duration_s, run.utilisation, run.cost_usd) == (answer.duration_s, answer.mfu, answer.cost_usd)
    assert run.total_kg / 1000.0 == answer.footprint.total_tco2e


def test_lines_beside_the_run_count_as_in_an_estimate() -> None:
    beside = cs.Boundary(development=0.5, idle_reservation=0.1)
    answer = cs.estimate(dataclasses.replace(QUESTION, boundary=beside, pue=1.3, run_overhead=1.2))
    assert isinstance(answer, cs.Estimate)
    run = cs.footprint(
        *NOUNS,
        answer.setting,
        tokens=answer.resolved.tokens,
        region="germany",
        boundary=beside,
        pue=1.3,
        run_overhead=1.2,
    )
    assert run.parts == answer.footprint.parts
    assert run.boundary_kg == pytest.approx(answer.footprint.boundary_tco2e * 1000.0, rel=1e-12)
    assert run.total_kg == run.parts.total_kg + run.boundary_kg


def test_shipped_rows_take_what_their_estimates_say() -> None:
    looked_at = 0
    for row in evidence.rows("runs")[::EVERY]:
        try:
            scenario = setup_of(parse_row(row))[0].scenario
            found = cs.estimate(scenario)
        except (Unusable, InputError):
            continue
        answer = found if isinstance(found, cs.Estimate) else found.would
        assert answer is not None
        stated = scenario.layout.recompute == "full" or answer.setting.recompute != Recompute.FULL
        if stated or not answer.resolved.stack.compiled.value:  # what policies move depends on what is stated
            looked_at += 1
            _same(answer, software=scenario.software, offload=scenario.offload)
    assert looked_at > 30


def test_arrays_are_many_single_settings() -> None:
    step: Any = cs.step_time(*NOUNS, LAID_OUT, batch=512)
    need: Any = cs.memory(*NOUNS, LAID_OUT, batch=512)
    run: Any = cs.footprint(*NOUNS, LAID_OUT, batch=512, tokens=1e12)
    assert {v.shape for v in (*step, *need, need.total, *run.parts, run.duration_s)} == {(4,)}
    for i, (tp, dp) in enumerate(((8, 8), (4, 16), (2, 32), (1, 64))):
        one = cs.setting(tp=tp, dp=dp, zero=1)
        assert [float(v[i]) for v in step] == list(cs.step_time(*NOUNS, one, batch=512))
        assert [float(v[i]) for v in need] == list(cs.memory(*NOUNS, one, batch=512))
        single = cs.footprint(*NOUNS, one, batch=512, tokens=1e12)
        assert [float(v[i]) for v in run.parts] == list(single.parts)
        assert float(run.cost_usd[i]) == single.cost_usd


def test_axes_broadcast_into_a_grid() -> None:
    grid = cs.setting(tp=np.array([1, 2, 4])[:, None], dp=np.array([8, 16]), recompute="selective")
    found: Any = cs.step_time(*NOUNS, grid, batch=np.array([256, 512]))
    assert found.total.shape == (3, 2)
    assert (
        float(found.total[2, 1])
        == cs.step_time(*NOUNS, cs.setting(tp=4, dp=16, recompute="selective"), batch=512).total
    )


def test_arrays_whose_machines_differ_are_single_settings_too() -> None:
    """Policies of compiled programs, and the host's memory that a device has, depend on the setting."""
    xla = (cs.model_spec("llama-3-8b"), cs.cluster("tpu-v5p"), cs.stack("xla"), cs.recipe("bf16"))
    words = ["none", "full", "selective", "full"]
    need: Any = cs.memory(*xla, cs.setting(dp=16, zero=3, recompute=words, recompute_percent=[100, 100, 100, 50]))
    for i, (word, percent) in enumerate(zip(words, (100, 100, 100, 50), strict=True)):
        one = cs.memory(*xla, cs.setting(dp=16, zero=3, recompute=word, recompute_percent=percent))
        assert float(need.total[i]) == one.total
    counts: Any = cs.memory(*NOUNS, cs.setting(dp=[1, 2, 8, 64]), offload="optimizer")
    for i, dp in enumerate((1, 2, 8, 64)):
        assert float(counts.total[i]) == cs.memory(*NOUNS, cs.setting(dp=dp), offload="optimizer").total


def test_a_setting_is_said_as_a_layout_is() -> None:
    assert cs.setting(tp=8, dp=4, cp=2, recompute="full", schedule="zb1p") == cs.Setting(
        8, 1, 4, 2, 1, 1, 1, 0, 8, 1, 1, 2, 1, 1, 100
    )
    assert cs.setting(tp=8, sequence_parallel=False).sp == 0.0
    assert cs.setting().n_devices == 1
    layout = {f.name for f in dataclasses.fields(cs.Layout)}
    assert set(inspect.signature(cs.setting).parameters) == layout | {"n_micro"}


@pytest.mark.parametrize(
    ("values", "key", "hint"),
    [
        ({"tp": 0}, "setting.tp", "1 or more"),
        ({"tp": [1, 2.5]}, "setting.tp", "whole"),
        ({"tp": "8"}, "setting.tp", "a number"),
        ({"tp": True}, "setting.tp", "a number"),
        ({"tp": None}, "setting.tp", "a number"),
        ({"tp": [[1, 2], [4]]}, "setting.tp", "a number"),
        ({"dp": float("nan")}, "setting.dp", "1 or more"),
        ({"zero": 4}, "setting.zero", "0, 1, 2 or 3"),
        ({"shard": 4, "dp": 2}, "setting.shard", "at most dp x cp"),
        ({"ep": 8, "dp": 4}, "setting.ep", "divides"),
        ({"recompute": "some"}, "setting.recompute", "none, selective, full, feed-forward"),
        ({"recompute": ["full", "ful"]}, "setting.recompute", "did you mean: full?"),
        ({"recompute_percent": 0}, "setting.recompute_percent", "1 to 100"),
        ({"schedule": "gpipe"}, "setting.schedule", "1f1b"),
        ({"tp": [1, 2], "dp": [1, 2, 4]}, "setting", "broadcast"),
    ],
)
def test_settings_that_cannot_be_are_refused(values: dict[str, Any], key: str, hint: str) -> None:
    with pytest.raises(InputError) as error:
        cs.setting(**values)
    assert error.value.key == key
    assert hint in str(error.value)
    assert error.value.remedy


@pytest.mark.parametrize(
    ("place", "value", "key", "remedy"),
    [
        (0, "llama-3-8b", "model", "carbonscaling.model_spec"),
        (1, "h100-sxm", "cluster", "carbonscaling.cluster"),
        (1, cs.device("h100-sxm"), "cluster", "carbonscaling.cluster"),
        (2, "megatron", "stack", "carbonscaling.stack"),
        (3, "bf16", "recipe", "carbonscaling.recipe"),
        (4, cs.Layout(tp=8), "setting", "carbonscaling.setting"),
    ],
)
def test_nouns_are_objects(place: int, value: Any, key: str, remedy: str) -> None:
    nouns: list[Any] = [*NOUNS, cs.setting(dp=8)]
    nouns[place] = value
    with pytest.raises(InputError) as error:
        cs.step_time(*nouns)
    assert error.value.key == key
    assert remedy in str(error.value)


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"batch": 12}, "batch"), ({"batch": 4}, "batch"), ({"batch": "many"}, "batch"), ({"seq_len": 0}, "seq_len"),
        ({"seq_len": 8192.5}, "seq_len"), ({"software": {"compile": True}}, "software"), ({"offload": "all"}, "offload"),
    ],
)  # fmt: skip
def test_options_are_checked(options: dict[str, Any], key: str) -> None:
    with pytest.raises(InputError) as error:
        cs.memory(*NOUNS, cs.setting(dp=8), **options)
    assert error.value.key == key


def test_a_cluster_has_no_more_devices_than_it_has() -> None:
    small = dataclasses.replace(NOUNS[1], max_devices=16)
    with pytest.raises(InputError, match="that many devices"):
        cs.step_time(NOUNS[0], small, *NOUNS[2:], cs.setting(dp=[8, 32]))


def test_the_core_says_what_a_scenario_says() -> None:
    """Names and defaults of options are those of the scenario's fields."""
    fields = {f.name: f for f in dataclasses.fields(cs.Scenario)}
    for function in (cs.step_time, cs.memory, cs.footprint):
        for name, parameter in inspect.signature(function).parameters.items():
            if parameter.kind is parameter.KEYWORD_ONLY and name not in ("tokens", "software", "boundary"):
                assert parameter.default == fields[name].default, name
    assert list(inspect.signature(cs.choices).parameters)[1:] == [f.name for f in dataclasses.fields(Options)]


def test_choices_are_those_of_the_command() -> None:
    found = cs.choices(QUESTION, regions=["germany", "france"], counts=np.array([64, 128]))
    assert found == compared(QUESTION, Options(regions=("germany", "france"), counts=(64, 128)))
    assert [(c.region, c.n_devices) for c in found] == [
        ("germany", 64),
        ("france", 64),
        ("germany", 128),
        ("france", 128),
    ]
    refused: tuple[dict[str, Any], ...] = ({"regions": "germany"}, {"counts": [1.5]}, {"deadlines": ["soon"]})
    for wrong in refused:
        with pytest.raises(InputError) as error:
            cs.choices(QUESTION, **wrong)
        assert error.value.key in wrong


def test_reports_are_those_of_the_command(answer: cs.Estimate) -> None:
    for name, statement in FORMATS.items():
        assert report(answer, name) == statement(record_of(answer.to_dict()))  # type: ignore[arg-type]
    assert report(answer) == report(answer, "model-card")
    page = report(answer, "html")
    assert "<html" in page[:200]
    with pytest.raises(InputError, match="did you mean: model-card"):
        report(answer, "model_card")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="no run"):
        report(_infeasible())


MADE_OF_A_RUN: dict[str, Callable[[Any], Any]] = {
    "report": report,
    "emit": lambda answer: cs.emit(answer, "megatron"),
    "picture": cs.picture,
    "chances": lambda answer: cs.chances(answer, write_s=30.0, restart_s=300.0),
}


@pytest.mark.parametrize("what", MADE_OF_A_RUN)
def test_what_is_made_of_a_run_says_so_where_there_is_none(what: str) -> None:
    with pytest.raises(InputError, match=r"(?s)there is no .*fit.*remedy: .* would do"):
        MADE_OF_A_RUN[what](_infeasible())
    with pytest.raises(TypeError, match="Scenario in place of an answer: estimate or plan gives one"):
        MADE_OF_A_RUN[what](cs.Scenario(model="llama-3-8b", devices=8))


def _infeasible() -> cs.Infeasible:
    found = cs.estimate(
        cs.Scenario(model="llama-3.1-405b", tokens=1e12, device="h100-sxm", devices=8, region="germany")
    )
    assert isinstance(found, cs.Infeasible)
    return found


def test_an_answer_prints_in_four_lines(answer: cs.Estimate) -> None:
    text = str(answer)
    assert text == repr(answer)
    head, second, *rest = text.split("\n")
    assert head.startswith("Train llama-3-8b on 945B tokens: 64 x NVIDIA H100")
    assert "tCO2e (between" in second
    assert [line.split(":")[0].strip() for line in rest] == ["setting", "memory"]


def test_answers_show_as_tables_without_outside_resources(answer: cs.Estimate) -> None:
    nothing = dataclasses.replace(_infeasible(), reason="a < b & c")
    for page in (answer._repr_html_(), nothing._repr_html_()):
        assert page.startswith("<table>")
        assert page.endswith("</table>")
        assert "http" not in page
        assert "src=" not in page
    assert "a &lt; b &amp; c" in nothing._repr_html_()
    rows = answer._repr_html_()
    assert rows.count("<tr>") == 1 + 1 + sum(answer.summary()[key] is not None for key in (
        "tokens_per_s_per_device", "duration_days", "device_hours", "memory_per_device_gb", "energy_kwh",
        "carbon_total_tco2e", "cost_usd",
    ))  # fmt: skip


def test_an_infeasible_answer_answers_what_an_estimate_does(answer: cs.Estimate) -> None:
    nothing = _infeasible()
    asked = {name for name in dir(answer) if not name.startswith("__")}
    assert asked <= set(dir(nothing))
    known = {"feasible", "headline", "scenario", "resolved", "search", "_repr_html_"}
    for name in asked - known:
        found = getattr(nothing, name)
        assert found is None or found in ((), {}) or callable(found), name
    assert nothing.would is not None
    assert nothing.summary() == nothing.would.summary()
    assert nothing.intervals_of(nothing.would.search.top[0] if nothing.would.search.top else None) == {}  # type: ignore[arg-type, union-attr]
    assert str(nothing).startswith("Nothing feasible for llama-3.1-405b on NVIDIA H100")
    assert 1 <= str(nothing).count("\n  remedy: ") <= 3


def test_frames_have_the_same_columns_for_every_answer(answer: cs.Estimate) -> None:
    polars = pytest.importorskip("polars", reason="the extra sweep is not installed")
    nothing = _infeasible()
    unknown = dataclasses.replace(nothing, would=None)
    frame = polars.concat([a.to_frame() for a in (answer, nothing, unknown)])
    assert frame["feasible"].to_list() == [True, False, False]
    assert frame["reason"].to_list() == [None, nothing.reason, nothing.reason]
    first = frame.row(0, named=True)
    assert {name: first[name] for name in answer.summary()} == answer.summary()
    assert all(v is None for k, v in frame.row(2, named=True).items() if k not in ("feasible", "reason"))


def test_frames_name_the_extra_they_need(answer: cs.Estimate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(InputError) as error:
        answer.to_frame()
    assert "carbonscaling[sweep]" in str(error.value)


@pytest.mark.parametrize("name", sorted(cs._HOMES))
def test_no_public_name_is_a_package(name: str) -> None:
    """Importing a submodule puts it into the package under its own name, over whatever was there."""
    for module in pkgutil.walk_packages(cs.__path__, "carbonscaling."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    assert getattr(cs, name) is getattr(importlib.import_module(cs._HOMES[name]), name)

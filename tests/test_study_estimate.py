"""Estimates: published runs replayed, the arithmetic between the figures of an answer, and its published schema."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

import carbonscaling as cs
from carbonscaling.errors import InputError
from carbonscaling.reporting.schema import answer_schema
from carbonscaling.study.reported import reported_runs
from carbonscaling.units import DAY, HOUR
from reported import ReportedRow, reported_table
from schemas import validate

KEYS = """n_devices, duration_days, device_hours, mfu, tokens_per_s_per_device, step_time_s, memory_per_device_gb,
energy_kwh, carbon_operational_tco2e, carbon_embodied_tco2e, carbon_total_tco2e, tp, pp, dp, ep, cp, zero_stage,
micro_batch, global_batch_seqs""".replace("\n", " ").split(", ")

QUESTIONS: dict[str, cs.Scenario] = {
    "dense": cs.Scenario(model="llama-3-8b", tokens=1e12, device="h100-sxm", devices=64, batch=512),
    "moe": cs.Scenario(model="mixtral-8x7b", tokens=1e12, device="h200", devices=128, batch=1024, region="France"),
    "fp8": cs.Scenario(model="deepseek-v2-lite", tokens=1e12, device="h800", devices=64, precision="fp8-deepseek"),
    "qat": cs.Scenario(model="llama-3-8b", tokens=1e12, device="h100-sxm", devices=64, batch=512, precision="qat-fp8"),
    "tpu": cs.Scenario(model="palm-8b", tokens=780e9, device="tpu-v4", devices=256, batch=512, objective="carbon"),
    "paper": cs.Scenario(
        law="paper_v2", d_model=3072, device="paper-a100", devices=64, carbon_mode="paper", space="paper"
    ),
    "volta": cs.Scenario(model="gpt-3-1.3b", device="v100-sxm2-32", precision="fp16", devices=32, objective="cost"),
    "ahead": cs.Scenario(model="llama-3-8b", tokens=1e12, device="b100", devices=64, batch=512, years_ahead=5),
}


@cache
def answer(name: str) -> cs.Estimate:
    found = cs.estimate(QUESTIONS[name])
    assert isinstance(found, cs.Estimate), found
    return found


def test_what_is_kept_for_the_next_question_follows_a_file_that_changed(tmp_path: Path) -> None:
    """Machine and carbon factors are kept by the device that they follow from, and a file that is read again is another."""
    file, layout = tmp_path / "mine.toml", cs.Layout(tp=1, pp=1, dp=8, cp=1)
    asked = cs.Scenario(model="llama-3-8b", tokens=1e9, device=str(file), devices=8, batch=64, layout=layout)
    found = []
    for watts, memory in ((700, 3.35), (350, 3.35), (350, 1.0), (700, 3.35)):
        file.write_text(
            f'based_on = "h100-sxm"\ntdp = {{ value = {watts}.0, unit = "W", source = "user" }}\n'
            f'memory_bandwidth = {{ value = {memory}, unit = "TB/s", source = "user" }}\n'
        )
        taken = cs.estimate(asked)
        assert isinstance(taken, cs.Estimate)
        found.append((taken.footprint.energy_kwh, taken.step.total, taken.footprint.intervals))
    first, halved, slower, again = found
    assert again == first
    assert halved[1] == first[1]
    assert halved[0] < 0.7 * first[0]
    assert slower[1] > 1.02 * halved[1]
    here, there = (cs.estimate(replace(asked, device="h100-sxm", region=name)) for name in ("poland", "france"))
    assert isinstance(here, cs.Estimate)
    assert isinstance(there, cs.Estimate)
    assert here.footprint.total_tco2e > 2 * there.footprint.total_tco2e


@pytest.fixture(scope="module")
def table() -> tuple[ReportedRow, ...]:
    return reported_table()


def test_published_runs_are_within_30_percent(table: tuple[ReportedRow, ...]) -> None:
    """Steady-state speed of the five runs, from their settings alone."""
    assert len(table) == 5
    for row in table:
        assert isinstance(row.estimate, cs.Estimate), row.name
        assert row.error is not None
        assert abs(row.error) < 0.30, (row.name, row.error)
    errors = [abs(row.error or 0.0) for row in table]
    assert sum(errors) / len(errors) < 0.17


def test_published_settings_are_kept(table: tuple[ReportedRow, ...]) -> None:
    runs = reported_runs()
    for row in table:
        run = runs[row.name]
        assert isinstance(row.estimate, cs.Estimate)
        summary, layout = row.estimate.summary(), run.as_told.layout
        assert summary["n_devices"] == run.scenario.devices
        assert summary["global_batch_seqs"] == run.scenario.batch
        assert (summary["tp"], summary["pp"], summary["zero_stage"]) == (layout.tp, layout.pp, layout.zero)
        assert summary["micro_batch"] == run.scenario.layout.micro_batch


def test_a_searched_setting_beats_the_published_one_within_the_same_software(table: tuple[ReportedRow, ...]) -> None:
    """The search space holds the published layouts but for schedule and explicit softmax."""
    for row in table:
        assert isinstance(row.searched, cs.Estimate), row.name
        if row.name != "deepseek-v3":  # DualPipe is not searched by default
            assert row.searched_speed is not None
            assert row.ours is not None
            assert row.searched_speed >= row.ours


def test_device_hours_of_whole_runs(table: tuple[ReportedRow, ...]) -> None:
    rows = [(row.our_hours, row.reported_hours) for row in table if row.reported_hours]
    assert len(rows) == 4
    for ours, reported in rows:
        assert ours is not None
        assert 0.6 < ours / reported < 1.4


@pytest.mark.parametrize("name", sorted(QUESTIONS))
def test_summary_names(name: str) -> None:
    summary = answer(name).summary()
    assert set(KEYS) <= set(summary)
    for key in KEYS:
        assert isinstance(summary[key], int | float)
        assert math.isfinite(summary[key])
        assert summary[key] >= (0 if key == "zero_stage" else 1e-12), key


@pytest.mark.parametrize("name", sorted(QUESTIONS))
def test_arithmetic_between_the_figures(name: str) -> None:
    found, s = answer(name), answer(name).summary()
    close: Any = pytest.approx
    assert s["tokens_per_s_per_device"] * s["n_devices"] * s["step_time_s"] == close(
        s["global_batch_seqs"] * s["seq_len"]
    )
    assert s["device_hours"] == close(s["n_devices"] * s["duration_days"] * 24)
    assert s["carbon_operational_tco2e"] + s["carbon_embodied_tco2e"] == close(s["carbon_total_tco2e"])
    assert s["carbon_low_tco2e"] <= s["carbon_total_tco2e"] <= s["carbon_high_tco2e"]
    assert s["tp"] * s["pp"] * s["dp"] * s["cp"] == s["n_devices"]
    assert s["dp"] * s["micro_batch"] * s["n_micro"] == s["global_batch_seqs"]
    assert s["n_steps"] * s["global_batch_seqs"] * s["seq_len"] == close(s["tokens"])
    assert s["steady_days"] == close(s["n_steps"] * s["step_time_s"] * 1.0 / DAY)
    assert s["duration_days"] == close(s["steady_days"] * s["run_overhead"])
    assert min(found.resolved.run_overhead.si_range) >= 1.0  # no run is faster than its steady state
    assert s["mfu"] == close(s["model_tflops_per_device"] * 1e12 / found.resolved.machine.formats.peak_mfu)
    assert 0 < s["mfu"] < 1
    assert s["memory_per_device_gb"] <= s["memory_limit_gb"]
    assert sum(found.step) == close(s["step_time_s"])
    assert sum(found.memory[:-1]) / 1e9 == close(s["memory_per_device_gb"])
    if found.cost_usd is not None:
        assert found.resolved.price is not None
        assert found.cost_usd == close(s["device_hours"] * found.resolved.price.si * HOUR)


@pytest.mark.parametrize("name", sorted(QUESTIONS))
def test_breakdowns_of_the_answer_add_up(name: str) -> None:
    plain = answer(name).to_dict()
    for part in ("step_time_s", "memory_bytes"):
        lines = {k: v for k, v in plain[part].items() if k not in ("total", "limit")}
        assert math.fsum(lines.values()) == pytest.approx(plain[part]["total"])
    search = plain["search"]
    assert search["n_candidates"] - search["n_fit"] == sum(
        n for reason, n in search["rejected"].items() if reason != "deadline"
    )
    assert search["top"][0]["step_time_s"] == pytest.approx(plain["summary"]["step_time_s"], rel=1e-12)
    assert len(plain["levers"]) == 3
    assert [lever["swing"] for lever in plain["levers"]] == sorted((v["swing"] for v in plain["levers"]), reverse=True)


@pytest.mark.parametrize("name", sorted(QUESTIONS))
def test_answers_follow_the_published_schema(name: str) -> None:
    schema = answer_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    plain = json.loads(json.dumps(answer(name).to_dict(), allow_nan=False))
    validate(plain, schema)
    for broken in (
        {k: v for k, v in plain.items() if k != "summary"},
        plain | {"surprise": 1},
        plain | {"feasible": False},
        plain | {"summary": plain["summary"] | {"tp": "eight"}},
    ):
        with pytest.raises(jsonschema.ValidationError):
            validate(broken, schema)


def test_the_same_question_gets_the_same_answer() -> None:
    again = cs.estimate(QUESTIONS["moe"])
    assert again.to_dict() == answer("moe").to_dict()


def test_a_given_setting_is_what_the_search_found() -> None:
    found = answer("dense")
    s: Any = found.setting
    layout = cs.Layout(tp=s.tp, pp=s.pp, dp=s.dp, cp=s.cp, vpp=s.vpp, zero=s.zero, micro_batch=s.micro_batch,
                       recompute=("none", "selective", "full")[s.recompute])  # fmt: skip
    again = cs.estimate(replace(QUESTIONS["dense"], layout=layout))
    assert isinstance(again, cs.Estimate)
    assert again.setting == s
    assert again.step.total == found.step.total
    without_count = cs.estimate(replace(QUESTIONS["dense"], layout=layout, devices=None))
    assert isinstance(without_count, cs.Estimate)
    assert without_count.summary() == again.summary()


def test_the_missing_degree_is_filled_in() -> None:
    found = cs.estimate(replace(QUESTIONS["dense"], layout=cs.Layout(tp=4, pp=2)))
    assert isinstance(found, cs.Estimate)
    assert found.setting.dp * found.setting.cp == 8


def test_context_parallelism_completes_a_layout() -> None:
    """Four times four times two devices are half of 64: sequences split over two."""
    found = cs.estimate(replace(QUESTIONS["dense"], devices=64, layout=cs.Layout(tp=4, pp=4, dp=2)))
    assert isinstance(found, cs.Estimate)
    assert found.setting.cp == 2


def test_experts_are_spread() -> None:
    s = answer("moe").setting
    assert 8 % s.ep == 0
    assert (s.tp * s.cp * s.dp) % (s.ep * s.etp) == 0
    single = cs.estimate(replace(QUESTIONS["moe"], layout=cs.Layout(ep=1)))
    assert isinstance(single, cs.Estimate)
    assert single.setting.ep == 1
    assert single.step.ep_comm == 0.0
    assert single.step.total >= answer("moe").step.total


def test_a_dense_model_has_no_experts_to_spread() -> None:
    found = cs.estimate(replace(QUESTIONS["dense"], layout=cs.Layout(ep=8)))
    assert isinstance(found, cs.Infeasible)
    assert "expert" in found.reason


def test_eight_bit_training_is_quicker() -> None:
    assert answer("qat").summary()["duration_days"] < answer("dense").summary()["duration_days"]
    assert answer("qat").resolved.recipe.format == "fp8"


def test_technology_projection_brings_speed() -> None:
    now = cs.estimate(replace(QUESTIONS["ahead"], years_ahead=0))
    assert isinstance(now, cs.Estimate)
    later = answer("ahead")
    assert later.duration_s < now.duration_s
    assert later.resolved.machine.formats.peak == pytest.approx(now.resolved.machine.formats.peak * 1.3**5)
    assert later.resolved.machine.silicon.bandwidth == pytest.approx(now.resolved.machine.silicon.bandwidth * 1.25**5)
    assert later.resolved.machine.silicon.capacity == pytest.approx(now.resolved.machine.silicon.capacity * 1.24**5)
    assert later.resolved.machine.silicon.link == pytest.approx(now.resolved.machine.silicon.link * 1.11**5)
    assert later.resolved.machine.silicon.nic == pytest.approx(now.resolved.machine.silicon.nic * 1.11**5)
    dearer = cs.estimate(replace(QUESTIONS["ahead"], cpa_growth=True))
    assert isinstance(dearer, cs.Estimate)
    assert dearer.footprint.embodied_tco2e >= later.footprint.embodied_tco2e


def test_paper_mode_is_named_in_the_answer() -> None:
    summary = answer("paper").summary()
    assert summary["carbon_mode"] == "paper"
    assert summary["objective"] == "time"  # the count is given: what is left of the papers' order
    assert (summary["cp"], summary["recompute"]) == (1, "none")  # split sequences take exactly as long
    assert answer("dense").summary()["carbon_mode"] == "physical"


def test_no_price_and_cost() -> None:
    unpriced = replace(QUESTIONS["dense"], device="mi325x")
    assert cs.estimate(unpriced).summary()["cost_usd"] is None
    with pytest.raises(InputError, match="price") as error:
        cs.estimate(replace(unpriced, objective="cost"))
    assert error.value.key == "price_usd_per_device_hour"
    assert error.value.remedy
    paid = cs.estimate(replace(unpriced, objective="cost", price_usd_per_device_hour=2.5))
    assert isinstance(paid, cs.Estimate)
    assert paid.cost_usd == pytest.approx(paid.device_hours * 2.5)


def test_what_the_user_gives_is_used() -> None:
    base = answer("dense")
    given = cs.estimate(
        replace(QUESTIONS["dense"], run_overhead=1.0, pue=2.0, carbon_intensity_g_per_kwh=100.0, lifetime_years=4.0)
    )
    assert isinstance(given, cs.Estimate)
    assert given.duration_s == pytest.approx(given.steady_s)
    assert given.footprint.operational_tco2e == pytest.approx(given.footprint.energy_kwh * 1e-4, rel=1e-6)
    assert given.footprint.energy_kwh > base.footprint.energy_kwh
    slow = cs.estimate(replace(QUESTIONS["dense"], nic_gbps=10.0))
    assert slow.summary()["step_time_s"] > base.summary()["step_time_s"]


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"devices": None}, "devices"),
        ({"layout": cs.Layout(tp=8, pp=4, dp=4)}, "layout"),
        ({"layout": cs.Layout(tp=65)}, "layout"),
        ({"layout": cs.Layout(tp=1, pp=1, dp=64), "batch": 100}, "batch"),
        ({"model": "llama-3-9b"}, None),
        ({"device": "h100-sxmm"}, None),
        ({"precision": "fp7"}, "precision"),
        ({"device": "v100-sxm2-32", "precision": "bf16"}, "precision"),
        ({"region": "atlantis"}, None),
        ({"model": "gpt-3-1.3b", "seq_len": 4096}, "seq_len"),
    ],
)
def test_contradictions_and_unknown_names(changes: dict[str, Any], key: str | None) -> None:
    with pytest.raises(InputError) as error:
        cs.estimate(replace(QUESTIONS["dense"], **changes))
    if key:
        assert error.value.key == key
    assert error.value.remedy or error.value.suggestion or error.value.allowed


@pytest.mark.parametrize("name", ["dense", "moe", "paper"])
def test_explain_shows_the_arithmetic(name: str) -> None:
    found, lines = cs.explain(QUESTIONS[name])
    assert isinstance(found, cs.Estimate)
    assert found.setting == answer(name).setting
    seen = {line.formula.name for line in lines}
    assert seen >= {"perf.gemm.gemm_time", "perf.pipeline.bubble_time", "perf.goodput.run_time"}
    run = next(line for line in lines if line.formula.name == "perf.goodput.run_time")
    assert float(run.result) == pytest.approx(found.duration_s)

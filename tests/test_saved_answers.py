"""A saved answer that was damaged or edited is refused, with the place of the value."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import carbonscaling as cs
from carbonscaling.cli import main
from carbonscaling.errors import ExitCode, InputError
from carbonscaling.reporting.obeys import check_obeys
from carbonscaling.reporting.schema import answer_schema
from carbonscaling.reporting.statements.agreement import check_agreement
from carbonscaling.study.sweep.studyfile import Keep, Study
from sweep_helpers import case_rows

ANSWER: dict[str, Any] = json.loads(
    (Path(__file__).parent / "data" / "v0_1_0" / "plan.json").read_text(encoding="utf-8")
)
TWICE = (
    "summary.device_hours", "summary.energy_kwh", "summary.carbon_operational_tco2e", "summary.carbon_embodied_tco2e",
    "summary.carbon_boundary_tco2e", "summary.carbon_total_tco2e", "summary.carbon_operational_market_tco2e",
    "summary.water_litres", "summary.carbon_low_tco2e", "summary.carbon_high_tco2e", "summary.duration_days",
    "summary.steady_days", "summary.n_steps", "summary.step_time_s", "summary.tokens", "summary.tokens_per_s_per_device",
    "summary.model_tflops_per_device", "summary.training_flops", "summary.memory_per_device_gb", "summary.memory_limit_gb",
    "summary.n_devices", "summary.seq_len", "summary.global_batch_seqs", "step_time_s.matmul", "step_time_s.total",
    "memory_bytes.weights", "memory_bytes.total", "carbon.parts.device_energy_j", "carbon.parts.energy_j",
    "carbon.parts.embodied_host_kg", "carbon.parts.total_kg", "carbon.pue", "carbon.carbon_intensity_g_per_kwh",
    "carbon.market.operational_tco2e", "carbon.boundary.0.operational_tco2e", "carbon.interval_tco2e.0",
    "carbon.intervals.total_tco2e.1",
)  # fmt: skip
"""Figures that an answer also gives in another way."""


def edited(at: str, change: Any) -> dict[str, Any]:
    """Return the answer with the value at a place changed; `change` is a factor, or the value itself."""
    data = copy.deepcopy(ANSWER)
    *path, last = at.split(".")
    inner: Any = data
    for key in path:
        inner = inner[int(key) if key.isdigit() else key]
    place = int(last) if last.isdigit() else last
    inner[place] = change if not isinstance(change, float) else type(inner[place])(inner[place] * change)
    return data


def report(tmp_path: Path, data: Any, format: str) -> int:
    file = tmp_path / "answer.json"
    file.write_text(json.dumps(data), encoding="utf-8")
    return main(["report", str(file), "--format", format])


@pytest.mark.parametrize("at", TWICE)
def test_parts_that_contradict_each_other_are_refused(at: str) -> None:
    check_agreement(ANSWER, "answer")
    for factor in (0.5, 2.0):
        with pytest.raises(InputError, match="contradict each other"):
            check_agreement(edited(at, factor), "answer")


@pytest.mark.parametrize("format", ["model-card", "html"])
def test_report_says_which_part(tmp_path: Path, format: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert report(tmp_path, edited("step_time_s.matmul", 1.01), format) == ExitCode.USAGE
    out, err = capsys.readouterr()
    assert out == ""
    assert "step_time_s.total" in err
    assert "the sum of its parts" in err
    assert "remedy" in err


def leaves(value: Any, at: str = "") -> Iterator[str]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, entry in inner:
        yield f"{at}{key}"
        yield from leaves(entry, f"{at}{key}.")


MAY_BE_NULL = ("summary.cost_usd", "summary.loss", "search", "best_run")


def test_a_null_is_refused_wherever_none_belongs() -> None:
    """Every value of the answer in turn (of the lists in the search, the first)."""
    schema = answer_schema()
    feasible = schema["$defs"]["Feasible"] | {"$defs": schema["$defs"]}
    check_obeys(ANSWER, feasible, "answer", whole=True)
    n = 0
    for at in leaves(ANSWER):
        if at.startswith(("search.rejected", "carbon.device_kg")) or ".cost_usd" in at or at in MAY_BE_NULL:
            continue
        with pytest.raises(InputError) as refused:
            check_obeys(edited(at, None), feasible, "answer", whole=True)
        assert refused.value.key is not None
        assert at.startswith(refused.value.key.removesuffix("."))
        n += 1
    assert n > 300


@pytest.mark.parametrize("format", ["model-card", "sci", "html"])
@pytest.mark.parametrize(
    ("at", "value"),
    [
        ("carbon.widest.0.low_tco2e", None),
        ("summary.mfu", None),
        ("summary.mfu", True),
        ("summary.n_devices", 8.5e300 * 1e300),
        ("carbon.parts", None),
        ("search.top.0.unmeasured", None),
        ("levers.0.at_low", "x"),
        ("notes", [None]),
        ("carbon.intervals.water_litres", [1.0]),
        ("summary.schedule", "zigzag"),
        ("summary.tp", -1),
    ],
)
def test_a_value_of_another_kind_is_refused_by_every_format(
    tmp_path: Path, format: str, at: str, value: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    data = edited(at, [value] if isinstance(value, float) else value)
    assert report(tmp_path, data, format) == ExitCode.USAGE
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("error: ") == 1
    assert at.rpartition(".")[0] in err
    assert "remedy" in err


def test_what_a_later_version_adds_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = {**ANSWER, "new": {"a": None}, "summary": {**ANSWER["summary"], "new_usd": None}}
    assert report(tmp_path, data, "html") == 0
    assert capsys.readouterr().err == ""


def test_a_missing_key_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = copy.deepcopy(ANSWER)
    del data["levers"]
    assert report(tmp_path, data, "html") == ExitCode.USAGE
    assert "a key is missing: another version saved this" in capsys.readouterr().err


@pytest.mark.parametrize("at", ["summary.device_hours", "carbon.boundary.0.operational_tco2e", "step_time_s.total"])
@pytest.mark.parametrize("format", ["model-card", "html"])
def test_a_whole_number_that_no_float_holds_is_refused(
    at: str, format: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(tmp_path, edited(at, 10**320), format) == ExitCode.USAGE
    assert "bug" not in capsys.readouterr().err


@pytest.mark.parametrize("pace", ["steady", "calendar"])
def test_an_answer_at_any_pace_agrees_with_itself_and_with_a_study(pace: str) -> None:
    base = {"model": "gpt-3-1.3b", "tokens": 26e9, "devices": 8, "pace": pace}
    answer = cs.estimate(cs.Scenario(**base))  # type: ignore[arg-type]
    check_agreement(json.loads(json.dumps(answer.to_dict())), "answer")
    (row,) = case_rows(Study("s", "estimate", base, (), Keep(), 1), 0)
    assert row["tokens_per_s_per_device"] == pytest.approx(answer.tokens_per_s_per_device, rel=1e-12)

"""A saved answer is repeated: the same, or what changed and by how much."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from carbonscaling.catalog.stamp import LENGTH, catalogue_stamp
from carbonscaling.cli import main
from carbonscaling.errors import ExitCode
from carbonscaling.reporting.schema import answer_schema
from carbonscaling.study.again import Change, asked_as, changes, question_of_saved
from carbonscaling.study.scenario import Layout, Scenario

ASK = ["estimate", "--model", "llama-3-8b", "--tokens", "1T", "--devices", "64", "--batch", "512", "--tp", "4", "--pp", "1",
       "--zero", "1", "--micro-batch", "1", "--region", "france"]  # fmt: skip
OLD = Path(__file__).parent / "data" / "v0_1_0" / "plan.json"


@pytest.fixture
def saved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    file = tmp_path / "answer.json"
    assert main([*ASK, "-o", str(file)]) == 0
    capsys.readouterr()
    return file


def edit(file: Path, **keys: Any) -> None:
    data = json.loads(file.read_text(encoding="utf-8"))
    for key, value in keys.items():
        part, _, name = key.partition("__")
        data[part][name] = value
    file.write_text(json.dumps(data), encoding="utf-8")


def test_the_same_answer_comes_again(saved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = json.loads(saved.read_text(encoding="utf-8"))
    jsonschema.validate(data, answer_schema())
    assert data["saved"]["scenario"]["layout"] == {"tp": 4, "pp": 1, "zero": 1, "micro_batch": 1}
    assert data["saved"]["catalogue"] == catalogue_stamp()
    assert len(data["saved"]["catalogue"]) == LENGTH
    assert main(["again", str(saved)]) == ExitCode.OK
    out = capsys.readouterr().out
    assert "The same answer" in out
    assert main(["report", str(saved)]) == 0


def test_what_changed_is_said_with_its_reason(saved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    now = json.loads(saved.read_text(encoding="utf-8"))["summary"]
    edit(saved, saved__catalogue="0" * LENGTH, summary__energy_kwh=now["energy_kwh"] / 1.25, summary__region="sweden")
    assert main(["again", str(saved), "--json"]) == ExitCode.CHANGED
    found = json.loads(capsys.readouterr().out)
    assert found["same"] is False
    assert {c["name"] for c in found["changes"]} == {"energy_kwh", "region"}
    assert next(c["relative"] for c in found["changes"] if c["name"] == "energy_kwh") == pytest.approx(0.25)
    assert main(["again", str(saved)]) == ExitCode.CHANGED
    out = capsys.readouterr().out
    assert "+25.0%" in out
    assert f"catalogue: {'0' * LENGTH} then, {catalogue_stamp()} now" in out
    assert "version:" not in out


def test_an_infeasible_answer_is_repeated_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "none.json"
    ask = [
        "estimate",
        "--model",
        "llama-3.1-405b",
        "--tokens",
        "1T",
        "--devices",
        "8",
        "--pp",
        "1",
        "--tp",
        "8",
        "--batch",
        "64",
    ]
    assert main([*ask, "-o", str(file)]) == ExitCode.INFEASIBLE
    jsonschema.validate(json.loads(file.read_text(encoding="utf-8")), answer_schema())
    assert main(["again", str(file)]) == ExitCode.OK
    data = json.loads(file.read_text(encoding="utf-8")) | {"feasible": True}
    file.write_text(json.dumps(data), encoding="utf-8")
    assert main(["again", str(file), "--json"]) == ExitCode.CHANGED
    assert '"feasible"' in capsys.readouterr().out


def test_what_was_saved_without_a_question_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["again", str(OLD)]) == ExitCode.USAGE
    assert "saved without its question" in capsys.readouterr().err
    (tmp_path / "x.json").write_text("{}", encoding="utf-8")
    assert main(["again", str(tmp_path / "x.json")]) == ExitCode.USAGE
    assert "not a saved answer" in capsys.readouterr().err


def test_a_question_reads_back_as_it_was_and_a_finishing_date_holds_its_day() -> None:
    s = Scenario(model="llama-3-8b", devices=64, layout=Layout(tp=4), quantiles=(0.5,))
    kept = json.loads(json.dumps({"saved": asked_as("plan", s, "1", "2026-01-02")}))
    assert question_of_saved(kept, "x") == ("plan", s)
    dated = asked_as("plan", Scenario(model="llama-3-8b", finish_by="2026-06-01"), "1", "2026-01-02")
    assert dated["scenario"]["start_date"] == "2026-01-02"


def test_rounding_is_no_change() -> None:
    assert changes({"a": 1.0, "b": "x", "c": None}, {"a": 1.0 + 1e-9, "b": "x", "c": None, "d": 3}) == []
    assert changes({"a": 1.0, "c": None}, {"a": 1.1, "c": 2}) == [Change("a", 1.0, 1.1), Change("c", None, 2)]
    assert Change("c", None, 2).relative is None

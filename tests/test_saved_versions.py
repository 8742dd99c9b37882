"""What 0.1.0 wrote is read: scenarios, answers, calibrations."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from carbonscaling.calibration.profile import load_calibration
from carbonscaling.cli import main
from carbonscaling.errors import ExitCode
from carbonscaling.reporting.statements import FORMATS
from carbonscaling.study.scenario import load_scenario
from samples import load_record

OLD = Path(__file__).parent / "data" / "v0_1_0"


@pytest.mark.parametrize("name", ["plan", "estimate"])
def test_an_answer_of_0_1_0_is_reported(name: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = OLD / f"{name}.json"
    summary = json.loads(file.read_text(encoding="utf-8"))["summary"]
    record = load_record(file)
    assert record.total_tco2e == summary["carbon_total_tco2e"]
    assert record.device_hours == summary["device_hours"]
    for format in FORMATS:
        assert main(["report", str(file), "--format", format]) == 0
    page = tmp_path / "page.html"
    assert main(["report", str(file), "--format", "html", "-o", str(page)]) == 0
    assert summary["model"] in page.read_text(encoding="utf-8")
    assert "error" not in capsys.readouterr().err


def test_an_infeasible_answer_of_0_1_0_is_refused_in_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(OLD / "infeasible.json")]) == ExitCode.USAGE
    assert "nothing is feasible" in capsys.readouterr().err


def test_a_scenario_of_0_1_0_is_read() -> None:
    s = load_scenario(OLD / "scenario.toml")
    assert (s.model, s.objective, s.layout.tp, s.boundary.development) == ("llama-3-8b", "carbon", 1, 0.5)


def test_a_calibration_of_0_1_0_is_read_and_applied(capsys: pytest.CaptureFixture[str]) -> None:
    found = load_calibration(OLD / "calibration.toml")
    assert found.power is not None
    assert found.power.watts.value == 554.17
    assert found.factor("training_gemm") == next(c.value for c in found.constants if c.knob == "training_gemm") != 1.0
    ask = ["estimate", "--model", "llama-3-8b", "--tokens", "1e10", "--devices", "8", "--batch", "64", "--tp", "1", "--pp", "1",
           "--dp", "8", "--zero", "3", "--micro-batch", "1", "--recompute", "full", "--json"]  # fmt: skip
    assert main([*ask, "--calibration", str(OLD / "calibration.toml")]) == 0
    own = json.loads(capsys.readouterr().out)
    assert main([*ask, "--calibration", "none"]) == 0
    assert own["summary"]["step_time_s"] != json.loads(capsys.readouterr().out)["summary"]["step_time_s"]

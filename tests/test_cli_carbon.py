"""The carbon commands from outside: choose, report, uncertainty, validate --carbon-runs."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from carbonscaling.cli import main

ANSWER = str(Path(__file__).parent / "data" / "statements" / "answer.json")
RUN = ["--model", "gpt-3-1.3b", "--tokens", "26e9", "--devices", "16", "--batch", "256", "--tp", "1", "--pp", "1",
       "--dp", "16", "--zero", "2", "--micro-batch", "1"]  # fmt: skip


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> tuple[str, str]:
    assert main(list(arguments)) == code
    captured = capsys.readouterr()
    return captured.out, captured.err


def test_regions_by_location_and_market_in_one_table(capsys: pytest.CaptureFixture[str]) -> None:
    page, _ = run(capsys, "choose", *RUN, "--regions", "us-east5,europe-north2")
    assert "loc" in page
    assert "mkt" in page
    assert "Least carbon: 16 x h100-sxm in europe-north2" in page
    rows = json.loads(run(capsys, "choose", *RUN, "--regions", "us-east5,europe-north2", "--json")[0])
    assert [row["region"] for row in rows] == ["us-east5", "europe-north2"]
    for row in rows:
        assert row["operational_tco2e"] + row["embodied_tco2e"] == pytest.approx(row["total_tco2e"])
    table = list(csv.DictReader(io.StringIO(run(capsys, "choose", *RUN, "--csv")[0])))
    assert table[0]["region"] == "us-east5"


def test_choices_that_cannot_be(capsys: pytest.CaptureFixture[str]) -> None:
    page, _ = run(capsys, "choose", *RUN, "--accelerators", "h100-sxm,gaudi3,trainium2")
    assert "no speed of a training is published on gaudi3, trainium2:" in page
    page, _ = run(capsys, "choose", *RUN, "--deadlines", "0.001", code=3)
    assert "cannot be" in page
    assert "not a whole number" in run(capsys, "choose", *RUN, "--counts", "1.5", code=2)[1]
    assert "--hourly" in run(capsys, "choose", *RUN, "--starts", "3", code=2)[1]


def test_report_from_a_saved_answer_and_from_measured_values(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    card, _ = run(capsys, "report", ANSWER, "-o", str(tmp_path / "card.md"))
    assert card.startswith("---\nco2_eq_emissions:")
    assert (tmp_path / "card.md").read_text() == card
    both, _ = run(capsys, "report", ANSWER, "--device-hours", "31k", "--energy-kwh", "30000", "--energy-scope", "it")
    assert "| | planned | actual |" in both
    alone = ["report", "--device", "a100-80", "--devices", "384", "--device-hours", "1082990", "--region", "France"]
    record = json.loads(run(capsys, *alone, "--format", "json")[0])
    assert record["kind"] == "measured"
    assert sum(record["energy_parts_kwh"].values()) == pytest.approx(record["energy_kwh"])


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ([], "nothing to report"),
        (["--device-hours", "10"], "--device"),
        ([ANSWER, "--energy-kwh", "10"], "--energy-scope"),
        ([ANSWER, "--format", "esr"], "esrs"),
        (["nowhere.json"], "no such file"),
    ],
)
def test_report_without_enough(capsys: pytest.CaptureFixture[str], arguments: list[str], word: str) -> None:
    assert word in run(capsys, "report", *arguments, code=2)[1]


def test_lines_beside_the_run_and_own_factors(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    plain = json.loads(run(capsys, "estimate", *RUN, "--json")[0])["summary"]
    more = json.loads(run(capsys, "estimate", *RUN, "--development", "0.5", "--json")[0])["summary"]
    assert more["carbon_total_tco2e"] == pytest.approx(1.5 * plain["carbon_total_tco2e"])
    assert more["energy_kwh"] == plain["energy_kwh"]
    scenario = tmp_path / "run.toml"
    scenario.write_text("[boundary]\ndevelopment = 0.5\n")
    same = json.loads(run(capsys, "estimate", str(scenario), *RUN, "--json")[0])["summary"]
    assert same["carbon_total_tco2e"] == more["carbon_total_tco2e"]
    own = tmp_path / "own.toml"
    own.write_text('carbon_intensity = { value = 100, unit = "g/kWh" }\n')
    changed = json.loads(run(capsys, "estimate", *RUN, "--factors", str(own), "--json")[0])["summary"]
    assert changed["carbon_operational_tco2e"] == pytest.approx(plain["energy_kwh"] * 1e-4)
    own.write_text('carbon_intensty = { value = 100, unit = "g/kWh" }\n')
    assert "carbon_intensity" in run(capsys, "estimate", *RUN, "--factors", str(own), code=2)[1]
    assert "0 to 100 times" in run(capsys, "estimate", *RUN, "--development", "-1", code=2)[1]


def test_uncertainty_names_what_widens(capsys: pytest.CaptureFixture[str]) -> None:
    page, _ = run(capsys, "uncertainty", *RUN)
    data = json.loads(run(capsys, "uncertainty", *RUN, "--json")[0])
    assert "Sobol" in page
    assert {row["name"] for row in data["sobol"][:2]} == {"time", "carbon_intensity"}
    assert all(v["low"] <= v["central"] <= v["high"] for v in data["intervals"].values())


def test_validate_carbon_runs(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    page, _ = run(capsys, "validate", "--carbon-runs", "shipped", "-o", str(tmp_path / "shipped.json"))
    for words in ("BLOOM", "h100-sxm", "R2", "left out", "inside"):
        assert words in page
    data = json.loads((tmp_path / "shipped.json").read_text())
    assert data["carbon_runs"]["summary"]["energy_mape"] <= 0.12
    own = tmp_path / "runs.csv"
    own.write_text("name,device,energy_basis,device_hours,energy_kwh\nx,H100,measured_gpu_only,1000,700\n")
    page, _ = run(capsys, "validate", "--carbon-runs", str(own))
    assert "1 of 1 rows" in page
    assert "BLOOM" not in page

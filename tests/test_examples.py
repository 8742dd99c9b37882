"""The example scenarios: each states a question, is valid, and is answered by the command it names."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from pathlib import Path

import pytest

import carbonscaling as cs
from carbonscaling.cli import main
from carbonscaling.evidence import rows
from carbonscaling.evidence.left_out import shipped_left_out
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.scenario import Scenario, load_scenario
from carbonscaling.words import plain
from reported import reported_table

ROOT = Path(__file__).parent.parent
QUESTIONS = sorted((ROOT / "examples" / "questions").glob("*.toml"))
README = (ROOT / "README.md").read_text(encoding="utf-8")
RIGHT = (ROOT / "docs" / "right.md").read_text(encoding="utf-8")
PUBLISHED = {"bloom-176b": "r00941", "deepseek-v3": "r03868", "llama-3.1-405b": "r03866", "palm-540b": "r04081"}
"""Files of `examples/runs`, and the shipped row of each."""


def head(path: Path) -> tuple[str, str]:
    """Return the question and the command of an example."""
    question, command, *_ = path.read_text(encoding="utf-8").splitlines()
    return question.removeprefix("# "), command.removeprefix("# ")


def test_there_are_ten_and_each_differs() -> None:
    assert len(QUESTIONS) == 10
    assert len({load_scenario(path) for path in QUESTIONS}) == 10


@pytest.mark.parametrize("path", QUESTIONS, ids=lambda path: path.stem)
def test_a_question_states_itself_and_is_answered(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    question, command = head(path)
    assert question.endswith("?")
    name, kind, file = command.split()
    assert (name, ROOT / file) == ("carbonscaling", path)
    assert kind in {"plan", "estimate"}
    scenario = load_scenario(path)
    assert scenario != Scenario()
    assert (kind == "estimate") == (scenario.devices is not None)
    monkeypatch.chdir(ROOT)
    assert main([kind, file]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Train ")
    assert re.search(r"CO2e\s+\(between", out)


def test_the_page_of_questions_names_every_file() -> None:
    page = (ROOT / "docs" / "howto" / "questions.md").read_text(encoding="utf-8")
    for path in QUESTIONS:
        assert head(path)[1] in page


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_runs_come_out_as_the_page_prints(name: str) -> None:
    answer = cs.estimate(load_scenario(ROOT / "examples" / "runs" / f"{name}.toml"))
    assert isinstance(answer, Estimate)
    speed = answer.tokens_per_s_per_device
    measured = next(row.measured for row in shipped_left_out() if row.id == PUBLISHED[name])
    row = next(line for line in RIGHT.splitlines() if line.lower().startswith(f"| {name},"))
    assert row.split("|")[3].strip() == f"{plain(speed)}, {100 * (speed / measured - 1):+.1f} %"
    if name == "llama-3.1-405b":
        assert f"is estimated at {plain(answer.device_hours / 1e6)} million" in RIGHT


def test_published_runs_are_the_scenarios_that_validate_writes(tmp_path: Path) -> None:
    """But for their tokens, which a row of speed does not need: one door."""
    kept = [row for row in rows("runs") if row["id"] in PUBLISHED.values()]
    with (tmp_path / "runs.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, kept[0])
        writer.writeheader()
        writer.writerows(kept)
    assert main(["validate", "--runs", str(tmp_path / "runs.csv"), "--scenarios", str(tmp_path / "out")]) == 0
    for name, row in PUBLISHED.items():
        ours, written = (
            load_scenario(ROOT / "examples" / "runs" / f"{name}.toml"),
            load_scenario(tmp_path / "out" / f"{row}.toml"),
        )
        assert replace(ours, tokens=written.tokens) == written


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_table_of_published_runs_says_what_estimate_says(name: str) -> None:
    """The table of published runs and the run's own file, whose model is the measured row's: vocabularies differ a little."""
    table = next(row for row in reported_table() if row.name == name)
    answer = cs.estimate(cs.load_scenario(str(ROOT / "examples" / "runs" / f"{name}.toml")))
    assert isinstance(table.estimate, Estimate)
    assert isinstance(answer, Estimate)
    assert table.estimate.tokens_per_s_per_device == pytest.approx(answer.tokens_per_s_per_device, rel=1e-5)
    assert table.estimate.setting == answer.setting


def test_the_readme_shows_its_plan_and_the_page_the_best_layout(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    make = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert main(re.findall(r"carbonscaling (plan .*)", make)[0].split()) == 0
    assert f"```\n{capsys.readouterr().out.split(chr(10) * 2)[0]}\n```" in README
    best = cs.estimate(Scenario(model="llama-3.1-405b", tokens=15.6e12, device="h100-sxm", devices=16384, batch=2048))
    assert best.device_hours is not None
    assert f"the best one at {plain(best.device_hours / 1e6)} million" in RIGHT

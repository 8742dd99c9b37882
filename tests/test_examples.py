"""The example scenarios: each states a question, is valid, and is answered by the command it names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from carbonscaling.cli import main
from carbonscaling.study.scenario import Scenario, load_scenario

ROOT = Path(__file__).parent.parent
QUESTIONS = sorted((ROOT / "examples" / "questions").glob("*.toml"))


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

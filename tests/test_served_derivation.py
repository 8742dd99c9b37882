"""The arithmetic of a serving: the numbers printed make the answer, and the terminal hands them out."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import carbonscaling as cs
from carbonscaling.cli import main
from carbonscaling.reporting.served_derivation import served_derivation

SERVINGS: tuple[dict[str, Any], ...] = (
    {"model": "llama-3-70b", "weights": "fp8", "requests_per_day": 2e6},
    {"model": "deepseek-v3", "device": "h200", "weights": "fp8", "engine": "sglang 0.5", "ep": 8},
    {"model": "llama-3-8b", "device": "h100-nvl", "draft_tokens": 3, "acceptance": 0.6},
)


@pytest.mark.parametrize("asked", SERVINGS, ids=lambda asked: str(asked["model"]))
def test_the_causes_make_the_cycle_and_the_cycle_the_speed(asked: dict[str, Any]) -> None:
    """What is printed to three digits adds up to what `inference` says, but for causes of less than half a percent."""
    answer = cs.inference(**asked)
    stages = {stage.name: stage for stage in served_derivation(answer)}
    cycle = float(stages["cycle"].result.split()[0].replace(",", ""))
    parts = re.findall(r"([\d.,e-]+)( ms)? x ([\d.,e-]+)", stages["cycle"].numbers.replace(",", ""))
    made = sum(float(a) * float(b) * (1.0 if ms else 1e-3) for a, ms, b in parts)
    assert made == pytest.approx(cycle, rel=0.03)
    assert stages["speed"].lines[0].result == pytest.approx(answer.speed, rel=1e-9)
    assert stages["watts"].lines[0].result == pytest.approx(answer.watts, rel=1e-9)
    traced = {line.formula.name: line.result for line in stages["cycle"].lines}
    assert "serving.step.skinny_time" in traced
    assert traced["serving.cycle.mean_context"] == pytest.approx(answer.scenario.prompt + answer.scenario.output / 2.0)


def test_the_terminal_explains(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["inference", "--model", "llama-3-8b", "--explain"]
    assert main([*asked, "-o", str(tmp_path / "answer.html")]) == 0
    assert "tokens of a cycle / (devices that wait for it x cycle)" in capsys.readouterr().out
    assert "serving.step.skinny_time" in (tmp_path / "answer.html").read_text(encoding="utf-8")
    assert main([*asked, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["answer"] == json.loads(_plain(capsys))["answer"]
    assert data["formulas"]


def _plain(capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["inference", "--model", "llama-3-8b", "--json"]) == 0
    return capsys.readouterr().out

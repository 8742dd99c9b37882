"""Four whole runs with published overhead: every method beside the measurement."""

from __future__ import annotations

import json

import pytest

from carbonscaling.baselines.published import published_runs, score_methods
from carbonscaling.cli import main
from carbonscaling.units import HOUR


def test_runs_are_the_published_ones_and_hours_follow_from_speed() -> None:
    runs = {r.name: r for r in published_runs()}
    assert runs["BLOOM-176B"].hours == 1_082_990
    assert runs["DeepSeek-V3"].speed == pytest.approx(1541.7, rel=1e-3)
    assert runs["PaLM-540B"].overhead == 1.5
    for r in runs.values():
        assert r.device_hours("left out") == pytest.approx(r.tokens / r.predicted["left out"] / HOUR * r.overhead)
        # The published overhead closes the gap between speed and device-hours to a few per cent.
        assert r.tokens / r.speed / HOUR * r.overhead == pytest.approx(r.hours, rel=0.1)
        assert r.low < r.hours < r.high


def test_scores_are_of_all_four_and_ours_beats_other_methods() -> None:
    methods = {m.name: m for m in score_methods(published_runs())}
    assert {m.speed.n for m in methods.values()} == {4}
    assert methods["left out"].speed.mape < 0.12
    assert methods["left out"].speed.mape < min(methods[n].speed.mape for n in ("reg", "llmcarbon"))


def test_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "--published"]) == 0
    assert "PaLM-540B" in capsys.readouterr().out
    assert main(["validate", "--published", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {m["name"] for m in found["methods"]} >= {"left out", "shipped", "reg"}

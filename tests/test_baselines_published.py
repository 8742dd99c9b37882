"""Four whole runs with published overhead: every method beside the measurement."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from carbonscaling.baselines.peer_sets import peer_sets
from carbonscaling.baselines.published import _default_hours, published_runs, score_methods
from carbonscaling.cli import main
from carbonscaling.evidence.left_out import shipped_left_out
from carbonscaling.sources import Datum
from carbonscaling.units import HOUR

RIGHT = (Path(__file__).parent.parent / "docs" / "right.md").read_text(encoding="utf-8")


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
    row = next(line for line in RIGHT.splitlines() if line.startswith("| mean, speed"))
    assert f"{100 * methods['left out'].speed.mape:.1f} %" in row
    assert methods["left out"].speed.mape < min(methods[n].speed.mape for n in ("reg", "llmcarbon"))


def test_step_times_of_peers_are_scored_as_times() -> None:
    few, many = peer_sets()
    assert (few.left_out.n, many.left_out.n) == (8, 109)
    left = [r for r in shipped_left_out() if r.fold == "source" and "Korthikanti" in r.source]
    assert few.left_out.mape == pytest.approx(sum(abs(r.measured / r.predicted - 1) for r in left) / 8)
    assert few.unfitted.mape < 0.04


def test_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "--published"]) == 0
    assert "PaLM-540B" in capsys.readouterr().out
    assert main(["validate", "--published", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {m["name"] for m in found["methods"]} >= {"left out", "shipped", "reg"}
    assert [s["left_out"]["n"] for s in found["step_times"]] == [8, 109]


def test_default_hours_by_hand() -> None:
    """A steady state of 10 (8 to 12.5) and an overhead of 1.2 (1 to 1.5): both ranges as one, on the logarithm."""
    low, high = _default_hours(3.6e6, 10.0, (math.log(1.25), math.log(1.25)), Datum(1.2, "1", "llama3", 1.0, 1.5))
    assert low == pytest.approx(120 * math.exp(-math.hypot(math.log(1.25), math.log(1.2))))
    assert high == pytest.approx(120 * math.exp(math.hypot(math.log(1.25), math.log(1.25))))

"""What others predict: LLMCarbon's published polynomials, the regression over history, the rule of thumb."""

from __future__ import annotations

import math

import pytest

from carbonscaling import baselines, evidence
from carbonscaling.baselines.llmcarbon import a100_tflops
from carbonscaling.baselines.regression import Point
from carbonscaling.catalog import hardware
from carbonscaling.errors import InputError
from carbonscaling.evidence.row import parse_row
from carbonscaling.validate.replay import complete_row

NARAYANAN_2021 = [
    (1.7, 137),
    (3.6, 138),
    (7.5, 142),
    (39.1, 138),
    (76.1, 140),
    (145.6, 148),
    (310.1, 155),
    (529.6, 163),
]
"""Table 1: billions of parameters, TFLOP/s per A100."""


@pytest.mark.parametrize(("billions", "tflops"), NARAYANAN_2021)
def test_llmcarbon_goes_through_the_runs_it_was_fitted_to(billions: float, tflops: float) -> None:
    assert float(a100_tflops(billions * 1e9, 80.0)) == pytest.approx(tflops, rel=0.04)


def test_llmcarbon_knows_two_gpus() -> None:
    speed = baselines.llmcarbon_speed
    same = [speed(70e9, 70e9, hardware.device(name)) for name in ("a100-80", "h100-sxm")]
    assert same[0] == same[1]
    others = [speed(7e9, 7e9, hardware.device(name)) for name in ("v100-sxm2-32", "b200")]
    assert others[0] == pytest.approx(others[1], rel=0.02)
    assert others[0] < 0.4 * speed(7e9, 7e9, hardware.device("a100-80"))


def test_llmcarbon_on_tpus() -> None:
    """PaLM's own utilisation is its table's entry for TPU v4."""
    speed = baselines.llmcarbon_speed(540e9, 540e9, hardware.device("tpu-v4"))
    assert speed * 6 * 540e9 / 275e12 == pytest.approx(0.578)


def test_llmcarbon_beyond_its_polynomials() -> None:
    assert baselines.llmcarbon_speed(3e12, 3e12, hardware.device("a100-80")) == 0.0


def test_history_is_whole_trainings_on_two_generations() -> None:
    points = baselines.history()
    assert len(points) >= 30
    assert {"bloom-176b", "llama-3.1-405b", "opt-175b"} <= {p.model for p in points}
    assert not any("palm" in p.model or "deepseek" in p.model for p in points)


def test_regression_recovers_a_power_law() -> None:
    points = [Point(f"m{i}", 10.0**i, 3.0 * (10.0**i) ** 0.8) for i in range(18, 26)]
    law = baselines.fit_regression(points)
    assert law.slope == pytest.approx(0.8)
    assert law.device_hours(1e22) == pytest.approx(3.0 * 1e22**0.8)
    assert law.spread == pytest.approx(0.0, abs=1e-9)


def test_the_scored_run_is_left_out() -> None:
    points = baselines.history()
    n = baselines.fit_regression(points).n
    assert baselines.fit_regression(points, "BLOOM-176B").n == n - sum(p.model == "bloom-176b" for p in points)
    with pytest.raises(InputError, match="too few"):
        baselines.fit_regression(points[:2])


def test_rule_of_thumb() -> None:
    speed = baselines.constant_mfu_speed(8.03e9, 989.4e12)
    assert 6 * 8.03e9 * speed / 989.4e12 == pytest.approx(0.40)


def test_predict_reads_no_measurement() -> None:
    row = next(r for r in evidence.rows("runs") if r["model"] == "BLOOM-176B" and r["tp"])
    blank = row | dict.fromkeys(
        ("mfu", "tflops_per_device", "tokens_per_s_per_device", "step_time_s", "device_hours"), ""
    )
    one, other = (baselines.predict(complete_row(parse_row(r))) for r in (row, blank))
    assert one == other
    assert set(one) == set(baselines.BASELINES)
    assert all(math.isfinite(v) and v > 0 for v in one.values())


def test_compare_scores_the_same_rows() -> None:
    rows = [r for r in evidence.rows("runs") if r["source"].startswith("NVIDIA/NeMo")][:60]
    ours = {r["id"]: 1000.0 for r in rows}
    lines = baselines.compare(rows, ours)
    assert [line.name for line in lines] == ["ours", "reg", "llmcarbon", "constant_mfu"]
    assert len({line.score.n for line in lines}) == 1
    assert [line.name for line in baselines.compare(rows)] == list(baselines.BASELINES)
    assert baselines.compare([]) == ()

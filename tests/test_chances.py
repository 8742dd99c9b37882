"""Chances of a plan: Daly's formulas and their limits, simulated runs against them, coverage by construction, the doors."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

import carbonscaling as cs
from carbonscaling.cli import main
from carbonscaling.perf.checkpoints import daly_interval, interrupted_time
from carbonscaling.study.chances import _times

RUN = cs.Scenario(model="llama-3-8b", tokens=1e12, device="h100-sxm", devices=256, batch=512)


@pytest.fixture(scope="module")
def answer() -> cs.Estimate:
    found = cs.estimate(RUN)
    assert isinstance(found, cs.Estimate)
    return found


def test_the_interval_is_young_s_where_writing_is_quick() -> None:
    assert float(daly_interval(1e-6, 1e6)) == pytest.approx(math.sqrt(2.0), rel=1e-5)
    assert float(daly_interval(100.0, 10.0)) == 10.0


@pytest.mark.parametrize(("write", "mtbf"), [(30.0, 1e4), (60.0, 4e3), (5.0, 1e5)])
def test_the_interval_loses_least(write: float, mtbf: float) -> None:
    tried = np.geomspace(0.05, 20.0, 4001) * float(daly_interval(write, mtbf))
    least = tried[np.argmin(interrupted_time(1e6, tried, write, 300.0, mtbf))]
    assert float(daly_interval(write, mtbf)) == pytest.approx(least, rel=0.02)


@pytest.mark.parametrize("mtbf", [2e3, 1e4, 1e6])
def test_simulated_runs_meet_the_mean(mtbf: float) -> None:
    times, lost = _times(np.random.default_rng(1), np.full(20_000, 1e6), 900.0, 60.0, 300.0, mtbf)
    assert times.mean() == pytest.approx(float(interrupted_time(1e6, 900.0, 60.0, 300.0, mtbf)), rel=2e-3)
    assert lost.mean() == pytest.approx(1e6 / 900.0 * math.expm1(960.0 / mtbf), rel=0.05)


def test_without_interruptions_the_interval_of_a_step_remains(answer: cs.Estimate) -> None:
    found = cs.chances(answer, write_s=1e-6, restart_s=0.0, mtbf_device_hours=1e15)
    assert float(np.median(found.days)) == pytest.approx(found.steady_days, rel=0.01)
    low, high = np.quantile(found.days, [0.05, 0.95])
    assert found.within(days=float(high)) - found.within(days=float(low)) == pytest.approx(0.9, abs=0.005)
    assert found.interruptions.max() < 2


def test_a_published_record() -> None:
    """Llama 3 405B: 466 interruptions in 54 days on 16,384 H100 (arXiv 2407.21783, section 3.3.4)."""
    steady = 54 * 86400.0
    mtbf = 45570.0 * 3600.0 / 16384
    _, lost = _times(np.random.default_rng(2), np.full(4000, steady / 1.1), 600.0, 20.0, 300.0, mtbf)
    assert np.quantile(lost, 0.05) < 466 < np.quantile(lost, 0.95)


def test_more_of_anything_bad_takes_longer(answer: cs.Estimate) -> None:
    def days(**change: float) -> float:
        return float(np.median(cs.chances(answer, **({"write_s": 30.0, "restart_s": 300.0} | change)).days))  # type: ignore[arg-type]

    assert days(mtbf_device_hours=5000.0) > days() > days(mtbf_device_hours=1e9)
    assert days(restart_s=3000.0) > days()
    assert days(interval_s=20.0) > days()
    summary = cs.chances(answer, write_s=30.0, restart_s=300.0).summary()
    for values in summary["quantiles"].values():
        assert list(values.values()) == sorted(values.values())


@pytest.mark.parametrize(
    "change", [{"write_s": 0.0}, {"restart_s": -1.0}, {"interval_s": 0.0}, {"mtbf_device_hours": math.nan}]
)
def test_refusals_name_the_key(answer: cs.Estimate, change: dict[str, float]) -> None:
    with pytest.raises(cs.InputError) as refused:
        cs.chances(answer, **({"write_s": 30.0, "restart_s": 300.0} | change))  # type: ignore[arg-type]
    assert refused.value.key == next(iter(change))


def test_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    run = ["--model", "llama-3-8b", "--tokens", "1e12", "--device", "h100-sxm", "--devices", "256", "--batch", "512"]
    args = ["chances", *run, "--write-s", "30", "--restart-s", "300", "--within-days", "1000"]
    assert main([*args, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["within"] == 1.0
    assert main(args) == 0
    assert "probability" in capsys.readouterr().out
    assert main(["chances", *run]) == 2

"""The model's parts against measurements: thresholds as they really are, so that none gets worse unnoticed."""

from __future__ import annotations

import numpy as np
import pytest

from carbonscaling.errors import InputError
from carbonscaling.report.components import components_data, components_page
from carbonscaling.validate.components import PARTS, Component, component_table
from carbonscaling.validate.components.gemm import predicted_seconds, timings
from carbonscaling.validate.score import Score

TABLE = {(line.part, line.group): line for line in component_table()}


def _score(part: str, group: str) -> Score:
    found = TABLE[part, group].score
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("device", "mape", "median", "r2"),
    [
        ("A100-40", 0.046, 0.03, 0.97),
        ("A100-80", 0.065, 0.047, 0.998),
        ("A100-PCIe-80", 0.063, 0.048, 0.99),
        ("H100-80", 0.074, 0.058, 0.99),
        ("TPUv4", 0.082, 0.067, 0.985),
        ("B200-180", 0.17, 0.17, 0.95),
    ],
)
def test_gemm_time(device: str, mape: float, median: float, r2: float) -> None:
    found = _score("gemm", device)
    assert found.mape < mape
    assert found.median < median
    assert found.r2 > r2


def test_the_papers_claim_of_r2_is_not_met() -> None:
    line = TABLE["gemm", "A100, H100 and TPUv4 together"]
    assert line.n == 3611
    assert line.met is False
    assert _score("gemm", line.group).log_r2 > 0.998
    assert line.utilisation_r2 is not None
    assert line.utilisation_r2 > 0.98


def test_gemm_targets() -> None:
    assert {name: TABLE["gemm", name].met for name in ("A100-40", "A100-80", "TPUv4", "H100-80")} == {
        "A100-40": True,
        "A100-80": True,
        "TPUv4": True,
        "H100-80": False,
    }


def test_the_lone_transfer_of_tpus_holds_on_sets_it_was_not_fitted_to() -> None:
    rows = [r for r in timings() if r.group == "TPUv4" and "1024 set" not in r.source]
    error = np.abs(predicted_seconds(rows) / np.array([r.seconds for r in rows]) - 1.0)
    assert len(rows) == 511
    assert error.mean() < 0.07


def test_large_collectives() -> None:
    assert _score("collectives", "A100, all-reduce, 16 MB and more").median < 0.06
    assert _score("collectives", "H100-80, all-reduce, 16 MB and more").median < 0.13


@pytest.mark.golden
def test_memory() -> None:
    line = TABLE["memory", "all"]
    assert line.n == 142
    assert line.met
    assert _score("memory", "all").median < 0.06
    assert abs(_score("memory", "all").bias) < 0.03
    assert all(line.score is None or line.score.median < 0.08 for (part, _), line in TABLE.items() if part == "memory")


@pytest.mark.golden
def test_what_ran_out_of_memory_is_rejected() -> None:
    line = TABLE["oom", "rejected, out of memory, all"]
    assert line.n == 340  # two more name a model whose shape is not public
    assert line.met
    assert line.share is not None
    assert line.share > 0.92


@pytest.mark.golden
def test_what_ran_is_accepted() -> None:
    line = TABLE["oom", "accepted, runs that ran, all"]
    assert line.n > 3150
    assert line.met
    assert TABLE["oom", "accepted, same grid, all"].share == pytest.approx(0.963, abs=0.01)


def test_pipeline_formulas_are_exact() -> None:
    for name in ("1F1B", "interleaved", "zero-bubble"):
        assert _score("pipeline", name).mape < 1e-12


def test_one_part_alone() -> None:
    assert {line.part for line in component_table("pipeline")} == {"pipeline"}
    with pytest.raises(InputError, match="did you mean: gemm"):
        component_table("gem")
    assert {part for part, _ in TABLE} == set(PARTS)


def test_data_of_the_page() -> None:
    lines = list(TABLE.values())
    data = components_data(lines)
    assert len(data) == len(lines)
    assert all(entry["part"] in PARTS for entry in data)
    assert components_page([Component("oom", "x", 2, share=0.5)]) is not None

"""The model's parts against measurements: thresholds as they really are, so that none gets worse unnoticed."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pytest

from carbonscaling import evidence
from carbonscaling.calibration.kernels import clock, predicted_seconds
from carbonscaling.cli import main
from carbonscaling.errors import InputError
from carbonscaling.evidence.timing import Timing, disturbed, timings
from carbonscaling.perf.gemm import gemm_time
from carbonscaling.reporting.components import components_data, components_page
from carbonscaling.validate.parts.megatron import utilisation_per_speed
from carbonscaling.validate.parts.part import Component
from carbonscaling.validate.parts.table import PARTS, component_table
from carbonscaling.validate.score import Score
from samples import machine_of


@cache
def _table() -> dict[tuple[str, str], Component]:
    return {(line.part, line.group): line for line in component_table()}


def _score(part: str, group: str) -> Score:
    found = _table()[part, group].score
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("device", "mape", "median", "r2"),
    [
        ("A100-40", 0.046, 0.033, 0.97),
        ("A100-80", 0.064, 0.048, 0.998),
        ("A100-PCIe-80", 0.065, 0.053, 0.995),
        ("H100-80", 0.068, 0.052, 0.996),
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
    line = _table()["gemm", "A100, H100 and TPUv4 together"]
    assert line.n == 3611
    assert line.met is False
    assert _score("gemm", line.group).log_r2 > 0.998
    assert line.utilisation_r2 is not None
    assert line.utilisation_r2 > 0.98


def test_the_claim_holds_for_time_where_a_few_readings_did_not_run_disturbed() -> None:
    """Seven readings of one sweep ran at 36 to 65 % of the rate of the shapes around them, which agree among themselves."""
    line = _table()["gemm", "A100, H100 and TPUv4 together, readings that were disturbed left out"]
    assert line.n == 3611 - 7
    assert _score("gemm", line.group).r2 > 0.996
    assert line.remark.startswith("7 readings")


def test_a_disturbed_reading_is_told_by_its_neighbours_alone() -> None:
    def swept(slow: dict[int, float]) -> list[Timing]:
        sizes = range(1024, 1024 + 64 * 60, 64)
        return [
            Timing("g", "d", "bf16", "gemm", 1.0, 512.0, float(n), float(n), n * n * slow.get(i, 1.0), "one sweep")
            for i, n in enumerate(sizes)
        ]

    rows = swept({30: 2.0})
    assert disturbed(rows) == [rows[30]]
    assert disturbed(rows[:49]) == []  # too short to judge by
    assert disturbed(swept({30: 1.2})) == []  # a difference that a shape can make
    assert disturbed(swept({30: 2.0, 32: 2.0})) == []  # neighbours that disagree
    assert disturbed(swept({1: 2.0})) == []  # at an end


def test_the_clock_of_a_lone_launch() -> None:
    """21 % between the ends: 10 % ahead at first, in the end as far behind, and half way down after the settling time."""
    assert clock(0.0, 0.21, 1e-3) == pytest.approx(1.1)
    assert clock(1e-3, 0.21, 1e-3) == pytest.approx(1.1 / 1.105)
    assert clock(1e3, 0.21, 1e-3) == pytest.approx(1 / 1.1, rel=1e-6)


def test_a_training_step_does_not_know_the_clock_of_lone_launches() -> None:
    """The check of another architecture than those with a lead is the step's own formula."""
    row = next(r for r in timings() if r.group == "B200-180")
    own, formats, _ = machine_of("b200", "bf16")
    plain = gemm_time(
        row.batch, row.m, row.n, row.k, formats.peak, formats.gemm_efficiency, formats.gemm_k_half, own.cores, own.tile_m,
        own.tile_n, own.kernel_latency, own.bandwidth, own.memory_efficiency, formats.act_bytes,
    )  # fmt: skip
    assert predicted_seconds([row])[0] == pytest.approx(float(np.asarray(plain)), rel=1e-12)


def test_utilisation_of_megatron_runs_that_the_fit_never_saw() -> None:
    line = _table()["megatron", "Megatron"]
    assert line.n == 682
    assert line.met
    assert _score("megatron", "Megatron").r2 > 0.85
    assert _score("megatron", "Megatron-LM's papers").r2 > 0.8
    parts = ("Megatron, 16 bit", "Megatron, 8 bit and less")
    assert sum(_table()["megatron", name].n for name in parts) == line.n
    assert _score("megatron", "Megatron").coverage > 0.85


def test_utilisation_counts_the_models_flops_over_the_16_bit_peak() -> None:
    """GPT-3 on A100: 6 FLOPs a parameter and token and the causal half of attention, over 312 TFLOP/s."""
    row = next(r for r in evidence.rows("runs") if r["source"].startswith("Narayanan et al. 2021"))
    assert (row["d_model"], row["n_layers"], row["device"]) == ("12288.0", "96.0", "A100-80")
    width, layers, seq = 12288, 96, float(row["seq_len"])
    flops = 72 * layers * width**2 * (1 + seq / (12 * width)) + 6 * width * float(row["vocab"])
    assert utilisation_per_speed(row) == pytest.approx(flops / 312e12, rel=0.01)


def test_gemm_targets() -> None:
    assert {name: _table()["gemm", name].met for name in ("A100-40", "A100-80", "TPUv4", "H100-80")} == {
        "A100-40": True,
        "A100-80": True,
        "TPUv4": True,
        "H100-80": True,
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
    line = _table()["memory", "all"]
    assert line.n == 142
    assert line.met
    assert _score("memory", "all").median < 0.06
    assert abs(_score("memory", "all").bias) < 0.03
    assert all(
        line.score is None or line.score.median < 0.08 for (part, _), line in _table().items() if part == "memory"
    )


@pytest.mark.golden
def test_what_ran_out_of_memory_is_rejected() -> None:
    line = _table()["oom", "rejected, out of memory, all"]
    assert line.n == 340  # two more name a model whose shape is not public
    assert line.met
    assert line.share is not None
    assert line.share > 0.92


@pytest.mark.golden
def test_what_ran_is_accepted() -> None:
    line = _table()["oom", "accepted, runs that ran, all"]
    assert line.n > 3150
    assert line.met
    assert _table()["oom", "accepted, same grid, all"].share == pytest.approx(0.963, abs=0.01)


def test_pipeline_formulas_are_exact() -> None:
    for name in ("1F1B", "interleaved", "zero-bubble"):
        assert _score("pipeline", name).mape < 1e-12


def test_one_part_alone() -> None:
    assert {line.part for line in component_table("pipeline")} == {"pipeline"}
    with pytest.raises(InputError, match="did you mean: gemm"):
        component_table("gem")
    assert {part for part, _ in _table()} == set(PARTS)


def test_data_of_the_page() -> None:
    lines = list(_table().values())
    data = components_data(lines)
    assert len(data) == len(lines)
    assert all(entry["part"] in PARTS for entry in data)
    assert components_page([Component("oom", "x", 2, share=0.5)]) is not None


def test_validate_components(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "--components", "pipeline", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert {line["group"] for line in data["components"]} == {"1F1B", "interleaved", "zero-bubble"}
    assert main(["validate", "--components", "memory"]) == 0
    assert "all: median error at most 8 %: yes" in capsys.readouterr().out
    assert main(["validate", "--components", "nothing"]) == 2


def test_validate_baselines(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "--baselines", "--json"]) == 0
    lines = json.loads(capsys.readouterr().out)["baselines"]
    assert [line["name"] for line in lines][-3:] == ["reg", "llmcarbon", "constant_mfu"]
    assert len({line["score"]["n"] for line in lines}) == 1

"""Power from work done: the formula, what workloads do per second, and the fit on public measurements."""

from __future__ import annotations

import math

import numpy as np
import pytest

from carbonscaling import evidence
from carbonscaling.carbon.work_power import work_power
from carbonscaling.catalog import hardware, models
from carbonscaling.evidence.power_work import _published, decoding_bytes, generation_flops, workloads
from carbonscaling.model.params import active_params, parameter_count
from carbonscaling.validate.parts.power_fit import _least_squares, score_work


def test_power_lies_between_idle_and_busy() -> None:
    assert work_power(100.0, 700.0, 0.0, 0.0, 0.0, 12.0, 4.0) == 100.0
    assert work_power(100.0, 700.0, 50.0, 50.0, 0.0, 12.0, 4.0) == pytest.approx(700.0)
    assert work_power(100.0, 700.0, 50.0, 50.0, 0.5, 12.0, 4.0) == pytest.approx(400.0)
    by_hand = 100.0 + 600.0 * 0.9 * (1.0 - math.exp(-(12.0 * 0.05 + 4.0 * 0.2)))
    assert work_power(100.0, 700.0, 0.05, 0.2, 0.1, 12.0, 4.0) == pytest.approx(by_hand)


def test_flops_of_one_denoising_step_by_hand() -> None:
    row = {"layers": 2, "width": 8, "feed_forward": 32, "tokens": 10, "text": 3, "skip": 1, "passes": 2}
    projections = 4 * 8 * 8 + 2 * 8 * 8 + 2 * 8 * 32  # self, query and output of cross, feed-forward
    layer = 2 * projections * 10 + 4 * 10 * 10 * 8 + 4 * 10 * 3 * 8 + 2 * 2 * 8 * 8 * 3
    assert generation_flops(row) == 2 * (2 * layer + 2 * 2 * 8 * 8 * 10)
    assert generation_flops(row | {"quadratic": False}) == generation_flops(row) - 2 * 2 * 4 * 10 * 10 * 8
    plain = {"layers": 1, "width": 8, "feed_forward": 32, "tokens": 10, "passes": 1}
    assert generation_flops(plain) == 2 * (4 * 64 + 2 * 8 * 32) * 10 + 4 * 100 * 8


def test_bytes_of_one_decoding_step_by_hand() -> None:
    dense = {"stored": 1000.0, "active": 1000.0, "kv": 4, "window_kv": 6, "window": 10}
    assert decoding_bytes(dense, 2.0, 16.0, 2.0) == 2000.0 + 2.0 * 2.0 * (4 * 8 + 6 * 8)
    assert decoding_bytes(dense, 2.0, 40.0, 1.0) == 1000.0 + 2.0 * 2.0 * (4 * 20 + 6 * 10)
    # 200 shared, 800 routed over 4 experts of which a token takes 1: two tokens touch 1 - (3/4)^2 of them
    routed = {"stored": 1000.0, "active": 400.0, "kv": 0, "experts": 4, "per_token": 1}
    assert decoding_bytes(routed, 2.0, 16.0, 1.0) == pytest.approx(200.0 + 800.0 * (1.0 - 0.75**2))
    assert decoding_bytes(routed, 1.0, 16.0, 1.0) == pytest.approx(400.0)


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("Qwen/Qwen3-8B", "qwen3-8b"),
        ("Qwen/Qwen3-VL-30B-A3B-Instruct", "qwen3-30b-a3b"),
        ("Qwen/Qwen3-235B-A22B-Instruct-2507", "qwen3-235b-a22b"),
        ("deepseek-ai/DeepSeek-R1-0528", "deepseek-v3"),
        ("google/gemma-3-27b-it", "gemma-3-27b"),
        ("meta-llama/Llama-3.3-70B-Instruct", "llama-3-70b"),
        ("meta-llama/Llama-3.1-405B-Instruct", "llama-3.1-405b"),
    ],
)
def test_decoded_models_are_those_of_the_catalogue(name: str, ours: str) -> None:
    row, spec = _published()["decode"][name], models.model(ours)
    counted = parameter_count(spec)
    table = 0 if spec.tied_embeddings else counted.embedding
    assert row["stored"] == pytest.approx(counted.total - table, rel=0.005)
    assert row["active"] == pytest.approx(active_params(spec) - table, rel=0.03)
    assert row["layers"] == spec.n_layers


def test_every_inference_row_is_read_and_repeats_power_csv() -> None:
    listed = {(r["source"], r["watts"], r["n_devices"]) for r in evidence.rows("power_work")}
    known = {(r["source"], r["watts"], r["n_devices"].removesuffix(".0")) for r in evidence.rows("power")}
    assert listed <= known
    rows = workloads()
    assert sum(r.kind != "train" for r in rows) == 913
    assert sum(r.kind == "train" for r in rows) == 336
    assert all(0.0 < r.flop_share < 1.0 for r in rows)
    assert all(0.0 <= r.memory_share < 1.0 for r in rows)
    assert not any("-FP8" in r.workload for r in rows)
    assert max(r.limit_w for r in rows if r.device == "v100-pcie-32") == hardware.device("v100-pcie-32").tdp.si


def test_workload_rates_by_hand() -> None:
    flux = next(
        r for r in evidence.rows("power_work")
        if r["model"].endswith("FLUX.1-dev") and r["device"] == "H100-80" and r["n_devices"] == "8" and r["batch"] == "16"
    )  # fmt: skip
    ours = next(r for r in workloads() if r.kind == "generate" and r.watts == float(flux["watts"]))
    steps = float(flux["items_per_s"]) * 50
    assert ours.flop_share == pytest.approx(
        generation_flops(_published()["generate"][flux["model"]]) * steps / 8 / 989.4e12
    )
    assert ours.layers_per_s == pytest.approx(57 * steps / 16)
    bert = next(r for r in workloads() if r.workload == "bert_base_uncased on squad")
    assert bert.memory_share == 0.0
    assert 0.1 < bert.flop_share < 0.9


def test_least_squares_finds_known_values() -> None:
    x = np.linspace(0.0, 2.0, 40)
    found = _least_squares(
        lambda p: p[0] * (1.0 - np.exp(-p[1] * x)) - 3.0 * (1.0 - np.exp(-5.0 * x)), np.array([1.0, 1.0])
    )
    assert found == pytest.approx([3.0, 5.0], rel=1e-4)


def test_model_by_work_on_public_measurements() -> None:
    fit = score_work()
    scores = {s.device: s for s in fit.scores}
    assert list(scores)[-1] == "all"
    assert scores["all"].fitted.n == 1249
    assert scores["v100-pcie-32"].left_out.r2 > 0.9
    assert scores["all"].left_out.r2 > 0.9
    assert scores["all"].left_out.mape < 0.15
    for name in ("h100-sxm", "b200"):
        assert scores[name].kinds["generate"].r2 > 0.8
        assert scores[name].kinds["generate"].mape < 0.1
        assert scores[name].kinds["decode"].r2 < scores[name].kinds["generate"].r2  # where the error sits
        assert 0.6 < scores[name].left_out.r2 < 0.868
    for s in scores.values():
        assert s.left_out.r2 < s.fitted.r2
        assert sum(m.n for m in s.kinds.values()) == s.left_out.n
    assert fit.flop_weight > fit.memory_weight > 0.0
    assert 0.0 < fit.stall_s < 1e-3
    assert math.isnan(scores["all"].busy_w)

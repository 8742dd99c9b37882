"""RWKV and the first Mamba: counts of the papers' tables, work and times by hand, and speeds of published runs."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import carbonscaling as cs
from carbonscaling.calibration.profile import shipped_calibration
from carbonscaling.catalog import models
from carbonscaling.errors import InputError
from carbonscaling.model import ModelSpec, forward_flops, from_config, total_params
from carbonscaling.model.mixer import Mixer, vector_flops
from carbonscaling.perf.build import workload
from carbonscaling.perf.kernels import scan_times
from carbonscaling.serving.build import cache_of
from carbonscaling.serving.step import cached_bytes
from carbonscaling.validate.speed.beside import beside
from counted import ideal
from samples import work_of

ROOT = Path(__file__).parents[1]


def rwkv(kind: str, n_layers: int, d: int, **own: Any) -> ModelSpec:
    config: dict[str, Any] = {"model_type": kind, "hidden_size": d, "num_hidden_layers": n_layers, "vocab_size": 65536}
    return from_config(config | own)


def goose(n_layers: int, d: int, *ranks: int, **own: Any) -> ModelSpec:
    names = ("decay_low_rank_dim", "a_low_rank_dim", "gate_low_rank_dim", "v_low_rank_dim")
    return rwkv("rwkv7", n_layers, d, **dict(zip(names, ranks, strict=True)), **own)


PUBLISHED_4 = {(12, 768): 1.693e8, (24, 1024): 4.304e8, (24, 2048): 1.515e9, (32, 2560): 2.985e9, (32, 4096): 7.393e9}
"""Layers and width of the models of RWKV-4, with the printed parameters (arXiv 2305.13048)."""


@pytest.mark.parametrize(("shape", "printed"), PUBLISHED_4.items())
def test_rwkv_4_as_its_table_prints_it(shape: tuple[int, int], printed: float) -> None:
    n, d = shape
    counted = total_params(rwkv("rwkv", n, d, vocab_size=50277, attention_hidden_size=d))
    assert counted == 2 * 50277 * d + 13 * d * d * n + d * (11 * n + 4)
    assert counted == pytest.approx(printed, rel=5e-4)


@pytest.mark.parametrize(("n", "d"), [(12, 768), (24, 1024), (24, 2048), (32, 2560)])
def test_eagle_and_finch_by_their_papers_formulas(n: int, d: int) -> None:
    """``13·D²L + 14·DL + 4D + 2DV`` and ``13·D²L + 464·DL + 4D + 2DV`` (arXiv 2404.05892, table of parameters)."""
    both = 13 * d * d * n + 4 * d + 2 * d * 65536
    assert total_params(rwkv("rwkv5", n, d, head_size=64)) == both + 14 * d * n
    assert total_params(rwkv("rwkv6", n, d, head_size=64)) == both + 464 * d * n


def test_finch_of_7b_has_twice_the_ranks() -> None:
    assert total_params(rwkv("rwkv6", 32, 4096)) == 7_635_746_816


GOOSE = {
    191_034_624: (12, 768, 64, 64, 128, 32), 450_767_872: (24, 1024, 64, 64, 128, 32),
    1_527_404_544: (24, 2048, 96, 96, 256, 64), 2_947_735_040: (32, 2560, 96, 96, 320, 64),
}  # fmt: skip
"""Parameters of RWKV-7's models (arXiv 2503.14456; 450,767,872 in README.md of BlinkDL/RWKV-LM, where the first block's
v0, v1 and v2 are left out), with layers, width and ranks."""


@pytest.mark.parametrize("stated", GOOSE)
def test_goose_to_the_last_parameter(stated: int) -> None:
    spec = goose(*GOOSE[stated])
    assert total_params(spec) == stated
    n, d, *ranks = GOOSE[stated]
    products = n * (12 * d * d + 2 * d * sum(ranks)) - 2 * d * ranks[3]
    flops = forward_flops(spec)
    assert flops.mixer + flops.ffn == 2 * products
    assert flops.scan == n * 8 * d * 64


def test_ranks_that_a_file_leaves_to_its_class() -> None:
    """Null stands for what flash-linear-attention makes of the width, in multiples of 32."""
    null = dict.fromkeys(("decay_low_rank_dim", "a_low_rank_dim", "gate_low_rank_dim", "v_low_rank_dim"))
    assert total_params(rwkv("rwkv7", 24, 2048, **null)) == total_params(goose(24, 2048, 128, 128, 224, 64))
    with pytest.raises(InputError, match="missing key"):
        rwkv("rwkv7", 24, 2048)


def test_finch_of_flash_linear_attention() -> None:
    """Keys half as wide as values; a low rank and no size of heads."""
    own = dict(expand_k=0.5, expand_v=1.0, num_heads=4, hidden_ratio=3.5, proj_low_rank_dim=32, gate_low_rank_dim=64)
    spec = rwkv("rwkv6", 24, 2048, **own)
    m = spec.mixer
    assert m is not None
    assert (m.n_heads, m.d_key, m.d_value) == (4, 256, 512)
    d = 2048
    layer = 12 * d * d + 10 * 32 * d + 64 * (d + d // 2) + (8 + 2 + 1) * d
    assert total_params(spec) == 24 * (layer + 4 * d) + 4 * d + 2 * 65536 * d
    with pytest.raises(InputError, match="num_heads"):
        rwkv("rwkv6", 24, 2048, **(own | {"num_heads": 3}))


@pytest.mark.parametrize("own", [{"attn": {"layers": [1]}}, {"value_dim": [4096] * 24}, {"num_heads": 16}])
def test_layers_of_another_kind_are_refused(own: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(own)).replace("num_heads", "head_dim")):
        goose(24, 2048, 96, 96, 256, 64, **own)


def test_a_scan_outside_matrix_units_by_hand() -> None:
    """RWKV-7 token by token: 9 FLOPs a number of the state, 36 inner widths and a state of 4 bytes in every 16 tokens."""
    w = workload(goose(24, 2048, 96, 96, 256, 64), 4096)
    state, moved = 2048 * 64, 36 * 2048 + 2 * 2048 * 64 / 16
    assert scan_times(w, ideal(vector_time=1.0), 3.0)[0] == pytest.approx(3.0 * 9 * state)
    assert scan_times(w, ideal(bandwidth=1.0), 3.0) == pytest.approx((3.0 * 2 * moved, 2.5 * 3.0 * 2 * moved))
    assert scan_times(work_of("nemotron-3-nano"), ideal(vector_time=1e9), 1.0)[0] < 1e-6


def test_what_serving_holds_does_not_grow_with_the_context() -> None:
    spec = models.model("rwkv-7-7.2b")
    assert spec.mixer is not None
    assert spec.mixer.state_size == 64 * 64 * 64 + 2 * 4096
    held = [float(cached_bytes(cache_of(spec), context, 1.0, 2.0)) for context in (128.0, 1e6)]
    assert held == [4.0 * 32 * spec.mixer.state_size] * 2


def test_speeds_of_its_makers_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """RWKV-7 7.2B on 32 H100, RWKV-4 14B on 64 A100 and 1.5B on 8 (README.md of BlinkDL/RWKV-LM), which no constant saw."""
    monkeypatch.chdir(ROOT)
    with (ROOT / "examples" / "unseen-runs.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["source"] == "BlinkDL/RWKV-LM"]
    found = beside(rows, shipped_calibration())
    assert len(found) == 3
    assert all(abs(run.predicted / run.measured - 1) < 0.30 for run in found)
    assert all(run.low <= run.measured <= run.high for run in found)


MAMBA = ModelSpec(
    "mamba-1.4b", 48, 2048, 32000, 8192, None, models.model("mamba2-2.7b").ffn, norms_per_layer=1,
    mixer=Mixer("mamba", 48, n_heads=1, d_value=4096, d_key=16, conv=4, rank=128, conv_bias=True, inner_norm=False),
)  # fmt: skip


@pytest.mark.parametrize(("seq_len", "measured"), [(8192, 11941.12), (16384, 13811.72)])
def test_speed_of_the_first_mamba(seq_len: int, measured: float) -> None:
    """16,384 tokens a step on one A100: issue 32 of fla-org/flash-linear-attention, its default shape."""
    answer = cs.estimate(
        cs.Scenario(
            model=replace(MAMBA, seq_len=seq_len), tokens=1e9, device="a100-80", devices=1, batch=16384 // seq_len,
            stack="plain", precision="bf16", layout=cs.Layout(micro_batch=16384 // seq_len),
        )
    )  # fmt: skip
    assert answer.tokens_per_s_per_device == pytest.approx(measured, rel=0.15)


def test_a_device_whose_vector_rate_is_unknown_is_refused() -> None:
    assert models.model("rwkv-4-7b").mixer is not None
    assert vector_flops(MAMBA.mixer or Mixer("conv", 0, 1, 1)) == 26 * 4096 * 16
    with pytest.raises(InputError, match="outside matrix units"):
        cs.estimate(cs.Scenario(model="rwkv-4-7b", tokens=1e10, device="tpu-v5p", devices=8))

"""Activation bytes of a layer against Korthikanti et al. 2022 and their scalar/array agreement."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbonscaling.model import Attention, Experts, FeedForward, ModelSpec, from_config, model_card, paper_family_spec
from carbonscaling.perf.activations import kept_by_kind, kept_widths, layer_bytes
from carbonscaling.perf.build import workload
from carbonscaling.perf.numbers import Recompute
from counted import kept_by_hand

NONE, SELECTIVE, FULL = Recompute.NONE, Recompute.SELECTIVE, Recompute.FULL
HF = Path(__file__).parent / "data" / "hf"
SHAPES = [(2048, 4, 6144, 64), (2048, 1, 12288, 96), (2048, 1, 20480, 128), (2048, 1, 25600, 160)]  # table 3: 22B … 1T


def dense(
    s: Any, b: Any, h: Any, t: Any, sp: bool, r: float, f: float, gated: bool, flash: Any, n_heads: int, recompute: Any,
    dropout: int = 0,
) -> Any:  # fmt: skip
    """A dense layer whose heads together are as wide as the model; `r` key/value heads a query head, `f` = d_ff/h."""
    inner = h * (2.0 + 2.0 * r + f * (3.0 if gated else 2.0))
    return layer_bytes(s, b, h, t, sp, 4.0 * h, inner, n_heads, flash, recompute, dropout)


def of(spec: ModelSpec, s: int, b: int = 1, t: int = 1, sp: bool = False, imbalance: float = 1.0) -> float:
    work = workload(spec, s)
    kept = kept_widths(work, imbalance, t)
    return float(layer_bytes(s, b, spec.d_model, t, sp, kept.outer, kept.inner, work.n_heads, True, NONE))


def gpt(s: int, b: int, h: int, a: int, t: int, sp: bool, flash: bool, recompute: int) -> float:
    return float(dense(s, b, h, t, sp, 1, 4, False, flash, a, recompute, dropout=1))


@pytest.mark.parametrize(("s", "b", "h", "a"), SHAPES)
@pytest.mark.parametrize("t", [1, 2, 8])
def test_korthikanti_2022_table_2(s: int, b: int, h: int, a: int, t: int) -> None:
    sbh = s * b * h
    assert gpt(s, b, h, a, 1, False, False, NONE) == pytest.approx(sbh * (34 + 5 * a * s / h))  # eq. 1
    assert gpt(s, b, h, a, t, False, False, NONE) == pytest.approx(sbh * (10 + 24 / t + 5 * a * s / (h * t)))  # eq. 2
    assert gpt(s, b, h, a, t, True, False, NONE) == pytest.approx(sbh / t * (34 + 5 * a * s / h))  # eq. 4
    assert gpt(s, b, h, a, t, True, False, SELECTIVE) == pytest.approx(34 * sbh / t)  # eq. 6
    assert gpt(s, b, h, a, t, False, False, SELECTIVE) == pytest.approx(sbh * (10 + 24 / t))
    assert gpt(s, b, h, a, t, False, False, FULL) == 2 * sbh
    assert gpt(s, b, h, a, t, True, True, NONE) == gpt(s, b, h, a, t, True, False, SELECTIVE)


def test_gpt3_score_factor() -> None:
    """Korthikanti et al. 2022, section 5: 5as/h = 80 for GPT-3 and 64 for MT-NLG."""
    for (s, b, h, a), factor in {(2048, 1, 12288, 96): 80, (2048, 1, 20480, 128): 64}.items():
        extra = gpt(s, b, h, a, 1, False, False, NONE) - gpt(s, b, h, a, 1, False, True, NONE)
        assert extra / (s * b * h) == pytest.approx(factor)


@given(st.sampled_from([1, 2, 4, 8]), st.floats(0.05, 1), st.floats(0.5, 8))
def test_modern_dense_form(t: int, r: float, f: float) -> None:
    s, b, h = 4096, 2, 8192
    kept = float(dense(s, b, h, t, True, r, f, True, True, 64, NONE))
    assert kept == pytest.approx(s * b * h * (12 + 4 * r + 6 * f) / t)


def test_arrays_equal_scalars() -> None:
    b, t, code, flash = np.meshgrid([1, 2, 4], [1, 2, 8], [NONE, SELECTIVE, FULL], [False, True], indexing="ij")
    for sp in (False, True):
        got = dense(2048, b, 4096, t, sp, 0.25, 3.5, True, flash, 32, code)
        want = [
            float(dense(2048, int(x), 4096, int(y), sp, 0.25, 3.5, True, bool(w), 32, int(z)))
            for x, y, z, w in zip(b.flat, t.flat, code.flat, flash.flat, strict=True)
        ]
        assert np.asarray(got).ravel().tolist() == want


@given(st.sampled_from([1, 2, 4, 8]), st.booleans(), st.booleans(), st.integers(1, 8))
def test_more_recomputation_never_stores_more(t: int, sp: bool, flash: bool, b: int) -> None:
    stored = [float(dense(2048, b, 4096, t, sp, 1, 4, False, flash, 32, code)) for code in (0, 1, 2)]
    assert stored[0] >= stored[1] >= stored[2] > 0


@pytest.mark.parametrize("name", ["llama-3-8b", "mixtral-8x7b", "falcon-7b", "deepseek-v3"])
@pytest.mark.parametrize(("t", "sp"), [(1, False), (4, False), (4, True)])
def test_widths_are_those_of_the_tensors(name: str, t: int, sp: bool) -> None:
    spec = dataclasses.replace(from_config(HF / f"{name}.json"), n_mtp=0)
    kinds = {"dense": spec.n_dense_layers / spec.n_layers, "moe": spec.n_moe_layers / spec.n_layers}
    mean = sum(share * kept_by_hand(spec, 2048, 2, t, sp, kind == "moe") for kind, share in kinds.items())
    assert of(spec, 2048, 2, t, sp) == pytest.approx(mean)


def test_imbalance_counts_for_experts_alone() -> None:
    dense, moe = (from_config(HF / f"{name}.json") for name in ("llama-3-8b", "mixtral-8x7b"))
    assert of(dense, 8192, imbalance=1.2) == of(dense, 8192)
    more = 0.2 * 2 * 2 * (2 * 4096 + 3 * 14336)
    assert of(moe, 8192, imbalance=1.2) - of(moe, 8192) == pytest.approx(8192 * more)


def test_a_dense_layer_of_a_moe_and_latents() -> None:
    a, d, width = 128, 7168, 2 * (1536 + 512 + 64)
    heads = a * (192 + 128) * 2
    kept = kept_by_kind(workload(from_config(HF / "deepseek-v3.json"), 4096))
    assert kept == {
        "dense": 4096 * (2 * (4 * d + width) + 2 * (heads + 3 * 18432)),
        "moe": 4096 * (2 * (4 * d + width + 2 * 8 * d) + 2 * (heads + 3 * 9 * 2048)),
        "full recomputation": 4096 * 2 * 7168,
    }
    assert list(kept_by_kind(workload(from_config(HF / "llama-3-8b.json"), 1024))) == ["dense", "full recomputation"]


def test_parallel_block_and_paper_family_store_less() -> None:
    ffn, heads = FeedForward(256, False), Attention(4, 4, 16)
    serial = ModelSpec("s", 2, 64, 100, 32, heads, ffn)
    parallel = ModelSpec("p", 2, 64, 100, 32, heads, ffn, parallel_block=True)
    assert of(serial, 32) - of(parallel, 32) == 32 * 4 * 64
    paper = paper_family_spec(64, 256, 2, 1, 32)
    assert of(paper, 32) == 32 * (4 * 64 + 4 * 256)


def test_card() -> None:
    card = model_card(from_config(HF / "deepseek-v3.json"))
    assert card.total_params == 671_026_419_200 == card.params.total
    assert (card.kv_width, card.kv_cache_width) == (128 * (192 + 128), 512 + 64)
    assert card.training_flops_per_token["causal"] == pytest.approx(3 * card.forward_flops.total)
    experts = Experts(4, 1, 64)
    moe = ModelSpec("x", 2, 64, 100, 32, None, FeedForward(64, True), experts)
    assert model_card(moe).kv_width == 0

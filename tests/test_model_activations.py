"""Activation bytes against Korthikanti et al. 2022 and their scalar/array agreement."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbonscaling.model import Attention, Experts, FeedForward, ModelSpec, from_config, model_card, paper_family_spec
from carbonscaling.model.activations import FULL, NONE, SELECTIVE, dense_layer_bytes, moe_layer_bytes, spec_layer_bytes

HF = Path(__file__).parent / "data" / "hf"
SHAPES = [(2048, 4, 6144, 64), (2048, 1, 12288, 96), (2048, 1, 20480, 128), (2048, 1, 25600, 160)]  # table 3: 22B … 1T


def gpt(s: int, b: int, h: int, a: int, t: int, sp: bool, flash: bool, recompute: int) -> float:
    return float(dense_layer_bytes(s, b, h, t, sp, 1, 4, False, flash, a, recompute, dropout=1))


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


@given(st.sampled_from([1, 2, 4, 8]), st.floats(0.05, 1), st.floats(0.5, 8), st.integers(1, 8))
def test_modern_dense_and_moe_forms(t: int, r: float, f: float, k: int) -> None:
    s, b, h = 4096, 2, 8192
    dense = float(dense_layer_bytes(s, b, h, t, True, r, f, True, True, 64, NONE))
    assert dense == pytest.approx(s * b * h * (12 + 4 * r + 6 * f) / t)
    moe = float(moe_layer_bytes(s, b, h, t, True, r, f, k, 0.5, True, True, 64, NONE))
    assert moe == pytest.approx(s * b * h * (12 + 4 * r + 6 * (k * f + 0.5) + 4 * k) / t)


def test_arrays_equal_scalars() -> None:
    b, t, code, flash = np.meshgrid([1, 2, 4], [1, 2, 8], [NONE, SELECTIVE, FULL], [False, True], indexing="ij")
    for sp in (False, True):
        got = dense_layer_bytes(2048, b, 4096, t, sp, 0.25, 3.5, True, flash, 32, code)
        want = [
            float(dense_layer_bytes(2048, int(x), 4096, int(y), sp, 0.25, 3.5, True, bool(w), 32, int(z)))
            for x, y, z, w in zip(b.flat, t.flat, code.flat, flash.flat, strict=True)
        ]
        assert np.asarray(got).ravel().tolist() == want


@given(st.sampled_from([1, 2, 4, 8]), st.booleans(), st.booleans(), st.integers(1, 8))
def test_more_recomputation_never_stores_more(t: int, sp: bool, flash: bool, b: int) -> None:
    stored = [float(dense_layer_bytes(2048, b, 4096, t, sp, 1, 4, False, flash, 32, code)) for code in (0, 1, 2)]
    assert stored[0] >= stored[1] >= stored[2] > 0


def test_spec_form_equals_the_formula() -> None:
    spec = from_config(HF / "llama-3-8b.json")
    formula = dense_layer_bytes(8192, 2, 4096, 4, True, 8 / 32, 14336 / 4096, True, True, 32, NONE)
    assert float(spec_layer_bytes(spec, 8192, 2, 4, True)) == pytest.approx(float(formula))
    moe = from_config(HF / "mixtral-8x7b.json")
    formula = moe_layer_bytes(8192, 2, 4096, 4, True, 8 / 32, 14336 / 4096, 2, 0, True, True, 32, NONE, 1.2)
    assert float(spec_layer_bytes(moe, 8192, 2, 4, True, imbalance=1.2)) == pytest.approx(float(formula))


def test_dense_layer_of_a_moe_and_latents() -> None:
    spec = from_config(HF / "deepseek-v3.json")
    a, d, width = 128, 7168, 2 * (1536 + 512) + 64
    heads = a * (192 + 128) * 2
    dense = 4096 * (2 * (4 * d + width) + 2 * (heads + 3 * 18432))
    moe = 4096 * (2 * (4 * d + width + 2 * 8 * d) + 2 * (heads + 3 * 9 * 2048))
    assert float(spec_layer_bytes(spec, 4096, moe=False)) == dense
    assert float(spec_layer_bytes(spec, 4096)) == moe


def test_parallel_block_and_paper_family_store_less() -> None:
    ffn, heads = FeedForward(256, False), Attention(4, 4, 16)
    serial = ModelSpec("s", 2, 64, 100, 32, heads, ffn)
    parallel = ModelSpec("p", 2, 64, 100, 32, heads, ffn, parallel_block=True)
    assert float(spec_layer_bytes(serial, 32)) - float(spec_layer_bytes(parallel, 32)) == 32 * 4 * 64
    paper = paper_family_spec(64, 256, 2, 1, 32)
    assert float(spec_layer_bytes(paper, 32)) == 32 * (4 * 64 + 4 * 256)


def test_card() -> None:
    card = model_card(from_config(HF / "deepseek-v3.json"))
    assert card.total_params == 671_026_419_200 == card.params.total
    assert set(card.activation_bytes) == {"dense", "moe", "full recomputation"}
    assert card.activation_bytes["full recomputation"] == 4096 * 2 * 7168
    assert (card.kv_width, card.kv_cache_width) == (128 * (192 + 128), 512 + 64)
    assert card.training_flops_per_token["causal"] == pytest.approx(3 * card.forward_flops.total)
    assert list(model_card(from_config(HF / "llama-3-8b.json"), 1024).activation_bytes) == [
        "dense",
        "full recomputation",
    ]
    experts = Experts(4, 1, 64)
    moe = ModelSpec("x", 2, 64, 100, 32, None, FeedForward(64, True), experts)
    assert model_card(moe).kv_width == 0

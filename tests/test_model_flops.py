"""FLOPs per token against the formulas and figures of the papers."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbonscaling.catalog.models import model
from carbonscaling.errors import InputError
from carbonscaling.model import (
    active_params,
    attention_span,
    forward_flops,
    from_config,
    hardware_flops_per_token,
    paper_family_spec,
    total_params,
    training_flops_per_token,
)
from carbonscaling.model.flops import mean_keys

HF = Path(__file__).parent / "data" / "hf"


@pytest.mark.parametrize("name", ["megatron-1.7b", "megatron-39.1b", "megatron-145.6b", "megatron-1008b"])
def test_narayanan_2021_equation_3(name: str) -> None:
    spec = model(name)
    n_layers, h, s, v = spec.n_layers, spec.d_model, spec.seq_len, spec.vocab_size
    printed = 96 * s * n_layers * h**2 * (1 + s / (6 * h) + v / (16 * n_layers * h))  # B = 1
    assert hardware_flops_per_token(spec) * s == pytest.approx(printed, rel=1e-12)
    # eq. (7) of Korthikanti et al. 2022: the same without recomputation, 72 for 96
    model_flops = 72 * s * n_layers * h**2 * (1 + s / (6 * h) + v / (12 * n_layers * h))
    assert training_flops_per_token(spec, convention="full") * s == pytest.approx(model_flops, rel=1e-12)


def test_palm_appendix_b() -> None:
    """6N + 12·L·H·Q·T, N including the (tied) embedding that serves as the head; norms hold the rest of N."""
    spec = model("palm-540b")
    printed = 6 * total_params(spec) + 12 * 118 * 48 * 256 * 2048
    assert training_flops_per_token(spec, convention="full") == pytest.approx(printed, rel=1e-4)


@pytest.mark.parametrize(
    ("name", "printed"),  # GFLOPs a token at 4096, DeepSeek-V3 Insights (arXiv 2505.09343), table 2; from memory
    [("deepseek-v3", 250), ("deepseek-v2", 155)],
)
def test_deepseek_insights_table_2(name: str, printed: int) -> None:
    spec = from_config(HF / f"{name}.json")
    assert round(training_flops_per_token(spec, 4096, mtp=False) / 1e9) == printed


def test_llama_405b_in_insights_table_2() -> None:
    spec = from_config(HF / "llama-3.1-405b.json")
    assert training_flops_per_token(spec, 4096) / 1e9 == pytest.approx(2448, rel=0.011)


def test_llama_405b_whole_training() -> None:
    """Llama 3 (arXiv 2407.21783), section 3.2: 3.8e25 FLOP on 15.6T tokens, "6N"."""
    spec = from_config(HF / "llama-3.1-405b.json")
    assert training_flops_per_token(spec, convention="6N") * 15.6e12 == pytest.approx(3.8e25, rel=0.005)


def test_paper_family_compute_is_6nd_over_e() -> None:
    spec = paper_family_spec(12288, 49152, 189, 8, 2048)
    n = total_params(spec)
    assert 3 * forward_flops(spec).total == 6 * n / 8 == training_flops_per_token(spec, convention="6N")


@pytest.mark.parametrize("path", sorted(HF.glob("*.json")), ids=lambda p: p.stem)
def test_parts_and_conventions(path: Path) -> None:
    spec = from_config(path)
    causal, full = forward_flops(spec, 2048), forward_flops(spec, 2048, causal=False)
    assert causal.total == pytest.approx(sum(getattr(causal, f.name) for f in fields(causal)))
    assert causal.scores < full.scores <= 2 * causal.scores * (1 + 1e-12)
    assert causal.layers + causal.logits + causal.mtp == pytest.approx(causal.total)
    # every matrix weight works once a token: without scores, 2 FLOPs for each active parameter but the input tables
    matrices = causal.total - causal.scores - causal.mtp
    inputs = 0 if spec.tied_embeddings else spec.vocab_size * spec.d_model
    assert matrices == pytest.approx(2 * (active_params(spec) - inputs - spec.n_positions * spec.d_model), rel=3e-3)
    hardware = hardware_flops_per_token(spec, 2048, "causal", recomputed=0.0)
    assert hardware == pytest.approx(training_flops_per_token(spec, 2048))


@given(st.floats(1, 1e6), st.floats(1, 1e6))
def test_mean_keys(s: float, w: float) -> None:
    full, causal = float(mean_keys(s, w, False)), float(mean_keys(s, w, True))
    assert full == min(s, w)
    assert full / 2 <= causal * (1 + 1e-12)
    assert causal <= full
    assert float(mean_keys(s, s, True)) == pytest.approx(s / 2)


def test_mean_keys_is_the_count_up_to_half_a_key() -> None:
    s, w = 512, 96
    exact = np.mean([min(i + 1, w) for i in range(s)])
    assert float(mean_keys(s, w, True)) == pytest.approx(exact, abs=0.5)


def test_span_over_mixed_layers_and_arrays() -> None:
    spec = from_config(HF / "gpt-oss-20b.json")
    s = np.array([64.0, 1024.0, 4096.0])
    span = attention_span(spec, s, causal=False)
    assert span == pytest.approx((s + np.minimum(s, 128)) / 2)
    assert [float(attention_span(spec, x, causal=False)) for x in s] == np.asarray(span).tolist()
    assert attention_span(spec, None, False) == attention_span(spec, spec.seq_len, False)


def test_mtp_costs_a_layer_and_a_head() -> None:
    spec = from_config(HF / "deepseek-v3.json")
    with_mtp, without = training_flops_per_token(spec), training_flops_per_token(replace(spec, n_mtp=0))
    assert without == training_flops_per_token(spec, mtp=False)
    assert 0.01 < with_mtp / without - 1 < 0.05


def test_unknown_convention() -> None:
    with pytest.raises(InputError, match="did you mean: causal"):
        training_flops_per_token(model("palm-8b"), convention="casual")  # type: ignore[arg-type]

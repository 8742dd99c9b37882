"""Architectures made from a law's answer."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carbonscaling.errors import InputError
from carbonscaling.model import paper_family_spec, spec_for_params, total_params


@given(st.floats(8.5, 13))
@settings(max_examples=40)
def test_dense_within_three_percent(log_n: float) -> None:
    n = 10**log_n
    spec = spec_for_params(n)
    assert total_params(spec) == pytest.approx(n, rel=0.03)
    assert spec.attention is not None
    assert spec.attention.head_dim == 128
    assert spec.attention.n_heads * 128 == spec.d_model
    assert spec.ffn.gated
    assert 2 <= spec.ffn.d_ff / spec.d_model <= 5
    assert spec.ffn.d_ff % 64 == 0


@pytest.mark.parametrize("n", [8e9, 70e9, 405e9])
def test_shape_is_llama_like(n: float) -> None:
    spec = spec_for_params(n)
    assert spec.attention is not None
    assert spec.attention.n_kv_heads == 8
    assert spec.d_model / spec.n_layers == pytest.approx(128, rel=0.15)


@given(st.floats(7.4, 9))
def test_small_models_with_a_small_vocabulary(log_n: float) -> None:
    assert total_params(spec_for_params(10**log_n, 32000, 2048)) == pytest.approx(10**log_n, rel=0.03)


@pytest.mark.parametrize("n", [1e6, -1.0, 0.0, float("nan"), float("inf")])
def test_impossible_sizes(n: float) -> None:
    with pytest.raises(InputError) as error:
        spec_for_params(n)
    assert error.value.key == "n_params"


def test_paper_sizes() -> None:
    """v2: 0.75B at d=1536 and 24,547B at d=24576; L = 0.1618·d^0.75, E = d/1536 (rulings R1, R6)."""
    small = paper_family_spec(1536, 4 * 1536, round(0.1618 * 1536**0.75), 1, 2048)
    large = paper_family_spec(24576, 4 * 24576, round(0.1618 * 24576**0.75), 16, 2048)
    assert total_params(small) == pytest.approx(0.75e9, rel=0.01)
    assert total_params(large) == pytest.approx(24_547e9, rel=0.005)
    assert small.experts is None
    assert large.experts is not None
    assert large.experts.top_k == 1


@pytest.mark.parametrize("n_experts", [0, -1, 1.5])
def test_paper_family_needs_experts(n_experts: float) -> None:
    with pytest.raises(InputError, match="at least one expert"):
        paper_family_spec(64, 256, 2, n_experts, 32)  # type: ignore[arg-type]

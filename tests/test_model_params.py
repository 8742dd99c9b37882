"""Parameter counts: parts, totals, active, the papers' family."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbonscaling.errors import InputError
from carbonscaling.model import (
    Attention,
    Experts,
    FeedForward,
    ModelSpec,
    active_params,
    from_config,
    mtp_params,
    paper_family_spec,
    parameter_count,
    total_params,
)
from carbonscaling.model.params import attention_params, ffn_params, mla_params

HF = Path(__file__).parent / "data" / "hf"

HEADLINES = {  # printed figures: Llama 3 (arXiv 2407.21783), Mixtral (2401.04088), DeepSeek-V3 (2412.19437)
    "llama-3.1-405b": 405.85e9,
    "llama-3-8b": 8.03e9,
    "mixtral-8x7b": 46.70e9,
    "deepseek-v3": 671.03e9,
}


@pytest.mark.parametrize(("name", "published"), HEADLINES.items())
def test_headline_totals_within_a_thousandth(name: str, published: float) -> None:
    assert total_params(from_config(HF / f"{name}.json")) == pytest.approx(published, rel=1e-3)


@pytest.mark.parametrize(("name", "published", "rel"), [("mixtral-8x7b", 12.88e9, 1e-3), ("deepseek-v3", 37.5e9, 0.02)])
def test_headline_active(name: str, published: float, rel: float) -> None:
    assert active_params(from_config(HF / f"{name}.json")) == pytest.approx(published, rel=rel)


@pytest.mark.parametrize("path", sorted(HF.glob("*.json")), ids=lambda p: p.stem)
def test_parts_add_up(path: Path) -> None:
    spec = from_config(path)
    count = parameter_count(spec)
    assert count.total == sum(getattr(count, f.name) for f in fields(count)) == total_params(spec)
    assert all(getattr(count, f.name) >= 0 for f in fields(count))
    assert active_params(spec) <= count.total


def test_deepseek_v3_by_part() -> None:
    count = parameter_count(from_config(HF / "deepseek-v3.json"))
    expert = 3 * 7168 * 2048
    assert count.routed_experts == 58 * 256 * expert
    assert count.shared_experts == 58 * expert
    assert count.router == 58 * 256 * (7168 + 1)
    assert count.ffn == 3 * 3 * 7168 * 18432
    assert count.embedding == count.head == 129280 * 7168
    assert count.attention == 61 * 187_107_328


def test_mtp_module_is_separate() -> None:
    spec = from_config(HF / "deepseek-v3.json")
    assert spec.n_mtp == 1
    without = replace(spec, n_mtp=0)
    assert total_params(spec) == total_params(without)
    assert mtp_params(without) == 0
    # DeepSeek's repository states 14B for the module with its copies of embedding and head: 685B in all
    assert mtp_params(spec) + 2 * 129280 * 7168 == pytest.approx(13.5e9, rel=0.01)


def test_small_formulas() -> None:
    assert ffn_params(8, 32, 2) == 512
    assert ffn_params(8, 32, 2, bias=1) == 512 + 32 + 8
    assert ffn_params(8, 32, 3, bias=1) == 768 + 64 + 8
    assert attention_params(8, 2, 2, 4, 4) == 4 * 64
    full_rank_queries = mla_params(16, 2, 4, 2, 4, None, 8)
    assert full_rank_queries == 16 * 12 + 16 * 10 + 8 + 8 * 16 + 8 * 16


@given(st.integers(1, 64), st.integers(1, 256), st.integers(1, 32), st.integers(1, 16))
def test_paper_family_counts_ffn_only(d: int, d_ff: int, n_layers: int, n_experts: int) -> None:
    spec = paper_family_spec(d, d_ff, n_layers, n_experts, 2048)
    assert spec.ffn_only
    assert total_params(spec) == 2 * d * d_ff * n_layers * n_experts
    assert active_params(spec) == 2 * d * d_ff * n_layers


@given(
    st.integers(1, 8),
    st.sampled_from([8, 16, 32]),
    st.integers(1, 12),
    st.integers(1, 12),
    st.integers(0, 8),
    st.booleans(),
)
def test_active_is_total_of_the_visited_model(
    n_layers: int, d: int, n_routed: int, top_k: int, n_dense: int, gated: bool
) -> None:
    top_k, n_dense = min(top_k, n_routed), min(n_dense, n_layers)
    experts = Experts(n_routed, top_k, 4 * d, d_ff_shared=d, n_dense_layers=n_dense, gated=gated)
    spec = ModelSpec("x", n_layers, d, 100, 16, Attention(4, 2, d // 4), FeedForward(4 * d, gated), experts)
    visited = replace(spec, experts=replace(experts, n_routed=top_k))
    router = (n_layers - n_dense) * (n_routed - top_k) * d
    assert active_params(spec) == total_params(visited) + router


BAD: list[tuple[dict[str, object], str]] = [
    ({"n_layers": 0}, "n_layers"),
    ({"d_model": 3.5}, "d_model"),
    ({"vocab_size": -1}, "vocab_size"),
    ({"norm": "batchnorm"}, "norm"),
    ({"attention": Attention(8, 8, 8, window=4, n_window_layers=9)}, "n_window_layers"),
    ({"experts": Experts(8, 2, 8, n_dense_layers=9)}, "n_dense_layers"),
]


@pytest.mark.parametrize(("change", "key"), BAD)
def test_impossible_models_are_refused(change: dict[str, object], key: str) -> None:
    spec = ModelSpec("x", 8, 64, 100, 16, Attention(8, 8, 8), FeedForward(256, True))
    with pytest.raises(InputError) as error:
        replace(spec, **change)  # type: ignore[arg-type]
    assert error.value.key == key


def test_impossible_parts_are_refused() -> None:
    with pytest.raises(InputError, match="divisor of n_heads = 8"):
        Attention(8, 3, 8)
    with pytest.raises(InputError, match="window"):
        Attention(8, 8, 8, n_window_layers=2)
    with pytest.raises(InputError, match="1 to n_routed = 4"):
        Experts(4, 5, 8)
    with pytest.raises(InputError, match="d_ff"):
        FeedForward(0, True)
    with pytest.raises(InputError, match="did you mean: head"):
        Attention(8, 8, 8, qk_norm="heads")  # type: ignore[arg-type]

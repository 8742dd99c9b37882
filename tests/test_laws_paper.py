"""The papers' family against the sizes that the papers print."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carbonscaling.catalog.laws import paper_family
from carbonscaling.errors import InputError
from carbonscaling.laws import PaperFamily

V1, V2 = paper_family("v1"), paper_family("v2")
WIDTHS = st.floats(200, 2e6)


@pytest.mark.parametrize(("d_model", "billions"), [(1536, 0.75), (24576, 24547.0)])
def test_v2_sizes(d_model: int, billions: float) -> None:
    assert V2.exact(d_model).n_params / 1e9 == pytest.approx(billions, rel=0.005)


def test_v2_sizes_follow_from_the_exact_reading_only() -> None:
    # Whole layers move the smallest member to 0.755 billion and the largest to 24,584 billion.
    assert V2.integer(1536).n_params == 754_974_720
    assert V2.integer(24576).n_params == 24_584_392_802_304
    assert V2.integer(1536).n_params / 0.75e9 - 1 > 0.005


@pytest.mark.parametrize(("d_model", "exponent"), [(6144, 11), (98304, 15)])
def test_v1_sizes(d_model: int, exponent: int) -> None:
    for family in (V1.exact(d_model), V1.integer(d_model)):
        assert int(np.log10(family.n_params)) == exponent


def test_gpt_4_like_reference() -> None:
    member = V1.integer(12288)
    assert (member.n_experts, member.d_ff) == (8, 49152)
    assert member.n_params == pytest.approx(1.8e12, rel=0.02)


def test_limits_study_gives_what_the_formula_gives() -> None:
    assert V1.exact(1_572_864).n_params == pytest.approx(1.5e20, rel=0.03)  # the paper says 1e16
    assert V1.integer(1_572_864).n_params == 2 * 1_572_864 * 4 * 1_572_864 * 7186 * 1024


def test_printed_layer_coefficient_fits_no_printed_size() -> None:
    printed = paper_family("v2", layers="printed")
    assert printed.exact(1536).n_params == pytest.approx(1.86e9, rel=0.005)
    assert printed.exact(24576).n_params / V2.exact(24576).n_params == pytest.approx(0.402 / 0.1618)


def test_losses() -> None:
    member = V1.exact(12288.0)
    n = member.n_params
    assert member.loss == pytest.approx((n / 1e13) ** -0.34 + (2 * n / 1e12) ** -0.28 + 0.1)
    dense, moe = V2.exact(1536.0), V2.exact(6144.0)
    assert dense.loss == pytest.approx(0.47 + 16.3 / dense.n_params**0.126 + 26.7 / dense.n_tokens**0.127)
    assert moe.loss == pytest.approx(0.47 + (2.1 + 18.1) / moe.n_params**0.115 + 30.8 / moe.n_tokens**0.147)


def test_small_members_of_v2_are_dense() -> None:
    assert V2.exact(1850).n_experts == 1.0
    assert V1.exact(1850).n_experts == pytest.approx(1850 / 1536)
    assert V2.exact(1900).n_experts == pytest.approx(1900 / 1536)
    assert V2.integer(2048).n_experts == 1
    assert V1.exact(768).n_experts == 1.0


@pytest.mark.parametrize("family", [V1, V2])
@given(d_model=WIDTHS)
def test_definitions(family: PaperFamily, d_model: float) -> None:
    member = family.exact(d_model)
    assert member.d_ff == 4 * d_model
    assert member.n_params == pytest.approx(2 * d_model * member.d_ff * member.n_layers * member.n_experts)
    assert member.n_tokens == pytest.approx(20 * member.n_params)
    assert member.compute == pytest.approx(6 * member.n_active * member.n_tokens)
    assert member.batch == pytest.approx(2048 * member.n_experts**0.5 * (member.compute / 3e23) ** (1 / 6))
    assert member.loss == pytest.approx(family.loss(member.n_params, member.n_tokens)) or 1 < member.n_experts < 1.3


@given(d_model=st.integers(200, 200_000), seq_len=st.sampled_from((2048, 4096, 8192)))
def test_real_runs_are_whole(d_model: int, seq_len: int) -> None:
    family = paper_family("v2", seq_len=seq_len)
    run, exact = family.integer(d_model), family.exact(d_model)
    for name in ("d_model", "d_ff", "n_experts", "n_layers", "n_params", "n_active", "n_tokens", "batch"):
        assert isinstance(getattr(run, name), int)
        assert getattr(run, name) >= 1
    assert abs(run.n_layers - exact.n_layers) <= 0.5 or exact.n_layers < 1
    assert abs(run.n_experts - exact.n_experts) <= 0.5
    assert run.n_params == 2 * run.d_model * run.d_ff * run.n_layers * run.n_experts
    law = family.batch_law.sequences(run.compute, run.n_experts, seq_len)
    assert abs(run.batch / law - 1) <= 0.05 or law < 10
    assert run.batch % 2 ** int(np.log2(max(1.0, 0.1 * law))) == 0


@settings(max_examples=12, deadline=None)
@given(d_model=WIDTHS)
def test_widths_are_found_again(d_model: float) -> None:
    for family in (V1, V2):
        member = family.exact(d_model)
        assert family.width_for_compute(member.compute) == pytest.approx(d_model, rel=1e-9)
    assert V1.width_for_loss(V1.exact(d_model).loss) == pytest.approx(d_model, rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(loss=st.floats(0.8, 4.0))
def test_v2_takes_the_smallest_width_that_reaches_a_loss(loss: float) -> None:
    width = float(V2.width_for_loss(loss))
    assert V2.exact(width).loss <= loss
    assert np.all(V2.exact(np.linspace(0.5, 1 - 1e-9, 200) * width).loss > loss)


def test_v2_loss_jumps_where_members_stop_being_dense() -> None:
    dense, step = 1.0, 1e5  # the width at which they stop, by halves
    for _ in range(80):
        middle = 0.5 * (dense + step)
        dense, step = (middle, step) if V2.exact(middle).n_experts == 1.0 else (dense, middle)
    assert V2.exact(dense).n_params == pytest.approx(1.31e9, rel=0.01)
    assert V2.exact(step).n_params > 1.6e9
    assert V2.exact(step).loss > V2.exact(step * (1 - 1e-9)).loss
    gap = V2.width_for_loss(3.0)
    assert gap < step
    assert V2.exact(gap).n_experts == 1.0


@pytest.mark.parametrize("family", [V1, V2])
def test_arrays_give_what_floats_give(family: PaperFamily) -> None:
    widths = np.array([700.0, 1536.0, 1850.0, 6144.0, 98304.0])
    many = family.exact(widths)
    for name in ("n_experts", "n_layers", "n_params", "n_tokens", "compute", "batch", "loss"):
        one_by_one = [getattr(family.exact(float(d)), name) for d in widths]
        np.testing.assert_allclose(getattr(many, name), one_by_one, rtol=1e-14)
    np.testing.assert_allclose(family.width_for_compute(many.compute), widths, rtol=1e-9)


def test_longer_sequences_make_smaller_batches() -> None:
    assert paper_family("v1", seq_len=4096).exact(6144).batch == pytest.approx(V1.exact(6144).batch / 2)
    assert paper_family("v1", batch="aggressive").exact(24576).batch > V1.exact(24576).batch


def test_errors_name_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean: v2"):
        paper_family("V2")
    with pytest.raises(InputError, match="allowed: refit, printed"):
        paper_family("v1", layers="0.402")
    with pytest.raises(InputError, match="whole width"):
        V1.integer(1536.5)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="too large or too small"):
        V1.width_for_compute(0.1)
    with pytest.raises(InputError, match="positive"):
        V1.width_for_compute(-1.0)

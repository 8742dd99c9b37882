"""The critical batch: its anchor (R3) and how it becomes a whole number (R6)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbonscaling.catalog.laws import batch_names, critical_batch_law
from carbonscaling.errors import InputError
from carbonscaling.laws import round_batch


@pytest.mark.parametrize("name", ["chinchilla", "aggressive"])
def test_both_laws_share_the_anchor(name: str) -> None:
    batch = critical_batch_law(name)
    assert batch.sequences(3e23) == pytest.approx(2048)
    assert batch.sequences(3e23) * 2048 == pytest.approx(4.2e6, rel=0.002)
    assert batch.sequences(3e23, seq_len=4096) == pytest.approx(1024)
    assert batch.sequences(3e23, n_experts=4) == pytest.approx(4096)


def test_exponents() -> None:
    assert batch_names() == ("chinchilla", "aggressive")
    assert critical_batch_law().sequences(64 * 3e23) == pytest.approx(2 * 2048)
    assert critical_batch_law("aggressive").sequences(1e3 * 3e23) == pytest.approx(10**0.99 * 2048)


def test_arrays_give_what_floats_give() -> None:
    budgets = np.geomspace(1e18, 1e30, 5)
    many = np.asarray(critical_batch_law().sequences(budgets, np.arange(1.0, 6.0)))
    assert many.tolist() == [critical_batch_law().sequences(float(c), i + 1.0) for i, c in enumerate(budgets)]


@given(st.floats(10, 1e9), st.sampled_from((0.01, 0.05, 0.2)))
def test_whole_batches_are_near_and_divisible(batch: float, tolerance: float) -> None:
    whole = round_batch(batch, tolerance)
    if batch * tolerance >= 0.5:
        assert abs(whole / batch - 1) <= tolerance
    power = 1
    while 2 * power <= 2 * tolerance * batch:
        power *= 2
    assert whole % power == 0
    assert whole >= 1


@given(st.floats(1e-6, 10))
def test_small_batches_are_at_least_one(batch: float) -> None:
    assert round_batch(batch) == max(1, int(np.floor(batch + 0.5)))


@given(st.integers(4, 40))
def test_powers_of_two_stay(k: int) -> None:
    assert round_batch(2.0**k) == 2**k


@pytest.mark.parametrize("bad", [0.0, -3.0, float("nan")])
def test_bad_batches_are_refused(bad: float) -> None:
    with pytest.raises(InputError):
        round_batch(bad)
    with pytest.raises(InputError):
        critical_batch_law().sequences(bad)
    with pytest.raises(InputError):
        round_batch(100.0, tolerance=bad)
    with pytest.raises(InputError, match="did you mean: aggressive"):
        critical_batch_law("agressive")

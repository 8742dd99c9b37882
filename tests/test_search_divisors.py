"""Divisors of any whole number that a formula may hold, exact and within a second."""

from __future__ import annotations

import math

import pytest

import carbonscaling as cs
from carbonscaling.search.divisors import MOST_WHOLE, divides, divisors


def test_all_small_numbers() -> None:
    for n in range(1, 2000):
        assert divisors(n) == [d for d in range(1, n + 1) if n % d == 0]


@pytest.mark.parametrize(
    ("n", "count"),
    [
        (2**53, 54),
        (2**53 - 111, 2),  # the largest prime below
        (94_906_249**2, 3),  # the square of a prime, just below
        (math.prod((2**8, 3**3, 5**2, 7**2, 11, 13, 17, 19, 23, 29, 31)), 9 * 4 * 3 * 3 * 2**7),
        ((1 << 16) + 1, 2),
        ((1 << 16) ** 2, 33),
    ],
)
def test_large_numbers(n: int, count: int) -> None:
    found = divisors(n)
    assert len(found) == len(set(found)) == count
    assert found == sorted(found)
    assert all(n % d == 0 and divides(float(d), float(n)) for d in found)
    assert [n // d for d in reversed(found)] == found


def test_a_batch_beyond_exact_numbers_is_refused() -> None:
    """Beyond, a formula would find that numbers divide evenly which do not."""
    assert divides(2.0, float(MOST_WHOLE + 1))  # wrongly: 2**53 + 1 is odd
    with pytest.raises(cs.InputError, match="9,007,199,254,740,992"):
        cs.Scenario(model="llama-3-8b", batch=MOST_WHOLE + 1)
    assert cs.Scenario(model="llama-3-8b", batch=MOST_WHOLE).batch == MOST_WHOLE


@pytest.mark.parametrize("key", ["devices", "tokens", "pue", "max_devices", "start_hour"])
def test_a_boolean_is_no_number(key: str) -> None:
    fields: dict[str, bool] = {key: True}
    with pytest.raises(cs.InputError, match=f"{key} cannot be True or False"):
        cs.Scenario(**fields)  # type: ignore[arg-type]


def test_a_boolean_is_no_degree_and_no_share() -> None:
    with pytest.raises(cs.InputError, match="tp cannot be True or False"):
        cs.Scenario(layout=cs.Layout(tp=True))
    assert cs.Scenario(flash=True, shared_hosts=True, layout=cs.Layout(sequence_parallel=False)).flash

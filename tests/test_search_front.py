"""The front equals what comparing every candidate with every other leaves."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from carbonscaling.perf.numbers import Setting
from carbonscaling.search.front import pareto
from carbonscaling.search.result import Candidate

FEW = st.integers(1, 6)


def _point(c: Candidate) -> tuple[float, ...]:
    return c.duration_s, c.n_devices, c.carbon_kg, c.cost_usd


@given(st.lists(st.tuples(FEW, FEW, FEW), max_size=30), st.sampled_from([0.0, 1.0, 2.5]))
def test_the_front_is_what_no_other_beats(drawn: list[tuple[int, int, int]], price: float) -> None:
    """Few values, so that many tie; a price an hour and device, or none."""
    one = Setting(*(1.0 for _ in Setting._fields))
    every = [Candidate(one._replace(dp=n), 1.0, t, c, price * n * t) for n, t, c in drawn]
    kept = [
        a for a in every
        if not any(all(x <= y for x, y in zip(_point(b), _point(a), strict=True)) and _point(b) != _point(a) for b in every)
    ]  # fmt: skip
    found = pareto(every)
    assert sorted(map(_point, found)) == sorted(map(_point, kept))
    assert [c.n_devices for c in found] == sorted(c.n_devices for c in found)
    assert bool(found) == bool(every)


def test_a_front_of_tens_of_thousands_is_found_at_once() -> None:
    """Where carbon falls with the hours a run meets, thousands of settings of one count are on it: no pair is compared."""
    one = Setting(*(1.0 for _ in Setting._fields))
    every = [Candidate(one, 1.0, 1.0 + i, 1e6 - i, 1.0 + i) for i in range(50_000)]
    assert pareto(every) == every

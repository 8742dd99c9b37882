"""The front equals what comparing every candidate with every other leaves."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from carbonscaling.perf.numbers import Setting
from carbonscaling.search.front import Stairs, pareto
from carbonscaling.search.objectives import Outcome
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


def test_stairs_are_the_settings_that_emit_less_than_all_quicker_ones() -> None:
    """Taken in by parts and sorted by many, as one by one; few values, so that many tie."""
    rng, stairs = np.random.default_rng(1), Stairs()
    count, time, carbon = (rng.integers(1, most, 6000).astype(float) for most in (9, 400, 400))
    index, step = np.arange(6000), rng.random(6000)
    for some in np.array_split(index, 37):
        stairs.add(count[some], Outcome(time[some], carbon[some], 0.0, 0.0), index[some], step[some])
    least: dict[float, float] = {}
    want = []
    for i in sorted(index, key=lambda i: (count[i], time[i], carbon[i], i)):
        if carbon[i] < least.get(count[i], np.inf):
            least[count[i]] = carbon[i]
            want.append((count[i], time[i], i, carbon[i], step[i]))
    assert stairs.table.T.tolist() == [list(map(float, row)) for row in want]
    counts = np.arange(11.0)
    assert stairs.least(counts).tolist() == [least.get(n, np.inf) for n in counts]

"""The front equals what comparing every candidate with every other leaves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbonscaling.perf.numbers import Setting
from carbonscaling.search import rounds
from carbonscaling.search.engine import search
from carbonscaling.search.front import Stairs, pareto
from carbonscaling.search.objectives import OBJECTIVES, Outcome
from carbonscaling.search.result import Candidate, Question
from carbonscaling.search.space import Space
from samples import machine_of, work_of

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


@pytest.mark.parametrize("objective", sorted(OBJECTIVES))
@pytest.mark.parametrize("growth", [-0.6, 1.0])
def test_the_front_is_whole_whatever_a_search_leaves_out(
    objective: str, growth: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where more devices emit less, slower runs on more of them are on it; what breaks a limit keeps nothing off it."""

    def outcome(s: Any, step: Any) -> Outcome:
        n = s.n_devices * 1.0
        return Outcome(step * 1e5, n**growth * step, n * step, step**0.1 / n)

    def ask(prune: bool, *limits: tuple[str, float]) -> tuple[list[Candidate], int]:
        question = Question(
            work_of("llama-3-8b"),
            machine_of("h100-sxm"),
            (96,),
            outcome,
            objective,
            (1, 768),
            limits=limits,
            host_devices=8,
        )
        found = search(question, Space(vpp=(1, 2), micro_batch=(1, 2)), front=True, prune=prune)
        return found.front, found.n_fit

    monkeypatch.setattr(rounds, "FIRST_ROUND", 1000)
    whole, n_fit = ask(False)
    assert len(whole) > 5
    front, n_looked_at = ask(True)
    assert front == whole
    assert n_looked_at < 0.8 * n_fit
    for barred in whole[2::3]:
        limit = "energy_j", barred.energy_j * (1.0 - 1e-9)
        front, _ = ask(False, limit)
        assert barred not in front
        assert ask(True, limit)[0] == front

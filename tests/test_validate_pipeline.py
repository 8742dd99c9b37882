"""Bubble formulas against schedules played out event by event."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbonscaling.perf.numbers import Schedule
from carbonscaling.perf.pipeline import bubble_time, layers_in_flight
from carbonscaling.validate.parts.schedule import Task, interleaved_order, play, zero_bubble_order

TIMES = st.floats(0.25, 4.0)


def _idle(played: float, n_micro: int, *passes: float) -> float:
    return played - n_micro * sum(passes)


@given(st.sampled_from([1, 2, 3, 4, 7, 8]), st.integers(1, 4), TIMES, TIMES)
def test_1f1b(pp: int, rounds: int, forward: float, backward: float) -> None:
    """(p-1)(F+B), whatever F and B are."""
    n_micro = pp * rounds
    played = play(interleaved_order(pp, 1, n_micro), {"forward": forward, "backward": backward})
    expected = bubble_time(pp, 1, forward, backward, 0.0, Schedule.ONE_F_ONE_B)
    assert _idle(played, n_micro, forward, backward) == pytest.approx(float(expected), abs=1e-9)


@pytest.mark.parametrize(("pp", "n_micro"), [(8, 3), (4, 1), (16, 5)])
def test_1f1b_with_fewer_micro_batches_than_stages(pp: int, n_micro: int) -> None:
    played = play(interleaved_order(pp, 1, n_micro), {"forward": 1.0, "backward": 2.0})
    assert _idle(played, n_micro, 1.0, 2.0) == float(bubble_time(pp, 1, 1.0, 2.0, 0.0, Schedule.ONE_F_ONE_B))


@given(st.sampled_from([2, 3, 4, 8]), st.integers(1, 4), st.integers(1, 4), TIMES, TIMES, st.floats(1.0, 3.0))
def test_a_longer_last_stage_waits_for_the_others(
    pp: int, vpp: int, rounds: int, forward: float, backward: float, longer: float
) -> None:
    """One pass of a micro-batch through a chunk of each of the others: (p-1)/v·(F+B) of theirs, not of its own."""
    n_micro = pp * rounds
    length = [1.0] * (pp - 1) + [longer]
    played = play(interleaved_order(pp, vpp, n_micro), {"forward": forward / vpp, "backward": backward / vpp}, length)
    expected = bubble_time(pp, vpp, forward, backward, 0.0, Schedule.ONE_F_ONE_B)
    assert _idle(played, n_micro, longer * forward, longer * backward) == pytest.approx(float(expected), abs=1e-9)


@given(st.sampled_from([2, 3, 4, 8]), st.integers(2, 5), st.integers(1, 4), TIMES, TIMES)
def test_interleaved(pp: int, vpp: int, rounds: int, forward: float, backward: float) -> None:
    """(p-1)/v·(F+B)."""
    n_micro = pp * rounds
    played = play(interleaved_order(pp, vpp, n_micro), {"forward": forward / vpp, "backward": backward / vpp})
    expected = bubble_time(pp, vpp, forward, backward, 0.0, Schedule.ONE_F_ONE_B)
    assert _idle(played, n_micro, forward, backward) == pytest.approx(float(expected), abs=1e-9)


@pytest.mark.parametrize("pp", [2, 4, 8, 16])
@pytest.mark.parametrize("rounds", [2, 3, 8])
def test_zero_bubble_with_equal_passes(pp: int, rounds: int) -> None:
    """(p-1)(F+B-2W) with F = W = B/2, the case Qi 2023 draws."""
    n_micro = pp * rounds
    played = play(zero_bubble_order(pp, n_micro), {"forward": 1.0, "backward": 1.0, "weight": 1.0})
    expected = bubble_time(pp, 1, 1.0, 2.0, 1.0, Schedule.ZERO_BUBBLE)
    assert _idle(played, n_micro, 1.0, 1.0, 1.0) == float(expected)


@given(st.sampled_from([2, 4, 8]), TIMES, st.floats(0.8, 1.25), st.floats(0.5, 1.0))
def test_zero_bubble_with_unequal_passes(pp: int, forward: float, through: float, weight: float) -> None:
    """Unequal passes leave gaps that a fixed order cannot fill: never below the formula, never above 1F1B."""
    n_micro, through, weight = 4 * pp, forward * through, forward * weight
    played = play(zero_bubble_order(pp, n_micro), {"forward": forward, "backward": through, "weight": weight})
    idle = _idle(played, n_micro, forward, through, weight)
    least = bubble_time(pp, 1, forward, through + weight, weight, Schedule.ZERO_BUBBLE)
    most = bubble_time(pp, 1, forward, through + weight, weight, Schedule.ONE_F_ONE_B)
    assert float(least) - 1e-9 <= idle <= float(most) + 1e-9


def _held(order: list[Task], vpp: int) -> float:
    """Most chunk activations a device holds at once, in micro-batches of the whole stage."""
    held = most = 0
    for task in order:
        held += {"forward": 1, "backward": -1, "weight": 0}[task.kind]
        most = max(most, held)
    return most / vpp


@pytest.mark.parametrize(
    ("pp", "vpp", "n_micro"), [(4, 1, 16), (8, 1, 8), (8, 1, 3), (4, 2, 16), (8, 4, 32), (2, 3, 8)]
)
def test_activations_in_flight(pp: int, vpp: int, n_micro: int) -> None:
    """The first stage holds what the memory model counts."""
    counted = layers_in_flight(1.0, pp, vpp, n_micro, Schedule.ONE_F_ONE_B)
    assert _held(interleaved_order(pp, vpp, n_micro)[0], vpp) == pytest.approx(float(counted))


def test_an_order_that_waits_for_itself() -> None:
    orders = [list(reversed(order)) for order in interleaved_order(2, 1, 2)]
    with pytest.raises(ValueError, match="waits for itself"):
        play(orders, {"forward": 1.0, "backward": 2.0})

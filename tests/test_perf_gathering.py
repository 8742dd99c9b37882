"""ZeRO-3 that collects weights parameter by parameter: what it waits for, and what it fetches twice."""

from __future__ import annotations

import pytest

from carbonscaling.perf.gathering import fetched_twice, parameter_wait
from carbonscaling.perf.numbers import Recompute
from carbonscaling.perf.passes import Passes, StepTime
from carbonscaling.perf.sharding import PerStep, gradient_time, parameter_time
from carbonscaling.perf.step import Sync, close_step, sync_time
from counted import close, ideal, toy
from samples import setting

SLOW = ideal(link=1.0, domain=8.0, bandwidth=3.0, memory_efficiency=0.5, parameter_wise=1.0, gather_rank=0.25)
QUICK = SLOW.changed(parameter_wise=0.0)
WAIT = 4 * 1 * 8 * 0.25 + 3 * 16 * 2.0 / 1.5
"""16 parameters in one layer on eight ranks: a slice for each of four matrices and each rank, three passes over 2 B each."""


def test_a_wait_by_hand() -> None:
    """Four matrices in each of 80 layers, 15 us for each of 256 ranks, three passes over 16-bit weights."""
    close(parameter_wait(80.0, 256.0, 15e-6, 70e9, 2.0, 1.6e12), 4 * 80 * 256 * 15e-6 + 3 * 2 * 70e9 / 1.6e12)
    close(parameter_wait(1.0, 8.0, 0.25, 16.0, 2.0, 1.5), WAIT)


@pytest.mark.parametrize("zero", [0.0, 1.0, 2.0, 3.0])
def test_every_collective_of_sharded_weights_waits(zero: float) -> None:
    """ZeRO-3 gathers and reduces parameter by parameter; the stages below it do not shard the weights."""
    w, s = toy(1.0, p_dense=16.0), setting(dp=8.0, zero=zero)
    found, plain = sync_time(w, SLOW, s), sync_time(w, QUICK, s)
    waits = WAIT if zero == 3 else 0.0
    assert float(found.gather.each) == pytest.approx(float(plain.gather.each) + waits)
    assert float(found.reduce.each) == pytest.approx(float(plain.reduce.each) + waits)
    assert (found.gather.once, found.reduce.once) == (plain.gather.once, plain.reduce.once)
    assert (found.update, found.straggler_share) == (plain.update, plain.straggler_share)


def test_experts_of_a_loop_are_listed_one_by_one() -> None:
    """Two layers of eight experts on four ranks of two: four experts each, three matrices, shared by two devices."""
    w = toy(2.0, n_moe=2.0, n_dense=0.0, n_experts=8.0, p_expert=16.0, matrices=3.0)
    s = setting(dp=4.0, ep=2.0, zero=3.0, shard=4.0)
    grouped, looped = QUICK, QUICK.changed(expert_launch=1.0)
    found, plain = sync_time(w, looped, s), sync_time(w, grouped, s)
    waits = 3 * 2 * 4 * 2 * 0.25
    close(found.gather.each - plain.gather.each, waits)
    close(found.reduce.each - plain.reduce.each, waits)
    piped = s._replace(pp=2.0)
    close(sync_time(w, looped, piped).gather.each - sync_time(w, grouped, piped).gather.each, waits / 2)
    for other in (s._replace(zero=2.0), s._replace(dp=2.0, shard=2.0)):
        assert sync_time(w, looped, other) == sync_time(w, grouped, other)


def test_waits_are_those_of_a_stage_and_of_the_sharding_group() -> None:
    """Sixteen replicas in groups of four, two stages of one layer each."""
    w, s = toy(2.0, p_dense=16.0), setting(pp=2.0, dp=16.0, shard=4.0, zero=3.0)
    found, plain = sync_time(w, SLOW, s), sync_time(w, QUICK, s)
    close(found.gather.each - plain.gather.each, 4 * 1 * 4 * 0.25 + 3 * 16 * 2.0 / 1.5)


def test_a_rank_alone_collects_nothing() -> None:
    w, s = toy(1.0, p_attention=4e9, p_dense=8e9), setting(zero=3.0)
    assert sync_time(w, SLOW, s) == sync_time(w, QUICK, s)
    away = SLOW.changed(streamed=2.0, host_link=1.0, overlap=1.0)
    passes = Passes(StepTime(*(0.0,) * 16), 1e12, 1e12, 0.0)
    step, hidden = (close_step(q, s, passes, sync_time(w, q, s)) for q in (away, away.changed(parameter_wise=0.0)))
    assert step == hidden


def test_parameters_that_are_not_there_wait_for_nothing() -> None:
    q = ideal(link=1.0, domain=8.0)
    close(gradient_time(1.0, 8.0, 8.0, 1.0, 3, 5.0, q).each, 2 * 7 / 8 + 5.0)
    close(parameter_time(1.0, 8.0, 1.0, 3, 5.0, q).each, 2 * 7 / 8 + 5.0)
    assert gradient_time(0.0, 8.0, 8.0, 1.0, 3, 5.0, q).each == parameter_time(0.0, 8.0, 1.0, 3, 5.0, q).each == 0.0


@pytest.mark.parametrize(("width", "again"), [(7168, 0.0), (8192, 1 / 3), (12288, 2 / 3)])
def test_what_full_recomputation_lets_go_is_fetched_again(width: int, again: float) -> None:
    """Kept is what fewer than 1e9 parameters separate from its gradient: 18, 16, 8 and 0 squares of the width.

    Of the 12 squares of a layer 3 lead into attention, 1 out of it, 4 into the feed-forward block, 4 out of it; 16 squares of
    8,192 or 8 of 12,288 are more than 1e9. Tensor parallelism of two halves each of them.
    """
    w = toy(40.0, p_attention=4.0 * width**2, p_dense=8.0 * width**2)
    close(fetched_twice(w, 1.0), again)
    close(fetched_twice(w, 2.0), 1 / 3 if again > 0.5 else 0.0)
    for parameter_wise, dp, expected in ((1.0, 8.0, again), (0.0, 8.0, 0.0), (1.0, 1.0, 0.0)):
        q = SLOW.changed(parameter_wise=parameter_wise)
        close(sync_time(w, q, setting(dp=dp, zero=3.0)).again, expected)
    assert float(sync_time(w, SLOW, setting(dp=8.0, zero=2.0)).again) == 0.0


@pytest.mark.parametrize(("dense", "again"), [(0.25e9, 0.0), (0.5e9, 0.75), (1e9, 1.0)])
def test_a_billion_parameters_between_are_kept(dense: float, again: float) -> None:
    """Exactly 1e9 lie between a matrix and its gradient: the one into attention, then the one out of it, then the others."""
    close(fetched_twice(toy(1.0, p_attention=1e9, p_dense=dense), 1.0), again * 1e9 / (1e9 + dense))
    assert float(fetched_twice(toy(1.0, p_attention=0.0, p_dense=0.0), 1.0)) == 0.0


@pytest.mark.parametrize(
    ("recompute", "percent", "times"),
    [
        (Recompute.FULL, 100.0, 2.25),
        (Recompute.FULL, 50.0, 2.125),
        (Recompute.SELECTIVE, 100.0, 2),
        (Recompute.NONE, 100.0, 2),
    ],
)
def test_nothing_hides_while_the_device_waits(recompute: int, percent: float, times: float) -> None:
    """Two gathers a micro-batch, a quarter of a third one where everything is computed again; by layer they hide."""
    s = setting(zero=3.0, dp=8.0, n_micro=5.0, recompute=float(recompute), recompute_percent=percent)
    passes = Passes(StepTime(*(0.0,) * 16), forward=100.0, backward=200.0, summed=0.0)
    sync = Sync(PerStep(1.0, 3.0), PerStep(0.0, 4.0), again=0.25, copied=0.0, update=0.0, straggler_share=0.0)
    q = ideal(overlap=1.0, parameter_wise=1.0)
    close(close_step(q, s, passes, sync).dp_comm, 1 + 5 * 3 + 5 * times * 4)
    assert float(close_step(q.changed(parameter_wise=0.0), s, passes, sync).dp_comm) == 0.0

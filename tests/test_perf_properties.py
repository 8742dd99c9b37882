"""What must hold for every model, machine and setting."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as trials
from hypothesis import strategies as st

from carbonscaling.perf import collectives
from carbonscaling.perf.layer import Pass, layer_times
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.memory import Memory, memory
from carbonscaling.perf.numbers import Recompute, Setting, Workload
from carbonscaling.perf.step import StepTime, layer_key, step_time
from samples import DEVICES, MODELS, cases, machine_of, setting, work_of
from samples import settings as some_setting

Case = tuple[Workload, Machine, Setting]


def _total(work: Workload, machine: Machine, s: Setting) -> float:
    return float(step_time(work, machine, s).total)


def _states(need: Memory) -> float:
    return float(need.weights + need.gradients + need.optimizer)


@given(cases())
@trials(max_examples=60, deadline=None)
def test_parts_add_up_and_are_finite(case: Case) -> None:
    work, machine, s = case
    step, need = step_time(work, machine, s), memory(work, machine, s)
    assert float(step.total) == pytest.approx(math.fsum(float(v) for v in step), rel=1e-12)
    assert float(need.total) == pytest.approx(math.fsum(float(v) for v in need[:-1]), rel=1e-12)
    for name, value in (*step._asdict().items(), *need._asdict().items()):
        assert math.isfinite(float(value)), name
        assert float(value) >= -1e-9 * float(step.total), name
    assert float(step.matmul) > 0.0
    assert float(step.total) > machine.software.step_overhead
    assert 0.0 < need.limit < machine.silicon.capacity


@given(cases())
@trials(max_examples=60, deadline=None)
def test_never_above_peak(case: Case) -> None:
    work, machine, s = case
    tokens = float(s.n_micro * s.micro_batch * s.dp) * work.seq_len
    assert tokens * work.model_flops / (_total(*case) * float(s.n_devices)) < machine.formats.peak_mfu


@given(st.data())
@trials(max_examples=30, deadline=None)
def test_scalar_is_array_to_the_last_bit(data: st.DataObject) -> None:
    work = work_of(data.draw(st.sampled_from(MODELS)))
    machine = machine_of(*data.draw(st.sampled_from(DEVICES)))
    rows = data.draw(st.lists(some_setting(work), min_size=2, max_size=8))
    together = Setting(*(np.array(column) for column in zip(*rows, strict=True)))
    step, need, layer = (
        step_time(work, machine, together),
        memory(work, machine, together),
        layer_times(work, machine, layer_key(together)),
    )

    def at(value: Any, index: int) -> float:
        return float(np.broadcast_to(value, (len(rows),))[index])

    def check(array: Any, scalar: Any, index: int) -> None:
        for name in array._fields:
            left, right = getattr(array, name), getattr(scalar, name)
            if isinstance(left, Pass):
                check(left, right, index)
            else:
                assert at(left, index) == float(right), name

    for i, s in enumerate(rows):
        check(step, step_time(work, machine, s), i)
        check(need, memory(work, machine, s), i)
        check(layer, layer_times(work, machine, layer_key(s)), i)
        assert at(step.total, i) == float(step_time(work, machine, s).total)


@given(
    st.lists(
        st.tuples(st.floats(0, 1e12), st.integers(1, 9000), st.sampled_from((1, 2, 8, 64))), min_size=2, max_size=20
    )
)
def test_collectives_scalar_is_array(rows: list[tuple[float, int, int]]) -> None:
    def times(size: Any, n: Any, domain: Any) -> tuple[Any, ...]:
        inner = collectives.inner_ranks(n, 1.0, domain)
        link = collectives.group_bandwidth(2e11, n, 3.0, 16.0, 0.0)
        tiers = (n, inner, link, 2e10, 4e-6, 1e-5)
        return (
            collectives.all_gather_time(size, *tiers),
            collectives.all_reduce_time(size, *tiers),
            collectives.all_to_all_time(size, size / 4, *tiers),
        )

    together = times(*(np.array(column, dtype=float) for column in zip(*rows, strict=True)))
    for i, (size, n, domain) in enumerate(rows):
        alone = times(size, float(n), float(domain))
        assert [float(t[i]) for t in together] == [float(t) for t in alone]
        assert all(math.isfinite(float(t)) and t >= 0 for t in alone)


def test_a_group_of_one_sends_nothing() -> None:
    for kind in (collectives.all_gather_time, collectives.all_reduce_time):
        assert float(kind(1e9, 1.0, 1.0, 1e11, 1e10, 1e-5, 1e-5)) == 0.0
    assert float(collectives.all_to_all_time(0.0, 0.0, 1.0, 1.0, 1e11, 1e10, 1e-5, 1e-5)) == 0.0


def _never_waiting(case: Case) -> Case:
    """The case on a host that launches instantly: where a layer waits for its host, its share of weight work is a guess."""
    work, machine, s = case
    return work, machine.changed(layer_launch=0.0, moe_launch=0.0), s


@pytest.mark.parametrize("what", ["link", "nic"])
@given(case=cases(), factor=st.floats(1.0, 8.0))
@trials(max_examples=40, deadline=None)
def test_a_faster_network_is_never_slower(what: str, case: Case, factor: float) -> None:
    work, machine, s = case
    faster = machine.changed(**{what: machine.numbers()[what] * factor})
    assert _total(work, faster, s) <= _total(*case) * (1 + 1e-12)


@given(cases(), st.floats(1.0, 8.0))
@trials(max_examples=60, deadline=None)
def test_faster_memory_is_never_slower(case: Case, factor: float) -> None:
    work, machine, s = case
    faster = machine.changed(bandwidth=machine.silicon.bandwidth * factor)
    assert _total(work, faster, s) <= _total(*case) * (1 + 1e-12)


@given(cases(), st.floats(1.0, 8.0))
@trials(max_examples=60, deadline=None)
def test_faster_matrix_units_are_never_slower(case: Case, factor: float) -> None:
    work, machine, s = _never_waiting(case)
    faster = machine.changed(peak=machine.formats.peak * factor)
    assert _total(work, faster, s) <= _total(work, machine, s) * (1 + 1e-12)


@given(cases(), st.sampled_from((2.0, 16.0, 64.0)))
@trials(max_examples=40, deadline=None)
def test_each_zero_stage_keeps_less(case: Case, dp: float) -> None:
    work, machine, s = case
    alone = s._replace(pp=1.0, vpp=1.0, schedule=0.0, dp=dp * s.ep, shard=dp * s.ep * s.cp)
    states = [_states(memory(work, machine, alone._replace(zero=float(z)))) for z in range(4)]
    assert states == sorted(states, reverse=True)
    assert states[3] < states[2] < states[1] < states[0]


@given(cases())
@trials(max_examples=60, deadline=None)
def test_recomputation_keeps_less_and_repeats_more(case: Case) -> None:
    work, machine, s = case
    ways = (Recompute.NONE, Recompute.SELECTIVE, Recompute.FEED_FORWARD, Recompute.FULL)
    each = [s._replace(recompute=float(r), recompute_percent=100.0) for r in ways]
    kept = [float(memory(work, machine, x).activations) for x in each]
    assert kept[1] <= kept[0]
    in_flight = work.n_layers / float(s.pp) * min(float(s.pp), float(s.n_micro))
    if in_flight >= 8:
        assert kept == sorted(kept, reverse=True)
    redone = [float(step_time(work, machine, x).recompute) for x in each]
    assert redone[0] == 0.0
    assert redone == sorted(redone)


@given(cases())
@trials(max_examples=40, deadline=None)
def test_recomputing_fewer_layers_lies_between(case: Case) -> None:
    work, machine, s = case
    s = s._replace(recompute=float(Recompute.SELECTIVE))
    some = [s._replace(recompute_percent=p) for p in (0.0, 25.0, 50.0, 100.0)]
    kept = [float(memory(work, machine, x).activations) for x in some]
    redone = [float(step_time(work, machine, x).recompute) for x in some]
    assert all(more <= less * (1 + 1e-12) for less, more in itertools.pairwise(kept))
    assert redone == sorted(redone)
    assert redone[0] == 0.0


@given(cases())
@trials(max_examples=60, deadline=None)
def test_a_degree_of_one_costs_no_traffic(case: Case) -> None:
    work, machine, s = case
    step = step_time(work, machine, s)
    for degree, line in ((s.tp, step.tp_comm), (s.cp, step.cp_comm), (s.ep, step.ep_comm), (s.pp, step.pp_comm)):
        assert (float(line) > 0.0) <= (degree > 1)
    assert (float(step.bubble) > 0.0) <= (s.pp > 1)
    if s.tp * s.dp * s.cp == 1:
        assert float(step.dp_comm) == 0.0
    if s.recompute == Recompute.NONE:
        assert float(step.recompute) == 0.0


@given(cases())
@trials(max_examples=60, deadline=None)
def test_halving_the_micro_batch_at_a_fixed_batch(case: Case) -> None:
    """Twice the micro-batches of half the size: no more activations, no longer a bubble, no less matrix time."""
    work, machine, s = _never_waiting(case)
    coarse = s._replace(micro_batch=2.0 * s.micro_batch)
    fine = s._replace(n_micro=2.0 * s.n_micro)
    assert coarse.micro_batch * coarse.n_micro == fine.micro_batch * fine.n_micro
    before, after = memory(work, machine, coarse), memory(work, machine, fine)
    assert after.activations <= before.activations * (1 + 1e-12)
    assert _states(after) == _states(before)
    slow, quick = step_time(work, machine, coarse), step_time(work, machine, fine)
    assert quick.bubble <= slow.bubble * (1 + 1e-12)
    assert quick.matmul >= slow.matmul * (1 - 1e-12)


@given(cases(), st.sampled_from((2.0, 4.0)))
@trials(max_examples=40, deadline=None)
def test_the_step_grows_with_accumulation_and_less_than_in_proportion(case: Case, times: float) -> None:
    work, machine, s = case
    s = s._replace(zero=min(s.zero, 1.0))
    longer = _total(work, machine, s._replace(n_micro=times * s.n_micro))
    assert _total(work, machine, s) < longer <= times * _total(work, machine, s)


@given(cases())
@trials(max_examples=40, deadline=None)
def test_interleaving_shortens_the_bubble_and_keeps_more(case: Case) -> None:
    work, machine, s = case
    plain = s._replace(pp=4.0, vpp=1.0, schedule=0.0, n_micro=16.0, zero=0.0, shard=s.dp * s.cp)
    chunks = plain._replace(vpp=2.0)
    ratio = step_time(work, machine, chunks).bubble / step_time(work, machine, plain).bubble
    assert ratio <= 0.5 * math.ceil(work.n_layers / 8) * 2 / math.ceil(work.n_layers / 4) + 0.1
    assert memory(work, machine, chunks).activations >= memory(work, machine, plain).activations


def test_sequence_parallelism_keeps_less() -> None:
    work, machine = work_of("llama-3-8b"), machine_of("h100-sxm")
    s = setting(tp=8.0)
    assert memory(work, machine, s._replace(sp=1.0)).activations < memory(work, machine, s).activations
    assert _total(work, machine, s._replace(sp=1.0)) < _total(work, machine, s)


def test_explicit_softmax_is_slower_and_keeps_scores() -> None:
    work, machine, s = work_of("llama-3-8b"), machine_of("a100-80"), setting()
    explicit = machine.changed(flash=0.0)
    assert _total(work, explicit, s) > _total(work, machine, s)
    assert memory(work, explicit, s).activations > memory(work, machine, s).activations
    redone = s._replace(recompute=1.0)
    assert memory(work, explicit, redone).activations < memory(work, explicit, s).activations


@pytest.mark.parametrize(("recipe", "quicker"), [("fp8", True), ("fp32", False)])
def test_number_formats(recipe: str, quicker: bool) -> None:
    work, s = work_of("llama-3-8b"), setting(micro_batch=4.0)
    assert (_total(work, machine_of("h100-sxm", recipe), s) < _total(work, machine_of("h100-sxm"), s)) is quicker


def test_qat_is_quicker_and_smaller_than_bf16() -> None:
    """The second version's 8-bit training: compute, memory and traffic."""
    work, s = work_of("mixtral-8x7b"), setting(tp=8.0, dp=8.0, ep=8.0, sp=1.0, n_micro=8.0, shard=8.0)
    half, qat = machine_of("h100-sxm"), machine_of("h100-sxm", "qat-fp8")
    before, after = step_time(work, half, s), step_time(work, qat, s)
    for name in ("matmul", "tp_comm", "ep_comm"):
        assert getattr(after, name) < getattr(before, name), name
    assert memory(work, qat, s).total < memory(work, half, s).total
    assert set(StepTime._fields) >= {"matmul", "tp_comm", "ep_comm", "bubble", "dp_comm"}

"""What must hold under every software stack, whatever a run changes about it and keeps in its host."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as trials
from hypothesis import strategies as st

from carbonscaling.arrays import stacked as rows_as_one
from carbonscaling.perf.layer import layer_times
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.memory import least_held, memory, work_bytes
from carbonscaling.perf.numbers import Setting, Workload
from carbonscaling.perf.passes import passes_time
from carbonscaling.perf.step import layer_key, step_time
from carbonscaling.search import compiled
from carbonscaling.search.bounds import ROUNDING, least_passes, least_step, least_step_of_passes, slowest_host
from carbonscaling.search.evaluate import CompiledJudge
from carbonscaling.search.space import Space, grid, layouts
from carbonscaling.search.vectorised import NumpyJudge
from carbonscaling.software.options import Software
from carbonscaling.study.scenario import Scenario
from carbonscaling.study.setup import setup
from samples import MODELS, settings, work_of
from stacks import OFFLOADS, OPTIONS, STACKS, stacked, stacked_cases, stacked_machines

needs_numba = pytest.mark.skipif(not compiled.available(), reason="numba is not installed")
every_stack = pytest.mark.parametrize("name", STACKS)


def _plain(values: Any) -> list[float]:
    return [float(v) for v in values]


@every_stack
@given(st.data())
@trials(max_examples=12, deadline=None)
def test_every_case(name: str, data: st.DataObject) -> None:
    """Parts add up, and no bound exceeds what it bounds."""
    case = data.draw(stacked_cases(name))
    _parts_add_up_and_are_finite(*case)
    _bounds_never_exceed_the_step(*case)
    _the_least_that_is_held_never_exceeds_memory(*case)


def _parts_add_up_and_are_finite(work: Workload, machine: Machine, s: Setting) -> None:
    step, need = step_time(work, machine, s), memory(work, machine, s)
    assert float(step.total) == pytest.approx(math.fsum(_plain(step)), rel=1e-12)
    assert float(need.total) == pytest.approx(math.fsum(_plain(need[:-1])), rel=1e-12)
    assert all(math.isfinite(v) and v >= -1e-9 * float(step.total) for v in _plain(step))
    assert all(math.isfinite(v) and v >= 0.0 for v in _plain(need))


def _bounds_never_exceed_the_step(work: Workload, machine: Machine, s: Setting) -> None:
    """Neither the bound of its shape nor that of its passes."""
    layer = layer_times(work, machine, layer_key(s))
    step, slowest = float(step_time(work, machine, s).total), slowest_host(machine, s.n_devices)
    assert float(least_step(machine, least_passes(work, machine, s, layer), s.n_micro, slowest)) <= step
    passes = passes_time(work, machine, s, layer, work_bytes(work, machine, s).moved)
    assert float(least_step_of_passes(machine, passes, slowest)) <= step


def _the_least_that_is_held_never_exceeds_memory(work: Workload, machine: Machine, s: Setting) -> None:
    need, least = memory(work, machine, s), float(least_held(machine, work_bytes(work, machine, s)))
    assert least * ROUNDING <= float(need.activations + need.buffers)
    assert least > 0.0


@every_stack
@given(st.data())
@trials(max_examples=5, deadline=None)
def test_scalar_is_array_to_the_last_bit(name: str, data: st.DataObject) -> None:
    """Settings of one machine together, and settings each with a machine of its own."""
    work = work_of(data.draw(st.sampled_from(MODELS)))
    rows = data.draw(st.lists(settings(work), min_size=2, max_size=5))
    one = data.draw(stacked_machines(name))
    own = [data.draw(stacked_machines(data.draw(st.sampled_from(STACKS)))) for _ in rows]
    together = Setting(*(np.array(column) for column in zip(*rows, strict=True)))
    for machine, singles in ((one, [one] * len(rows)), (rows_as_one(own), own)):
        step, need = step_time(work, machine, together), memory(work, machine, together)
        for i, (s, m) in enumerate(zip(rows, singles, strict=True)):
            for array, scalar in ((step, step_time(work, m, s)), (need, memory(work, m, s))):
                assert [float(np.broadcast_to(v, (len(rows),))[i]) for v in array] == _plain(scalar)


SPACE = Space(
    vpp=(1, 2), schedule=(0, 1, 2), shard=(0, 8), recompute_percent=(50, 100), micro_batch=(1, 2), etp=(1, 2),
    recompute=(0, 1, 2), zero=(0, 1, 2, 3),
)  # fmt: skip
CHANGES = (
    ("llama-3-8b", Software(), "nothing"),
    ("mixtral-8x7b", Software(head_placement="last", dispatcher="alltoall"), "activations"),
    ("gpt-3-1.3b", Software(zero3_gather="parameter", attention_kernel="explicit-separate"), "weights"),
)  # fmt: skip
"""Models, and what their runs change: as the stack ships; experts with inputs away; explicit kernels with weights away."""
PAIRS = [(name, (i + k) % len(CHANGES)) for i, name in enumerate(STACKS) for k in (0, 1)]


def _judges(name: str, change: int, capacity: float | None = None) -> tuple[Any, Any, Any, Machine, Workload]:
    model, options, offload = CHANGES[change]
    work, machine = work_of(model), stacked(name, options=options, offload=offload)
    if capacity is not None:
        machine = machine.changed(capacity=capacity)
    g = grid(SPACE, work, layouts(SPACE, work, (48,), machine.silicon.domain, (1, 48)))
    every = g.lattice.layouts(g.lattice.families)
    return CompiledJudge(work, machine, g), g, every, machine, work


@needs_numba
@pytest.mark.parametrize(("name", "change"), PAIRS)
def test_compiled_equals_plain(name: str, change: int) -> None:
    """Same fates, and step times that are the same to the last bit but for logarithms that round differently."""
    judge, g, every, machine, work = _judges(name, change)
    limit = np.full(len(every), np.inf)
    a = judge.decide(every, limit, limit, limit, False)
    b = NumpyJudge(work, machine, g).decide(every, limit, limit, limit, False)
    assert a.counts.tolist() == b.counts.tolist()
    order = np.argsort(a.index)
    assert a.index[order].tolist() == b.index.tolist()
    assert a.step[order] == pytest.approx(b.step, rel=4e-16)
    assert (a.excess, a.excess_index) == (b.excess, b.excess_index)
    assert len(a.index) > 100


@needs_numba
@pytest.mark.parametrize(("name", "change"), PAIRS)
def test_what_is_left_out_of_a_search_could_not_win(name: str, change: int) -> None:
    """No layout has a bound below its family's, no setting a step below its layout's; what cannot fit does not."""
    for capacity in (None, 30e9, 12e9):
        judge, g, every, _, _ = _judges(name, change, capacity)
        of_family = np.repeat(judge.bounds(), g.lattice.sizes(g.lattice.families))
        limit = np.full(len(every), np.inf)
        best, bounds = judge.decide(every, limit, limit, limit, False).row_best, judge.row_bounds(every)
        assert (of_family <= bounds).all()
        fits = np.isfinite(best)
        assert (bounds[fits] <= best[fits]).all()


@pytest.mark.parametrize("offload", ["optimizer", "weights", "activations"])
def test_what_lies_in_the_host_is_what_a_scenario_puts_there(
    offload: Literal["optimizer", "weights", "activations"],
) -> None:
    """The fields that these tests set are those that an offload sets."""
    plain = Scenario(model="llama-3-8b", tokens=1e9, device="a100-80", devices=64, stack="megatron")
    here, there = (setup(s).plain for s in (plain, replace(plain, offload=offload)))
    own = there.numbers()
    assert {name for name, number in here.numbers().items() if own[name] != number} == set(OFFLOADS[offload])


def test_every_option_is_drawn() -> None:
    """But for the share of activations that an offload moves, which the machines with activations away set themselves."""
    assert {f.name for f in fields(Software)} == {*OPTIONS, "optimizer", "moved_activations"}

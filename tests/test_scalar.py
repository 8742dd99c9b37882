"""Formulas on Python's own floats: the same numbers as NumPy's, to the last bit, and the same fates of settings."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbonscaling.formula import tracing
from carbonscaling.perf.gemm import gemm_time
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.memory import memory
from carbonscaling.perf.numbers import Setting, Workload
from carbonscaling.perf.sharding import parameter_time
from carbonscaling.perf.step import step_time
from carbonscaling.scalar import at, scalar
from carbonscaling.search.engine import Question, search
from carbonscaling.search.evaluate import ScalarJudge
from carbonscaling.search.objectives import Outcome
from carbonscaling.search.space import Space, grid, layouts
from carbonscaling.search.vectorised import NumpyJudge
from samples import cases, machine_of, work_of


@given(cases())
def test_both_agree_to_the_last_bit(case: tuple[Workload, Machine, Setting]) -> None:
    for formula in (step_time, memory):
        own, plain = at(formula, *case), formula(*case)
        assert [type(v) for v in own] == [float] * len(own)
        assert [float(v) for v in plain] == list(own)


@given(cases(), st.integers(0, 2**30), st.integers(1, 5))
def test_where_some_numbers_are_arrays_both_agree_to_the_last_bit(
    case: tuple[Workload, Machine, Setting], which: int, n: int
) -> None:
    """Any third or so of the machine's numbers as columns, as constants that are drawn or moved are."""
    work, machine, setting = case
    scales, numbers = np.linspace(0.8, 1.2, n), machine.numbers()
    moved = {name for i, name in enumerate(numbers) if (which >> i % 30) % 3 == 0}
    many = Machine.of(**{k: v * scales if k in moved else v for k, v in numbers.items()})
    for formula in (step_time, memory):
        for own, plain in zip(at(formula, work, many, setting), formula(work, many, setting), strict=True):
            assert np.array_equal(np.broadcast_to(own, n), np.broadcast_to(plain, n), equal_nan=True)


def _inverse(x: float, y: float) -> Any:
    return np.where(x > 0, y / np.maximum(x, 0.0), 2.0)


def test_where_floats_refuse_numpy_answers() -> None:
    with pytest.raises(ZeroDivisionError):
        scalar(_inverse)(0.0, 1.0)
    assert scalar(_inverse)(4.0, 1.0) == 0.25
    with np.errstate(divide="ignore"):
        assert at(_inverse, np.float64(0.0), 1.0) == 2.0


def test_what_is_traced_is_written_down() -> None:
    args = (1.0, 512.0, 512.0, 0.0, 1e15, 0.7, 200.0, 132.0, 256.0, 128.0, 1e-6, 3e12, 0.9, 2.0)
    with tracing() as lines:
        assert float(at(gemm_time, *args)) == 0.0
    assert [line.formula.name for line in lines] == ["perf.gemm.tiled_flops"] * 6 + ["perf.gemm.gemm_time"]
    many = np.asarray(gemm_time(1.0, np.array([0.0, 512.0]), *args[2:]))
    assert many.tolist() == [0.0, 0.0]  # an inner dimension of 0


@pytest.mark.parametrize("model", ["llama-3-8b", "deepseek-v2-lite"])
@pytest.mark.parametrize("prune", [False, True])
def test_loops_on_floats_decide_as_numpy_does(model: str, prune: bool) -> None:
    work, machine = work_of(model), machine_of("h100-sxm")
    space = Space(
        tp=(1, 8), pp=(1, 4), cp=(1,), vpp=(1, 3), zero=(0, 1, 3), micro_batch=(1, 5), schedule=(0, 2), ep=(1,)
    )
    g = grid(space, work, layouts(space, work, (96,), machine.silicon.domain, (8, 64)))
    every = g.lattice.layouts(g.lattice.families)
    for cut in (np.inf, 8.0):
        limit = np.full(len(every), cut)
        own, wanted = (
            judge(work, machine, g).decide(every, limit, limit, limit, prune) for judge in (ScalarJudge, NumpyJudge)
        )
        order = np.argsort(own.index)
        own.index, own.step = own.index[order], own.step[order]
        for field in fields(own):
            assert np.array_equal(getattr(own, field.name), getattr(wanted, field.name)), field.name
        assert own.counts.sum() == g.n_candidates


def _outcome(s: Any, step: Any) -> Outcome:
    n = s.n_devices * 1.0
    return Outcome(step * 1e5, n * step, n * step * 2, n * step * 3)


@pytest.mark.parametrize(
    ("changes", "fate"),
    [
        ({}, None),
        ({"vpp": (40,)}, "layers"),
        ({"zero": (0,), "tp": (1,), "pp": (1,), "recompute": (0,), "micro_batch": (3,)}, "memory"),
        ({"deadline_s": 1.0}, "deadline"),
        ({"limits": (("cost_usd", 1.0),)}, "deadline"),
        ({"objective": "paper"}, None),
    ],
)
def test_one_setting_is_answered_as_a_search_does(changes: dict[str, Any], fate: str | None) -> None:
    """Quantiles are found in rounds, whatever the size of the space: the same answer but for them."""
    kinds = Space.__dataclass_fields__
    space = Space(
        **{
            **{"tp": (4,), "pp": (2,), "cp": (1,), "vpp": (1,), "zero": (1,), "micro_batch": (1,), "recompute": (2,)},
            **{k: v for k, v in changes.items() if k in kinds},
        }
    )
    q = Question(
        work_of("llama-3-8b"), machine_of("h100-sxm"), (96,), _outcome,
        **{"objective": "time", "counts": (32, 32), **{k: v for k, v in changes.items() if k not in kinds}},
    )  # fmt: skip
    space = space if "tp" in changes else Space(**{**vars(space), "dp": (4,)})
    found, wanted = search(q, space, front=True, close=True), search(q, space, front=True, close=True, quantiles=(0.5,))
    assert found.n_candidates == 1
    assert dict(found.rejected) == ({} if fate is None else {fate: 1})
    assert (found.best is None) == (fate is not None)
    close, other = found.close, wanted.close
    assert close is not None
    assert other is not None
    assert np.array_equal(close.step_s, other.step_s)
    assert np.array_equal(close.main, other.main)
    for a, b in zip(close.settings, other.settings, strict=True):
        assert np.array_equal(a, b)
    wanted.quantiles, wanted.close, wanted.step = {}, found.close, found.step
    if found.fastest is not None:
        assert found.step == at(step_time, q.work, q.machine, found.fastest.setting)
    assert vars(found) == vars(wanted)


@given(st.integers(5, 63), st.floats(0.85, 0.99))
def test_powers_of_one_and_of_many_agree_to_the_last_bit(hosts: int, remains: float) -> None:
    """What a network keeps with every doubling: of arrays NumPy takes powers by instructions that ``**`` does not."""
    machine = machine_of("h100-sxm").changed(nic_doubling=remains)
    one = at(parameter_time, 1e9, 8.0 * hosts, 1.0, 1.0, 0.0, machine).once
    many = parameter_time(1e9, np.full(9, 8.0 * hosts), 1.0, 1.0, 0.0, machine).once
    assert set(np.asarray(many).tolist()) == {one}

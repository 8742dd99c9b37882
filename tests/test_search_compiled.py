"""Compiled search against the plain formulas; bounds, limits, quantiles, interruption."""

from __future__ import annotations

import random
import threading
from functools import lru_cache
from itertools import product
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbonscaling.perf.layer import layer_times
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.memory import layer_kept, memory, state_bytes, work_bytes
from carbonscaling.perf.numbers import Schedule, Setting, Workload
from carbonscaling.perf.passes import passes_time
from carbonscaling.perf.pipeline import layers_on_stage
from carbonscaling.perf.step import layer_key, step_time, sync_time
from carbonscaling.search import compiled, evaluate, kernel, tables
from carbonscaling.search import lattice as lattices
from carbonscaling.search.bounds import least_passes, least_step, least_step_of_passes, slowest_host
from carbonscaling.search.constraints import (
    ALLOWED,
    RULES,
    first_recompute_violation,
    first_sharding_violation,
    first_violation,
)
from carbonscaling.search.divisors import divides
from carbonscaling.search.engine import Question, search
from carbonscaling.search.evaluate import CompiledJudge
from carbonscaling.search.lattice import Lattice
from carbonscaling.search.limits import LONGEST_S, SHORTEST_S, Extent, slowest_step
from carbonscaling.search.objectives import OBJECTIVES, Outcome
from carbonscaling.search.quantiles import Histogram
from carbonscaling.search.space import FULL_SPACE, Space, grid, layouts
from carbonscaling.search.vectorised import NumpyJudge
from samples import cases, machine_of, work_of

needs_numba = pytest.mark.skipif(not compiled.available(), reason="numba is not installed")


def _outcome(s: Any, step: Any) -> Outcome:
    n = s.n_devices * 1.0
    return Outcome(step * 1e5, n * step, n * step * 2, n * step * 3)


def _question(**changes: Any) -> Question:
    base: dict[str, Any] = dict(
        work=work_of("llama-3-8b"), machine=machine_of("h100-sxm"), batches=(96,), outcome=_outcome, objective="time",
        counts=(1, 96), host_devices=8,
    )  # fmt: skip
    return Question(**(base | changes))


@needs_numba
@pytest.mark.parametrize(
    ("model", "device", "recipe"),
    [("llama-3-8b", "h100-sxm", "bf16"), ("deepseek-v2-lite", "h800", "fp8"), ("gpt-3-1.3b", "v100-sxm2-32", "fp16"),
     ("mixtral-8x7b", "tpu-v4", "bf16"), ("nemotron-3-super", "b200", "mxfp8")],
)  # fmt: skip
def test_compiled_equals_plain(model: str, device: str, recipe: str) -> None:
    """Same fates, and step times that are the same to the last bit but for logarithms that round differently."""
    work, machine = work_of(model), machine_of(device, recipe)
    space = Space(vpp=(1, 2), schedule=(0, 1, 2), shard=(0, 8), recompute_percent=(50, 100), micro_batch=(1, 2))
    g = grid(space, work, layouts(space, work, (96,), machine.silicon.domain, (1, 96)))
    every = g.lattice.layouts(g.lattice.families)
    limit = np.full(len(every), np.inf)
    a = CompiledJudge(work, machine, g).decide(every, limit, limit, limit, False)
    b = NumpyJudge(work, machine, g).decide(every, limit, limit, limit, False)
    assert a.counts.tolist() == b.counts.tolist()
    order = np.argsort(a.index)
    assert a.index[order].tolist() == b.index.tolist()
    assert a.step[order] == pytest.approx(b.step, rel=4e-16)
    assert (a.step[order] == b.step).mean() > 0.999
    assert (a.excess, a.excess_index) == (b.excess, b.excess_index)
    first = every[a.index[:1] // g.n_inner] * g.n_inner + a.index[:1] % g.n_inner
    step = step_time(work, machine, g.settings(first)).total
    assert float(np.asarray(step)[0]) == pytest.approx(float(a.step[0]), rel=4e-16)


@given(cases())
def test_what_the_loops_work_out_once_is_the_same_for_all_of_them(case: tuple[Workload, Machine, Setting]) -> None:
    """States and their traffic by what pipelines hold of the model, a layer's bytes for all pipelines and experts."""
    work, machine, s = case
    own = layers_on_stage(work.n_layers, s.pp, s.vpp)
    for vpp, schedule in product((1.0, 2.0, 3.0, 4.0, 6.0, 8.0), (0.0, 1.0, 2.0)):
        other = s._replace(vpp=vpp, schedule=schedule)
        dual = Schedule.DUALPIPE in (s.schedule, schedule) and s.schedule != schedule
        if layers_on_stage(work.n_layers, s.pp, vpp) == own and not dual:
            assert state_bytes(work, machine, other) == state_bytes(work, machine, s)
            assert sync_time(work, machine, other) == sync_time(work, machine, s)
        other = other._replace(pp=s.pp * 2.0, ep=s.ep * 2.0, etp=2.0, n_micro=s.n_micro + 1.0, zero=3.0, dp=s.dp * 2.0)
        assert layer_kept(work, machine, other) == layer_kept(work, machine, s)
        others = other._replace(pp=s.pp, zero=s.zero, dp=s.dp)
        assert first_sharding_violation(others, work, False) == first_sharding_violation(s, work, False)


@given(cases())
def test_bounds_are_bounds(case: tuple[Workload, Machine, Setting]) -> None:
    work, machine, s = case
    layer = layer_times(work, machine, layer_key(s))
    step, slowest = float(step_time(work, machine, s).total), slowest_host(machine, s.n_devices)
    assert float(least_step(machine, least_passes(work, machine, s, layer), s.n_micro, slowest)) <= step
    passes = passes_time(work, machine, s, layer, work_bytes(work, machine, s).moved)
    assert float(least_step_of_passes(machine, passes, slowest)) <= step


@needs_numba
@pytest.mark.parametrize("model", ["llama-3-8b", "deepseek-v2-lite"])
def test_bounds_of_families_and_layouts_are_bounds(model: str) -> None:
    """From far to near: no layout has a bound below its family's, no setting a step below its layout's."""
    work, machine = work_of(model), machine_of("h100-sxm")
    space = Space(vpp=(1, 2, 4), schedule=(0, 1, 2), micro_batch=(1, 2, 3))
    g = grid(space, work, layouts(space, work, (96,), machine.silicon.domain, (1, 96)))
    judge = CompiledJudge(work, machine, g)
    every = g.lattice.layouts(g.lattice.families)
    of_family = np.repeat(judge.bounds(), g.lattice.sizes(g.lattice.families))
    limit = np.full(len(every), np.inf)
    best = judge.decide(every, limit, limit, limit, False).row_best
    bounds = judge.row_bounds(every)
    assert (of_family <= bounds).all()
    fits = np.isfinite(best)
    assert (bounds[fits] <= best[fits]).all()
    assert np.median(bounds[fits] / best[fits]) > 0.6  # and they are not idle ones


@given(
    st.lists(st.sampled_from((1, 2, 3, 4, 6, 8)), min_size=1, unique=True),
    st.lists(st.sampled_from((1, 2, 3, 5)), min_size=1, unique=True),
    st.lists(st.integers(1, 40), min_size=1, unique=True),
    st.integers(1, 50),
    st.integers(1, 8),
)
def test_a_lattice_holds_every_layout_once(tp: list[int], pp: list[int], dp: list[int], low: int, host: int) -> None:
    shapes = np.array([(t, p, c) for t in tp for p in pp for c in (1, 2)])
    batch = np.array([d * (i % 3 + 1) for i, d in enumerate(dp)])
    lattice = Lattice.within(shapes, np.array(dp), batch, (low, 4 * low), host)
    numbers = lattice.layouts(lattice.families)
    rows = [tuple(row) for row in lattice.rows(numbers).tolist()]
    wanted = {(t, p, d, c, b) for t, p, c in shapes.tolist() for d, b in zip(dp, batch.tolist(), strict=True)}
    size = {r: int(np.prod(r[:4])) for r in wanted}
    wanted = {r for r, n in size.items() if low <= n <= 4 * low and (n <= host or n % host == 0)}
    assert len(rows) == len(set(rows)) == lattice.n_layouts
    assert set(rows) == wanted
    micros = np.array([1.0, 2.0])
    each, once = (np.array([[k * (i + m) % 5.0 for m in range(2)] for i in range(len(shapes))]) for k in (7, 3))
    fewest = np.arange(len(shapes), dtype=np.float64) % 7
    even = lattice.share % micros[:, None] == 0
    at_once = lattice.least(each, once, fewest, even)
    with mock.patch.object(lattices, "AT_ONCE", 0):
        assert (lattice.least(each, once, fewest, even) == at_once).all(), "class by class"
    least = np.repeat(at_once, lattice.sizes(lattice.families))
    shape, d = np.divmod(numbers, len(dp))
    share = (batch / np.array(dp))[d]
    for m, micro in enumerate(micros):
        may_be = (np.array(dp)[d] >= fewest[shape]) & (share % micro == 0)
        assert (least <= np.where(may_be, each[shape, m] * share + once[shape, m], np.inf)).all()


@given(st.integers(1, 2**26), st.integers(0, 2**26))
def test_divides(part: int, whole: int) -> None:
    assert bool(divides(float(part), float(whole))) == (whole % part == 0)
    assert bool(divides(float(part), float(part * whole % 2**53 // part * part)))


def test_rules_are_in_order() -> None:
    """The places that the functions return are those of the rules that they test."""
    work = work_of("mixtral-8x7b")
    space = Space(vpp=(1, 2), schedule=(0, 2), micro_batch=(1, 3), etp=(1, 2), recompute_percent=(50,), shard=(0, 4))
    g = grid(space, work, layouts(space, work, (48,), 8.0, (1, 24)))
    places = np.arange(0, g.n_candidates, 7)
    layout = g.lattice.layouts(g.lattice.families)[places // g.n_inner]
    s = g.settings(layout * g.n_inner + places % g.n_inner)
    first = np.minimum(first_violation(s, work, False), first_sharding_violation(s, work, False))
    first = np.minimum(first, first_recompute_violation(s, work, False))
    slow = np.full(np.size(s.tp), ALLOWED)
    for place in range(len(RULES) - 1, -1, -1):
        slow = np.where(RULES[place].violated(s, work, False), place, slow)
    assert first.tolist() == slow.tolist()
    assert len(set(first.tolist())) >= 6


def test_the_slowest_step_is_the_last_float() -> None:
    n = np.array([1.0, 2.0, 2.0, 3.0])
    many = Extent(n, np.ones(4))
    limit = slowest_step(lambda s, step: s.n_devices * step, 0.7, many)
    assert (n * limit <= 0.7).all()
    assert (n * np.nextafter(limit, np.inf) > 0.7).all()
    assert slowest_step(lambda s, step: step, np.inf, many).tolist() == [np.inf] * 4
    assert slowest_step(lambda s, step: step, 1e16, many).tolist() == [np.inf] * 4
    assert slowest_step(lambda s, step: step + 1.0, 0.5, many).tolist() == [-np.inf] * 4


@given(
    st.floats(1e-6, 1e6),
    st.floats(0.0, 1e6),
    st.floats(0.0, 3.0),
    st.lists(st.integers(1, 10**6), min_size=1, max_size=6),
    st.floats(1e-3, 1e9),
)
def test_limits_hold_for_bent_and_stepped_quantities(
    slope: float, fixed: float, power: float, n_devices: list[int], limit: float
) -> None:
    """The last float exactly, whatever grows; a coarse limit is never short and a millionth long at most."""

    def value(s: Setting, step: Any) -> Any:
        return fixed + slope * s.n_devices * step + (np.floor(step) if power > 2 else step**power)

    n = np.array(n_devices, dtype=float)
    many = Extent(n, np.ones(len(n)))
    exact = slowest_step(value, limit, many)
    coarse = slowest_step(value, limit, many, exact=False)
    for count, last, about in zip(n, exact, coarse, strict=True):
        here = Setting(count, *(1.0 for _ in Setting._fields[1:]))
        if last == -np.inf:
            assert value(here, SHORTEST_S) > limit
        elif last == np.inf:
            assert value(here, LONGEST_S) <= limit
        else:
            assert value(here, last) <= limit < value(here, np.nextafter(last, np.inf))
            assert last <= about <= last * (1.0 + 4e-6)


@needs_numba
@pytest.mark.parametrize("model", ["llama-3-8b", "deepseek-v2-lite", "mixtral-8x7b"])
@pytest.mark.parametrize("capacity", [8e9, 40e9, 80e9])
def test_a_layout_left_out_for_memory_has_no_setting_that_fits(model: str, capacity: float) -> None:
    work, machine = work_of(model), machine_of("h100-sxm").changed(capacity=capacity)
    space = Space(
        vpp=(1, 2), schedule=(0, 2), micro_batch=(1, 2), etp=(1, 2), shard=(0, 4), recompute_percent=(50, 100)
    )
    g = grid(space, work, layouts(space, work, (96,), machine.silicon.domain, (1, 96)))
    judge = CompiledJudge(work, machine, g)
    every = g.lattice.layouts(g.lattice.families)
    limit = np.full(len(every), np.inf)
    best = judge.decide(every, limit, limit, limit, False).row_best
    may_fit = np.isfinite(judge.row_bounds(every))
    assert not np.isfinite(best[~may_fit]).any()
    if capacity == 8e9:  # and it does leave some out
        assert (~may_fit).any()


@pytest.mark.parametrize(
    ("model", "device"), [("gpt-3-175b", "a100-80"), ("deepseek-v3", "h800"), ("llama-3-8b", "a100-40")]
)
@pytest.mark.parametrize("batches", [(2048,), tuple(range(96, 900, 8))])
def test_what_may_fit_may_fit_with_more_replicas(model: str, device: str, batches: tuple[int, ...]) -> None:
    """The fewest replicas of a shape are looked for by halves, so that nothing may stop fitting: as all of them say."""
    work, machine = work_of(model), machine_of(device)
    g = grid(Space(), work, layouts(Space(), work, batches, machine.silicon.domain, (1, 65536)))
    tp, pp, cp = g.lattice.shapes.T.astype(float)[:, :, None]
    dp, o = np.unique(g.lattice.dp).astype(float), tables.options_of(g)
    fits = np.asarray(tables.may_fit(work, machine, o, tables.least_needs(work, o), tp, pp, cp, dp))
    assert fits.any()
    assert not fits.all()
    assert (np.diff(fits.astype(int), axis=1) >= 0).all()
    first = np.where(fits.any(axis=1), fits.argmax(axis=1), len(dp))
    assert (NumpyJudge(work, machine, g)._shapes[2] == np.append(dp, np.inf)[first]).all()


@needs_numba
@pytest.mark.parametrize("objective", sorted(OBJECTIVES))
def test_pruning_and_threads_change_nothing(objective: str) -> None:
    q = _question(objective=objective, deadline_s=20_000.0)
    every = search(q, FULL_SPACE, threads=1, front=True)
    for threads in (1, 2, 3):
        pruned = search(q, FULL_SPACE, prune=True, threads=threads, front=True)
        assert pruned.top == every.top
        assert pruned.front == every.front
        assert (pruned.n_near, pruned.n_candidates) == (every.n_near, every.n_candidates)
    assert search(q, FULL_SPACE, threads=3).rejected == every.rejected


@needs_numba
def test_the_optimum_is_what_an_estimate_gives() -> None:
    q = _question()
    best = search(q, FULL_SPACE, prune=True).best
    assert best is not None
    floats = Setting(*map(float, best.setting))
    assert float(step_time(q.work, q.machine, floats).total) == best.step_s
    need = memory(q.work, q.machine, floats)
    assert need.total <= need.limit


def test_quantiles_are_those_of_all_that_fit() -> None:
    q, space = _question(), Space(micro_batch=(1, 2), vpp=(1, 2))
    found = search(q, space, quantiles=(0.1, 0.5, 0.9))
    carbon = sorted(c.carbon_kg for c in search(q, space, top=1_000_000).top)
    assert len(carbon) == found.n_fit
    for share, (value, setting) in found.quantiles.items():
        assert value == pytest.approx(np.quantile(carbon, share), rel=2e-3)
        assert setting.carbon_kg == pytest.approx(value, rel=2e-3)


@needs_numba
def test_quantiles_name_the_same_settings_with_machine_code_and_without() -> None:
    q, shares = _question(), tuple(0.02 * n for n in range(1, 50))
    one, other = (search(q, FULL_SPACE, quantiles=shares, few=few).quantiles for few in (0, 1 << 40))
    assert {share: c.setting for share, (_, c) in one.items()} == {share: c.setting for share, (_, c) in other.items()}


def test_an_interrupted_search_returns_the_best_so_far() -> None:
    def stop(_n: int, _share: float) -> None:
        raise KeyboardInterrupt

    found = search(_question(), Space(), progress=stop)
    assert found.interrupted
    assert found.best is not None
    with pytest.raises(KeyboardInterrupt):
        search(_question(machine=machine_of("h100-sxm").changed(capacity=1.0)), Space(), progress=stop, few=1 << 62)


def test_without_numba(monkeypatch: pytest.MonkeyPatch) -> None:
    q, space = _question(), Space(micro_batch=(1, 2), vpp=(1, 2))
    expected = search(q, space).top
    monkeypatch.setattr(compiled, "available", lambda: False)
    assert search(q, space, prune=True, few=0).top == expected


def test_a_compilation_that_fails_says_so() -> None:
    def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        compiled.interruptible(fail)
    assert threading.active_count() < 50


def test_counts_have_a_place_for_every_fate() -> None:
    assert list(range(ALLOWED, kernel.N_COUNTS)) == [kernel.MEMORY, kernel.LATE, kernel.FIT, kernel.BOUND]


@pytest.mark.parametrize("kept", [False, True])
def test_machine_code_is_loaded_where_numpy_has_taken_as_long(kept: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wait is never more than twice the shortest, however many searches are still to come."""
    monkeypatch.setattr(evaluate, "prepare", lru_cache(maxsize=1)(lambda: 0.0))
    monkeypatch.setattr(compiled, "on_disk", lambda: kept)
    price = evaluate.LOADING_S if kept else evaluate.COMPILING_S
    assert not evaluate.pays(0.99 * price)
    assert evaluate.pays(1.01 * price)
    evaluate.prepare()
    assert evaluate.pays(0.0), "once loaded it is worth it at any size"


@pytest.mark.parametrize("name", ["llama-3-8b", "mixtral-8x7b"])
def test_the_change_to_machine_code_shows_in_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers and what is counted are the same with NumPy, with machine code, and where one takes over from the other."""
    if not compiled.available():
        pytest.skip("numba is not installed")
    question = _question(work=work_of(name), batches=(96, 192), counts=(1, 768))
    found = [search(question, Space(), prune=True, front=True, few=few, threads=1) for few in (1 << 62, 0)]
    monkeypatch.setattr(evaluate.Clock, "spent", -1.0)
    monkeypatch.setattr(evaluate, "pays", lambda spent: spent > -1.0)  # after the first block
    found.append(search(question, Space(), prune=True, front=True, threads=1))
    for other in found[1:]:
        assert other == found[0]


@given(st.lists(st.floats(1.0, 1.01), min_size=1, max_size=40), st.randoms(use_true_random=False), st.integers(1, 40))
def test_quantiles_do_not_depend_on_the_order_in_which_settings_are_decided(
    carbon: list[float], rng: random.Random, cut: int
) -> None:
    order = list(range(len(carbon)))
    rng.shuffle(order)
    values, index = np.array(carbon), np.array(order)
    at_once, in_parts = Histogram(), Histogram()
    at_once.add(Outcome(0.0, values, 0.0), np.arange(len(carbon)))
    for part in (index[:cut], index[cut:]):
        in_parts.add(Outcome(0.0, values[part], 0.0), part)
    assert at_once.bins == in_parts.bins

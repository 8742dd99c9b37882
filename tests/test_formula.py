"""Formulas: each says what it computes and where it was published, keeps its dimension, and can be traced."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from typing import Any

import numpy as np
import pint
import pytest

import carbonscaling
from carbonscaling.catalog.references import references
from carbonscaling.formula import formula, formulas, tracing
from carbonscaling.laws import batch
from carbonscaling.perf import attention, collectives, experts, gathering, gemm, goodput, pipeline, sharding
from carbonscaling.perf.numbers import Schedule
from carbonscaling.units import SI

DOORS = ("carbonscaling.cli", "carbonscaling.__main__", "carbonscaling.web")
for _module in pkgutil.walk_packages(carbonscaling.__path__, "carbonscaling."):
    if not _module.name.startswith(DOORS):
        importlib.import_module(_module.name)

ureg: Any = pint.get_application_registry()  # type: ignore[no-untyped-call]
B, s = ureg.byte, ureg.second
TIERS = dict(n=64.0, inner=8.0, link=3e11 * B / s, nic=2e10 * B / s, link_latency=4e-6 * s, nic_latency=1e-5 * s)
UNITS = {"s": "second", "B": "byte", "B/s": "byte/second", "1": "", "FLOP": ""}


@pytest.mark.parametrize("name", sorted(formulas()))
def test_every_formula_says_what_it_is(name: str) -> None:
    meta = formulas()[name]
    assert meta.name == name
    assert meta.expression.strip()
    assert meta.unit in {*SI, "FLOP"}
    assert meta.source in references()
    assert meta.place.strip()
    module = importlib.import_module("carbonscaling." + name.rpartition(".")[0])
    function = getattr(module, name.rpartition(".")[2])
    assert function.__doc__
    assert function.__wrapped__ is not function


def test_there_are_formulas_to_check() -> None:
    assert len(formulas()) >= 19


CASES: tuple[tuple[Any, dict[str, Any]], ...] = (
    (gemm.tiled_flops, dict(groups=1.0, m=100.0, n=100.0, k=100.0, tile_m=256, tile_n=128, cores=108, k_half=150)),
    (
        gemm.gemm_time,
        dict(groups=1.0, m=512.0, n=512.0, k=512.0, peak=3e14 / s, efficiency=0.8, k_half=150.0, cores=108.0,
             tile_m=256.0, tile_n=128.0, latency=5e-6 * s, bandwidth=2e12 * B / s, memory_efficiency=0.8,
             element_bytes=2 * B),
    ),
    (gemm.systolic_cycles, dict(m=112.0, n=112.0, k=112.0, rows=128, columns=128)),
    (attention.score_flops, dict(tokens=2048.0, span=1024.0, d_query=4096.0, d_context=4096.0)),
    (collectives.inner_ranks, dict(n=64.0, stride=2.0, domain=8.0)),
    (collectives.group_bandwidth, dict(bandwidth=1e11 * B / s, n=64.0, axes=3.0, axis_length=16.0, pairs=0.0)),
    (collectives.all_gather_time, dict(size=1e9 * B, **TIERS)),
    (collectives.all_reduce_time, dict(size=1e9 * B, **TIERS)),
    (collectives.all_to_all_time, dict(size=1e9 * B, remote=1e8 * B, **TIERS)),
    (experts.dispatch_bytes, dict(tokens=4096.0, top_k=8.0, d_model=7168.0, element_bytes=1 * B)),
    (experts.copies_per_token, dict(top_k=8.0, node_limit=4.0, domains=8.0, relay=1.0)),
    (experts.copies_in_turn, dict(top_k=22.0, experts=512.0, domains=8.0, relay=1.0)),
    (
        experts.remote_dispatch_bytes,
        dict(tokens=4096.0, copies=4.0, d_model=7168.0, element_bytes=1 * B, ep=64.0, inner=8.0),
    ),
    (sharding.exposed_time, dict(comm=1 * s, window=0.5 * s, overlap=0.8, contention=1.1)),
    (
        sharding.optimizer_time,
        dict(params=1e9, optimizer_bytes=12 * B, grad_bytes=4 * B, weight_bytes=2 * B, bandwidth=1e12 * B / s),
    ),
    (
        gathering.parameter_wait,
        dict(layers=4.0, ranks=8.0, gather_rank=1e-6 * s, params=1e9, weight_bytes=2 * B, bandwidth=1e12 * B / s),
    ),
    (gathering.listing_time, dict(tensors=384.0, ranks=8.0, gather_rank=1e-6 * s)),
    (
        pipeline.bubble_time,
        dict(pp=4.0, vpp=1.0, forward=1 * s, backward=2 * s, weight=1 * s, schedule=Schedule.ONE_F_ONE_B),
    ),
    (pipeline.fullest_stage, dict(n_layers=61.0, pp=16.0, vpp=1.0, per_layer=0.1 * s, ends=0.05 * s, head_last=0.0)),
    (pipeline.layers_on_stage, dict(n_layers=61.0, pp=16.0, vpp=1.0)),
    (pipeline.layers_in_flight, dict(per_stage=4.0, pp=16.0, vpp=1.0, n_micro=64.0, schedule=0)),
    (pipeline.recomputed_share, dict(n_layers=96.0, pp=8.0, vpp=1.0, percent=25.0)),
    (goodput.straggler_share, dict(nodes=64.0, coefficient=0.09)),
    (
        batch.overhead_batch,
        dict(tokens=1e12, n_params=1e10, active_params=1e9, factor=17.75, exponent=0.47, expert_exponent=0.25),
    ),
    (batch.token_overhead, dict(batch=1e6, overhead_batch=2e6, share=0.2, steepness=1.33)),
    (goodput.run_time, dict(n_steps=1000.0, step_time=2 * s, overhead=1.15)),
)  # fmt: skip


@pytest.mark.parametrize(("function", "arguments"), CASES, ids=lambda x: getattr(x, "__name__", ""))
def test_dimensions(function: Any, arguments: dict[str, Any]) -> None:
    """The formula as written, on quantities: the result has the stated dimension and the value of plain numbers."""
    name = f"{function.__module__.removeprefix('carbonscaling.')}.{function.__name__}"
    result = ureg.Quantity(function.__wrapped__(**arguments))
    assert result.check(ureg.Quantity(1, UNITS[formulas()[name].unit]).dimensionality), result.units
    plain = {key: getattr(value, "magnitude", value) for key, value in arguments.items()}
    assert float(result.to(UNITS[formulas()[name].unit]).magnitude) == pytest.approx(
        float(function(**plain)), rel=1e-12
    )


def test_a_wrong_dimension_is_noticed() -> None:
    untouched: Any = inspect.unwrap(sharding.exposed_time)
    with pytest.raises(pint.DimensionalityError):
        untouched(comm=1 * s, window=0.5 * B, overlap=0.8, contention=1.1)


def test_tracing_writes_down_arguments_and_result() -> None:
    with tracing() as lines:
        value = goodput.run_time(10.0, 2.0, overhead=1.5)
    assert [(line.formula.name, line.arguments, line.result) for line in lines] == [
        ("perf.goodput.run_time", {"n_steps": 10.0, "step_time": 2.0, "overhead": 1.5}, value)
    ]
    goodput.run_time(1.0, 1.0, 1.0)
    assert len(lines) == 1


def test_traces_do_not_leak_into_each_other() -> None:
    with tracing() as outer:
        goodput.straggler_share(2.0, 0.1)
        with tracing() as inner:
            goodput.straggler_share(4.0, 0.1)
        goodput.straggler_share(8.0, 0.1)
    assert [line.arguments["nodes"] for line in outer] == [2.0, 8.0]
    assert [line.arguments["nodes"] for line in inner] == [4.0]


def test_a_trace_is_closed_by_an_error() -> None:
    with pytest.raises(RuntimeError), tracing() as lines:
        raise RuntimeError
    goodput.run_time(1.0, 1.0, 1.0)
    assert lines == []


def test_the_decorated_function_computes_the_same() -> None:
    def double(x: Any) -> Any:
        return 2 * np.asarray(x)

    marked = formula("2·x", unit="1", source="williams_2009")(double)
    try:
        assert marked(3) == double(3) == 6
        assert marked.__wrapped__ is double  # type: ignore[attr-defined]
    finally:
        from carbonscaling.formula import _REGISTRY

        _REGISTRY.pop(f"{double.__module__}.double", None)

"""Matrix multiplication: bounds, monotonicity, and public timings."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbonscaling.perf.gemm import gemm_time
from carbonscaling.perf.machine import Machine
from samples import machine_of

IDS = {"A100-80": "a100-80", "H100-80": "h100-sxm"}
SIZES = st.integers(1, 70_000)
MACHINES = st.sampled_from((("h100-sxm", "bf16"), ("a100-80", "fp16"), ("tpu-v4", "bf16"), ("b200", "fp8")))


def _time(q: Machine, groups: Any, m: Any, n: Any, k: Any) -> Any:
    own, formats, _ = q
    return gemm_time(
        groups, m, n, k, formats.peak, formats.gemm_efficiency, formats.gemm_k_half, own.cores, own.tile_m, own.tile_n,
        own.kernel_latency, own.bandwidth, own.memory_efficiency, formats.act_bytes,
    )  # fmt: skip


def _seconds(q: Machine, groups: float, m: float, n: float, k: float) -> float:
    return float(np.asarray(_time(q, groups, m, n, k)))


@given(MACHINES, st.integers(1, 64), SIZES, SIZES, SIZES)
def test_never_faster_than_the_roofline(which: tuple[str, str], groups: int, m: int, n: int, k: int) -> None:
    q = machine_of(*which)
    time = _seconds(q, groups, m, n, k)
    assert time >= 2.0 * groups * m * n * k / (q.formats.peak * q.formats.gemm_efficiency)
    assert time >= groups * q.formats.act_bytes * (m * k + k * n + m * n) / (
        q.silicon.bandwidth * q.silicon.memory_efficiency
    )
    assert time > q.silicon.kernel_latency


@given(MACHINES, SIZES, SIZES, SIZES, st.integers(1, 4096), st.sampled_from((0, 1, 2, 3)))
def test_more_work_is_never_quicker(which: tuple[str, str], m: int, n: int, k: int, more: int, grown: int) -> None:
    q, small = machine_of(*which), [1, m, n, k]
    large = [size + more * (i == grown) for i, size in enumerate(small)]
    assert _seconds(q, *map(float, large)) >= _seconds(q, *map(float, small))


@pytest.mark.parametrize("missing", range(4))
def test_no_work_takes_no_time(missing: int) -> None:
    sizes = [0.0 if i == missing else 512.0 for i in range(4)]
    assert _seconds(machine_of("a100-80"), *sizes) == 0.0


def test_large_multiplications_reach_the_efficiency() -> None:
    q = machine_of("a100-80")
    reached = 2 * 16384.0**3 / _seconds(q, 1, 16384, 16384, 16384) / q.formats.peak
    assert 0.95 * q.formats.gemm_efficiency < reached < q.formats.gemm_efficiency


def test_small_multiplications_are_bound_by_memory_or_latency() -> None:
    q = machine_of("a100-80")
    assert _seconds(q, 1, 1, 64, 64) == pytest.approx(q.silicon.kernel_latency, rel=0.25)
    weights = q.formats.act_bytes * 8192 * 8192 / (q.silicon.bandwidth * q.silicon.memory_efficiency)
    assert _seconds(q, 1, 1, 8192, 8192) == pytest.approx(weights + q.silicon.kernel_latency, rel=0.15)


@given(MACHINES, st.lists(st.tuples(SIZES, SIZES, SIZES), min_size=2, max_size=40))
def test_scalar_is_array_to_the_last_bit(which: tuple[str, str], shapes: list[tuple[int, int, int]]) -> None:
    q = machine_of(*which)
    m, n, k = np.array(shapes, dtype=float).T
    one_by_one = [_seconds(q, 1.0, *map(float, shape)) for shape in shapes]
    assert np.asarray(_time(q, 1.0, m, n, k)).tolist() == one_by_one


def _measured() -> list[dict[str, str]]:
    with (Path(__file__).parent / "data" / "gemm_sample.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("device", sorted(IDS))
def test_public_timings(device: str) -> None:
    """Sixteen timings a device, evenly spread in size over the vidur profiles of large language models."""
    errors = []
    for row in (r for r in _measured() if r["device"] == device):
        m, n, k = (float(row[x]) for x in "mnk")
        measured = 2.0 * m * n * k / (float(row["tflops"]) * 1e12)
        errors.append(_seconds(machine_of(IDS[device], row["dtype"]), 1.0, m, n, k) / measured - 1.0)
    assert len(errors) == 16
    assert np.median(np.abs(errors)) < 0.12
    assert abs(np.median(errors)) < 0.10

"""Optimizer states in the host: what the device saves, what the update takes, and that it stays off by default."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import carbonscaling as cs
from carbonscaling.catalog import hardware
from carbonscaling.catalog.offload import host_side
from carbonscaling.perf.memory import memory
from carbonscaling.perf.offload import offloaded_share, offloaded_update_time
from carbonscaling.perf.step import step_time
from samples import machine_of, setting, work_of

WORK, PLAIN = work_of("llama-3-8b"), machine_of("a100-80")
AWAY = PLAIN._replace(offload=1.0, host_link=31.5e9, host_bandwidth=51.2e9, host_capacity=1e15)


def test_a_device_without_optimizer_states() -> None:
    """What leaves the device is the optimizer's part alone; the step grows by the slower update alone."""
    s = setting(tp=2.0, dp=4.0, zero=1.0, shard=4.0, micro_batch=1.0, n_micro=8.0)
    before, after = memory(WORK, PLAIN, s), memory(WORK, AWAY, s)
    assert after.optimizer == 0.0 < before.optimizer
    assert after._replace(optimizer=before.optimizer) == before
    slow, quick = step_time(WORK, AWAY, s), step_time(WORK, PLAIN, s)
    assert slow.optimizer > quick.optimizer
    assert slow._replace(optimizer=0.0, straggler=0.0) == quick._replace(optimizer=0.0, straggler=0.0)


def test_an_update_by_hand() -> None:
    """1e9 parameters, 12 bytes of states, gradients and weights of 2: 4 GB over 32 GB/s, 30 GB over 60 GB/s."""
    assert offloaded_update_time(1e9, 12.0, 2.0, 2.0, 32e9, 60e9) == pytest.approx(0.125 + 0.5)


@given(st.floats(0.0, 1e12), st.floats(0.0, 1e12))
def test_the_host_takes_no_more_than_it_holds(states: float, capacity: float) -> None:
    share = float(offloaded_share(states, AWAY._replace(host_capacity=capacity)))
    assert 0.0 <= share <= 1.0
    assert share * states <= capacity * (1.0 + 1e-12)
    assert float(offloaded_share(states, PLAIN)) == 0.0


def test_a_host_is_shared_by_its_devices() -> None:
    found = host_side(hardware.cluster("a100-80"))
    host = hardware.cluster("a100-80").host
    assert found.link.si == 31.5e9
    assert found.capacity * host.devices_per_host <= host.cpu_memory.si
    assert found.bandwidth * host.devices_per_host == pytest.approx(host.n_cpus * found.memory.si)


def test_offload_is_off_unless_asked_for_and_says_that_nothing_covers_it() -> None:
    """One A100 cannot hold 8 billion parameters with their states; with the states in the host it can."""
    s = cs.Scenario(model="llama-3-8b", tokens=1e10, device="a100-80", devices=1, batch=64, seq_len=4096)
    assert not cs.estimate(s).feasible
    answer = cs.estimate(cs.Scenario(**{**vars(s), "offload": "optimizer"}))
    assert isinstance(answer, cs.Estimate)
    assert answer.memory.optimizer == 0.0
    assert any("host's memory" in w for w in answer.warnings)

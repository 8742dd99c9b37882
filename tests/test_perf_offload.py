"""Optimizer states in the host: what the device saves, what the update takes, and that it stays off by default."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import carbonscaling as cs
from carbonscaling.catalog import hardware
from carbonscaling.catalog.offload import host_side
from carbonscaling.evidence.row import parse_row
from carbonscaling.perf.memory import memory, rank_params
from carbonscaling.perf.offload import offloaded_share, offloaded_update_time
from carbonscaling.perf.step import step_time, sync_time
from carbonscaling.validate.replay import Replay, complete_row
from counted import FAST, close, ideal, toy
from samples import machine_of, setting, work_of

WORK, PLAIN = work_of("llama-3-8b"), machine_of("a100-80")
AWAY = PLAIN.changed(offload=1.0, host_link=31.5e9, host_bandwidth=51.2e9, host_capacity=1e15)


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
    """1e9 parameters, 12 bytes of states, gradients of 4, weights of 2: 6 GB over 24 GB/s, 42 GB over 60 GB/s."""
    assert offloaded_update_time(1e9, 12.0, 4.0, 2.0, 6.0, 24e9, 60e9) == pytest.approx(0.25 + 0.7)
    assert offloaded_update_time(1e9, 12.0, 4.0, 2.0, 0.0, 24e9, 60e9) == pytest.approx(0.7)


def test_weights_that_stream_from_the_host() -> None:
    """Each gather fetches its shard, each backward pass returns float32 gradients; neither stays on the device."""
    s = setting(dp=8.0, zero=3.0, shard=8.0, micro_batch=1.0, n_micro=2.0)
    machine = AWAY.changed(streamed=2.0, overlap=0.0)
    states, plain = memory(WORK, machine, s), memory(WORK, AWAY, s)
    assert states.gradients == 0.0 < plain.gradients
    assert states.weights == pytest.approx(machine.software.gathered * rank_params(WORK, s).layer * 2.0)
    shard = rank_params(WORK, s).dense / 8
    found, before = sync_time(WORK, machine, s), sync_time(WORK, AWAY.changed(overlap=0.0), s)
    fetched = machine.software.gathers * (found.gather.each - before.gather.each)
    assert fetched == pytest.approx(2 * shard * 2.0 / 31.5e9)
    assert found.reduce.each - before.reduce.each == pytest.approx(shard * 4.0 / 31.5e9)
    assert before.update - found.update == pytest.approx(shard * 6.0 / 31.5e9)


def test_weights_of_a_byte_stream_by_hand() -> None:
    """Sixteen parameters on eight ranks: two come in a byte each, three times, and their gradients go once in four."""
    w = toy(1.0, p_dense=16.0)
    q = ideal(host_link=2.0, host_bandwidth=4.0, offload=1.0, host_capacity=24.0, gathers=3.0, weight_bytes=1.0,
              optimizer_bytes=12.0, streamed=1.0)  # fmt: skip
    s = setting(dp=8.0, zero=3.0)
    found = sync_time(w, q, s)
    close(q.software.gathers * found.gather.each, 3 * 2 * 1 / 2.0)
    close(found.reduce.each, 2 * 4 / 2.0)
    close(found.update, 2 * (2 * 12 + 4 * 4 + 1) / 4.0)
    states = memory(w, q.changed(gathered=2.0), s)
    assert (float(states.weights), float(states.gradients), float(states.optimizer)) == (2 * 16.0, 0.0, 0.0)


@given(st.floats(0.0, 1e12), st.floats(0.0, 1e12))
def test_the_host_takes_no_more_than_it_holds(states: float, capacity: float) -> None:
    share = float(offloaded_share(states, AWAY.changed(host_capacity=capacity)))
    assert 0.0 <= share <= 1.0
    assert share * states <= capacity * (1.0 + 1e-12)
    assert float(offloaded_share(states, PLAIN)) == 0.0


def test_offload_as_far_as_the_host_goes() -> None:
    close(offloaded_share(1.0, ideal(offload=1.0, host_capacity=0.5)), 0.5)
    close(offloaded_share(8.0, ideal(offload=1.0, host_capacity=2.0)), 0.25)
    close(offloaded_share(8.0, ideal(offload=1.0, host_capacity=20.0)), 1.0)
    close(offloaded_share(8.0, ideal(host_capacity=20.0)), 0.0)


def test_a_host_is_shared_by_its_devices() -> None:
    found = host_side(hardware.cluster("a100-80"))
    host = hardware.cluster("a100-80").host
    assert found.link.si == 31.5e9
    assert found.to_host == pytest.approx(31.5e9 * 0.78 / 2), "two behind a switch"
    assert found.capacity * host.devices_per_host <= host.cpu_memory.si
    assert found.bandwidth * host.devices_per_host == pytest.approx(0.46 * host.n_cpus * found.memory.si)
    alone = host_side(hardware.cluster("a100-80"), 1)
    assert alone.to_host == pytest.approx(2 * found.to_host)
    assert alone.bandwidth == pytest.approx(0.46 * found.memory.si), "of one CPU, though the host has two"
    assert alone.capacity == pytest.approx(found.capacity * host.devices_per_host)


@given(
    st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.floats(9.0, 12.0), st.floats(9.0, 12.0),
    st.sampled_from([0.0, 1.0, 2.0, 3.0]),
)  # fmt: skip
@example(1.0, 0.8, 9.7, 9.5, 3.0)
def test_quicker_products_never_lengthen_a_step_that_waits_for_host_and_network(
    moved: float, overlap: float, host: float, link: float, zero: float
) -> None:
    """No second of compute that vanishes is paid for twice, by activations on their way to the host and by gathers."""
    s = setting(dp=8.0, zero=zero, shard=8.0, micro_batch=1.0, n_micro=2.0)
    rates = {"host_link": 10.0**host, "link": 10.0**link}
    machine = PLAIN.changed(moved=moved, overlap=overlap, **rates, layer_launch=0.0)
    quick = machine.changed(peak=2.0 * PLAIN.formats.peak, peak_attention=2.0 * PLAIN.formats.peak_attention)
    assert step_time(WORK, quick, s).total <= step_time(WORK, machine, s).total * (1.0 + 1e-12)


GPT3_13B = {
    "id": "a", "model": "13B", "device": "V100-32", "n_layers": "40", "d_model": "5120", "d_ff": "20480", "n_heads": "40",
    "n_kv_heads": "40", "vocab": "50264", "ffn_type": "gelu", "seq_len": "2048", "precision": "fp16", "recompute": "full",
    "n_devices": "1", "tp": "1", "pp": "1", "zero_stage": "3", "micro_batch": "8", "global_batch_seqs": "8",
}  # fmt: skip


def row(**changes: str) -> Replay:
    return complete_row(parse_row({**GPT3_13B, **changes}))


def test_a_row_whose_states_cannot_lie_on_its_devices_has_them_in_the_host() -> None:
    """210 GB on one device of 32 must lie in its host; 64 devices hold them, and other stacks are not fully sharded."""
    away = row()
    assert "in the host" in "; ".join(away.inferred)
    assert away.scenario.offload == "weights"
    assert (away.setup.plain.software.offload, away.setup.plain.software.streamed) == (1.0, 2.0)
    assert row(stack="fsdp").setup.plain.software.streamed == 4.0
    need = memory(away.work, away.setup.plain, away.setting)
    assert need.total <= need.limit
    for other in ({"n_devices": "64", "global_batch_seqs": "512"}, {"zero_stage": "1"}):
        assert row(**other).setup.plain.software.offload == 0.0


def test_the_update_in_the_host_is_most_of_what_offloading_costs_one_device() -> None:
    """42 bytes for each of 13 billion parameters at 0.46 of one socket's 76.8 GB/s; the streams hide in the passes."""
    away = row()
    step = step_time(away.work, away.setup.plain, away.setting)
    n = rank_params(away.work, away.setting).dense
    assert float(step.optimizer) == pytest.approx(42 * n / (0.46 * 76.8e9))
    assert float(step.dp_comm) < 0.1 * float(step.optimizer)


def test_a_plan_with_states_in_the_host_is_a_plan_of_as_many_devices() -> None:
    """Whoever searches the device count and whoever gives it share hosts alike: full ones."""
    s = cs.Scenario(model="llama-3-8b", tokens=1e9, device="a100-80", batch=64, offload="optimizer", max_devices=4)
    found = cs.plan(s)
    assert isinstance(found, cs.Estimate)
    assert found.n_devices < 8
    again = cs.plan(dataclasses.replace(s, devices=found.n_devices))
    assert again.summary() == found.summary()


def test_offload_is_off_unless_asked_for_and_says_that_nothing_covers_it() -> None:
    """One A100 cannot hold 8 billion parameters with their states; with the states in the host it can."""
    s = cs.Scenario(model="llama-3-8b", tokens=1e10, device="a100-80", devices=1, batch=64, seq_len=4096)
    assert not cs.estimate(s).feasible
    answer = cs.estimate(cs.Scenario(**{**vars(s), "offload": "optimizer"}))
    assert isinstance(answer, cs.Estimate)
    assert answer.memory.optimizer == 0.0
    assert any("host's memory" in w for w in answer.warnings)


@pytest.mark.parametrize(("zero", "held"), [(0.0, 32 + 8), (3.0, 32 / 8 + 8 / 2)])
def test_streamed_weights_are_those_of_the_rank_experts_among_them(zero: float, held: float) -> None:
    """Two dense layers of 16 parameters over eight ranks, two of four experts of 4, each of which two ranks share."""
    work = toy(2.0, p_dense=16.0, n_moe=2.0, n_experts=4.0, p_expert=4.0)
    machine = ideal(streamed=2.0, host_link=1.0, link=FAST, domain=8.0)
    close(sync_time(work, machine, setting(dp=8.0, ep=4.0, zero=zero)).gather.each, 2 * held)

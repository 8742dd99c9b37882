"""Passes through the pipeline and replicas that meet: small numbers, counted by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbonscaling.perf.layer import LayerTimes, Pass
from carbonscaling.perf.numbers import Recompute, Schedule, Setting
from carbonscaling.perf.passes import Passes, StepTime, passes_time
from carbonscaling.perf.pipeline import fullest_stage
from carbonscaling.perf.sharding import PerStep, exposed_time, gradient_time, optimizer_time, parameter_time
from carbonscaling.perf.step import Sync, close_step, layer_key, sync_time
from counted import close, ideal, toy
from samples import setting

FORWARD = Pass(matmul=8.0, attention=3.0, elementwise=2.0, tp_comm=1.0, cp_comm=0.5, ep_comm=4.0, launch=0.25)
BACKWARD = Pass(matmul=16.0, attention=7.5, elementwise=4.0, tp_comm=1.0, cp_comm=1.5, ep_comm=4.0, launch=0.75)
LAYER = LayerTimes(
    FORWARD, BACKWARD, waits=1.0, weight=6.0, selective=2.5, blocks=7.4, last=1.5, head_forward=20.0, head_backward=40.0,
    embedding=2.0, boundary_bytes=64.0,
    summed=1.25, head_summed=3.0,
)  # fmt: skip
F, B = 18.75, 34.75
ENDS = 20.0 + 40.0 + 2 * 2.0


def _passes(s: Setting, n_layers: float = 8.0, **machine: float) -> Passes:
    return passes_time(toy(n_layers), ideal(**machine), s, LAYER, 0.0)


# Passes


def test_without_a_pipeline_every_line_is_its_layers() -> None:
    """Five micro-batches through eight layers, and both ends each time."""
    p = _passes(setting(n_micro=5.0))
    close(p.lines.matmul, 5 * 8 * 24.0)
    close(p.lines.attention, 5 * 8 * 10.5)
    close(p.lines.elementwise, 5 * 8 * 6.0)
    close(p.lines.tp_comm, 5 * 8 * 2.0)
    close(p.lines.cp_comm, 5 * 8 * 2.0)
    close(p.lines.ep_comm, 5 * 8 * 8.0)
    close(p.lines.launch, 5 * 8 * 1.0)
    close(p.lines.head, 5 * ENDS)
    assert float(p.lines.recompute) == float(p.lines.bubble) == float(p.lines.pp_comm) == 0.0
    assert float(p.lines.stage_imbalance) == pytest.approx(0.0, abs=1e-9)
    close(p.forward, (8 * F + 20.0) * (8 * (F + B) + ENDS) / (8 * (F + B) + ENDS))
    close(p.forward + p.backward, 8 * (F + B) + ENDS)


@pytest.mark.parametrize(
    ("recompute", "percent", "again"),
    [
        (Recompute.FULL, 100.0, F),
        (Recompute.FULL, 50.0, F / 2),
        (Recompute.SELECTIVE, 100.0, 2.5),
        (Recompute.FEED_FORWARD, 100.0, 2.5 + 7.4 * F / 18.5),  # waits for the host in proportion
        (Recompute.NONE, 100.0, 0.0),
    ],
)
def test_recomputation_repeats_the_forward_pass_or_parts_of_it(recompute: int, percent: float, again: float) -> None:
    p = _passes(setting(n_micro=5.0, recompute=float(recompute), recompute_percent=percent))
    close(p.lines.recompute, 5 * 8 * again)
    close(p.lines.total, 5 * (8 * (F + B + again) + ENDS))
    close(p.forward, 8 * F + 20.0)
    staged = _passes(setting(pp=2.0, n_micro=6.0, recompute=float(recompute), recompute_percent=percent))
    layer, ends = F + B + again, ENDS
    close(staged.forward + staged.backward, min(5 * layer, 4 * layer + ends))  # 5 beside 3 and the ends, or 4 and 4


@pytest.mark.parametrize(
    ("recompute", "percent", "again"),
    [(Recompute.FULL, 100.0, F - 1.5), (Recompute.FULL, 50.0, (F - 1.5) / 2), (Recompute.SELECTIVE, 100.0, 2.5)],
)
def test_a_compiler_leaves_out_of_full_recomputation_what_nothing_reads(
    recompute: int, percent: float, again: float
) -> None:
    p = _passes(setting(n_micro=5.0, recompute=float(recompute), recompute_percent=percent), redo_last=0.0)
    close(p.lines.recompute, 5 * 8 * again)


def test_layers_are_dealt_out_around_the_head() -> None:
    """64 s of ends are 1.196 layers: with 8 layers on 4 stages a stage holds 3 of the 9.2, or the last one 2 and the ends."""
    work = 8 * (F + B) + ENDS
    equal, dealt = 2 * (F + B) + ENDS, 3 * (F + B)
    assert dealt < equal
    p = _passes(setting(pp=4.0, n_micro=12.0))
    close(p.lines.stage_imbalance, 12 * (dealt - work / 4))
    close(p.lines.matmul, 12 * 8 / 4 * 24.0)
    close(p.lines.head, 12 * ENDS / 4)
    close(p.lines.total, 12 * dealt + (work - dealt))
    close(p.lines.bubble, work - dealt)  # one micro-batch through the three other stages, which hold less
    close(p.forward, dealt * (8 * F + 20.0) / work)
    close(p.forward + p.backward, dealt)


def test_equal_layers_where_the_head_is_small() -> None:
    small = LAYER._replace(head_forward=1.0, head_backward=2.0, embedding=0.0)
    p = passes_time(toy(9.0), ideal(), setting(pp=3.0, n_micro=6.0), small, 0.0)
    close(p.forward + p.backward, 3 * (F + B) + 3.0)  # a tenth layer would cost more than the head on top
    close(p.lines.stage_imbalance, 6 * (3 * (F + B) + 3.0 - (9 * (F + B) + 3.0) / 3))


def test_a_head_longer_than_a_stage_is_the_fullest_stage() -> None:
    large = LAYER._replace(head_forward=400.0, head_backward=800.0)
    p = passes_time(toy(4.0), ideal(), setting(pp=4.0, n_micro=8.0), large, 0.0)
    ends = 1200.0 + 4.0
    close(p.forward + p.backward, ends)  # no layer beside them: four on three stages
    close(p.lines.bubble, 4 * (F + B))


def test_one_of_two_stages_waits_for_what_the_other_holds() -> None:
    """Five layers, and three beside the ends: a longer stage 0, which waits once for the other."""
    p = _passes(setting(pp=2.0, n_micro=12.0))
    close(p.forward + p.backward, 5 * (F + B))
    close(p.lines.bubble, 3 * (F + B) + ENDS)


def _ends(layers: float, per_layer: float) -> LayerTimes:
    """A head as long as some layers."""
    return LAYER._replace(head_forward=layers * per_layer, head_backward=0.0, embedding=0.0)


def test_quicker_layers_around_the_head() -> None:
    """Thirty-two layers on two stages, ends of 1.99 layers: 17 to a stage. Layers 1 % quicker do not make it longer.

    The ends are then a little more than 2 layers: the last stage, 15 of the layers and the ends, is the longer one.
    """
    ends, less = _ends(1.99, F + B), 0.01 * (F + B)
    slow = passes_time(toy(32.0), ideal(), setting(pp=2.0, n_micro=6.0), ends, 0.0)
    quicker = ends._replace(backward=BACKWARD._replace(matmul=BACKWARD.matmul - less))
    quick = passes_time(toy(32.0), ideal(), setting(pp=2.0, n_micro=6.0), quicker, 0.0)
    assert float(quick.lines.total) <= float(slow.lines.total)
    close(slow.forward + slow.backward, 17 * (F + B))
    close(quick.forward + quick.backward, 15 * (F + B - less) + 1.99 * (F + B))


@given(
    st.integers(1, 100), st.sampled_from([2, 3, 4, 8]), st.sampled_from([1, 2, 4]), st.floats(0.1, 10.0),
    st.floats(0.0, 50.0), st.floats(1.0, 1.2),
)  # fmt: skip
def test_the_fullest_stage_grows_with_its_parts(
    n_layers: int, pp: int, vpp: int, per_layer: float, ends: float, longer: float
) -> None:
    """Never below the mean stage, never above equal layers with the ends on top, and no part that grows shortens it."""
    stage = float(fullest_stage(n_layers, pp, vpp, per_layer, ends, 0.0))
    close_to = 1.0 + 1e-9
    assert (n_layers * per_layer + ends) / pp <= stage * close_to
    assert stage <= (per_layer * math.ceil(n_layers / (pp * vpp)) * vpp + ends) * close_to
    assert stage <= float(fullest_stage(n_layers, pp, vpp, per_layer * longer, ends, 0.0)) * close_to
    assert stage <= float(fullest_stage(n_layers, pp, vpp, per_layer, ends * longer, 0.0)) * close_to


@pytest.mark.parametrize("ends", [0.0, 0.4, 1.3, 2.0, 5.5, 40.0])
@pytest.mark.parametrize(
    ("n_layers", "pp", "vpp"), [(9, 2, 1), (8, 4, 1), (32, 3, 1), (5, 4, 1), (3, 4, 1), (14, 2, 2), (32, 4, 4)]
)
def test_the_fullest_stage_is_the_best_deal(n_layers: int, pp: int, vpp: int, ends: float) -> None:
    """Against every number of layers in the chunks of the other stages."""
    deals = [max(vpp * c, max(n_layers - (pp - 1) * vpp * c, 0) + ends) for c in range(n_layers + 1)]
    close(fullest_stage(n_layers, pp, vpp, 1.0, ends, 0.0), min(deals))


@pytest.mark.parametrize(("schedule", "bubble"), [(Schedule.ZERO_BUBBLE, "zero"), (Schedule.DUALPIPE, "dual")])
def test_other_schedules_wait_as_table_2_of_deepseek_v3_says(schedule: int, bubble: str) -> None:
    no_exchange = LAYER._replace(forward=FORWARD._replace(ep_comm=0.0), backward=BACKWARD._replace(ep_comm=0.0))
    p = passes_time(toy(), ideal(), setting(pp=4.0, n_micro=12.0, schedule=float(schedule)), no_exchange, 0.0)
    work = 8 * (F + B - 8.0) + ENDS
    stage = float(p.forward + p.backward)
    weight = stage * 8 * 6.0 / work
    waits = {"zero": 3 * (stage - 2 * weight), "dual": (stage + float(p.backward) - 3 * weight)}
    others = (work - stage) / 3  # the mean of the three other stages is what the fullest one waits for
    close(p.lines.bubble, waits[bubble] * others / stage)


def test_sends_between_stages() -> None:
    """Forward and backward for each micro-batch, and through the pipeline once: 2 x (12 + 3) hops."""
    s = setting(pp=4.0, n_micro=12.0)
    close(_passes(s, nic=2.0, overlap=0.75).lines.pp_comm, 2 * 32.0 * 15)
    close(_passes(setting(pp=2.0, n_micro=12.0), nic=2.0).lines.pp_comm, 2 * 32.0 * 13)
    close(_passes(s, nic=2.0, nic_latency=5.0).lines.pp_comm, 2 * (32.0 + 5.0) * 15)
    close(_passes(s, link=4.0, link_latency=5.0, domain=4.0).lines.pp_comm, 2 * (16.0 + 5.0) * 15)
    # Neighbours in a pipeline are tp·cp·dp devices apart: 2·2·2 of them leave a domain of eight.
    far = setting(pp=4.0, n_micro=12.0, tp=2.0, cp=2.0, dp=2.0)
    close(_passes(far, nic=2.0, link=1.0, domain=8.0).lines.pp_comm, 2 * 32.0 * 15)
    near = setting(pp=4.0, n_micro=12.0, tp=2.0, cp=2.0, dp=1.0)
    close(_passes(near, nic=2.0, link=1.0, domain=8.0).lines.pp_comm, 2 * 64.0 * 15)


def test_interleaved_sends_hide_but_for_the_fill() -> None:
    """Twice as many sends with two chunks; overlap hides three quarters of all but the fill."""
    s = setting(pp=4.0, vpp=2.0, n_micro=12.0)
    close(_passes(s, nic=2.0, overlap=0.75).lines.pp_comm, 2 * 32.0 * 2 * (12 * 0.25 + 3))
    dual = setting(pp=4.0, n_micro=12.0, schedule=float(Schedule.DUALPIPE))
    close(_passes(dual, nic=2.0, overlap=0.75).lines.pp_comm, 2 * 32.0 * (12 * 0.25 + 3))


def test_dualpipe_hides_expert_traffic_behind_compute_that_it_slows() -> None:
    """8 s of traffic a layer behind 45.5 s of compute: a tenth of those hides 4.55 s; compute runs 5 % longer."""
    s = setting(pp=4.0, n_micro=12.0, schedule=float(Schedule.DUALPIPE))
    left = 8.0 - 4.55 + 0.05 * 45.5
    p = _passes(s, overlap=0.1, contention=1.05)
    close(p.lines.ep_comm, 12 * 2 * left)
    # On the fullest stage the same share is saved, in proportion to its layers; its two passes end together.
    mean = (8 * (F + B) + ENDS) / 4
    stage = float(p.forward + p.backward) / (1 - 2 * (8.0 - left) / mean)
    assert float(p.forward) == float(p.backward)
    close(p.lines.stage_imbalance, 12 * (stage - mean) - (stage / mean - 1) * 12 * 2 * (8.0 - left))
    assert float(_passes(s, overlap=1.0, contention=1.0).lines.ep_comm) == 0.0
    little = LAYER._replace(forward=FORWARD._replace(ep_comm=0.25), backward=BACKWARD._replace(ep_comm=0.25))
    close(passes_time(toy(), ideal(overlap=0.001), s, little, 0.0).lines.ep_comm, 12 * 2 * (0.5 - 0.001 * 45.5))
    dense = LAYER._replace(forward=FORWARD._replace(ep_comm=0.0), backward=BACKWARD._replace(ep_comm=0.0))
    assert float(passes_time(toy(), ideal(contention=1.05), s, dense, 0.0).lines.ep_comm) == 0.0


def _paired(s: Setting, **numbers: float) -> float:
    return float(_passes(s._replace(schedule=float(Schedule.COMBINED)), **numbers).lines.ep_comm)


def test_expert_traffic_hides_behind_another_micro_batch() -> None:
    """8 s of traffic a layer behind 45.5 s of compute: half of it fits into a tenth of them and slows it by a twentieth.

    Two chunks on each of four stages: the last stage takes 1·4 + 1 chunks of the 24 before its first pair, so 19 of 24 hide it.
    """
    s = setting(pp=4.0, vpp=2.0, n_micro=12.0)
    some = 19 * (8.0 - 4.55 + 0.05 * 4.55) + 5 * 8.0
    close(_paired(s, overlap=0.1, contention=1.05), 12 * 2 * some / 24)
    close(_paired(s, overlap=1.0, contention=1.05), 12 * 2 * (19 * 0.05 * 8.0 + 5 * 8.0) / 24)
    close(_passes(s, overlap=1.0, contention=1.05).lines.ep_comm, 12 * 2 * 8.0)
    close(_paired(s._replace(recompute=float(Recompute.FULL)), overlap=1.0), 12 * 2 * 8.0)


def test_without_a_pipeline_the_first_forward_and_the_last_backward_pass_show_their_traffic() -> None:
    """Megatron-Core's guide: of N micro-batches N - 1 pairs."""
    close(_paired(setting(n_micro=1.0), overlap=1.0), 8 * 8.0)
    close(_paired(setting(n_micro=2.0), overlap=1.0, contention=1.05), 8 * (0.05 * 8.0 + 8.0))
    close(_paired(setting(n_micro=5.0), overlap=1.0), 8 * 8.0)


def test_combined_passes_wait_and_fill_as_a_pipeline_in_turns() -> None:
    """The same bubble, sends and sums as 1F1B with as many chunks; nothing is hidden where nothing is sent."""
    dense = LAYER._replace(forward=FORWARD._replace(ep_comm=0.0), backward=BACKWARD._replace(ep_comm=0.0))
    s = setting(pp=4.0, vpp=2.0, n_micro=12.0)
    plain, paired = (
        passes_time(toy(), ideal(nic=2.0), s._replace(schedule=float(code)), dense, 0.0)
        for code in (Schedule.ONE_F_ONE_B, Schedule.COMBINED)
    )
    assert plain == paired


def test_hidden_traffic_fills_no_wait_for_the_host() -> None:
    """A layer that would wait 3 s without expert traffic waits 1 s with it in sight, and 3 s where it is hidden."""
    waiting, s = LAYER._replace(waits=3.0), setting(n_micro=2.0)
    shown, hidden = (
        passes_time(toy(), ideal(overlap=1.0), s._replace(schedule=float(code)), waiting, 0.0)
        for code in (Schedule.ONE_F_ONE_B, Schedule.COMBINED)
    )
    close(shown.lines.launch, 2 * 8 * 1.0)
    close(hidden.lines.launch, 8 * 1.0 + 8 * 3.0)
    close(hidden.forward + hidden.backward, 8 * (F + B - 0.5 * 8.0 + 0.5 * 2.0) + ENDS)


# Replicas


@pytest.mark.parametrize(
    ("overlap", "contention", "added"), [(0.0, 1.5, 6.0), (0.5, 1.0, 4.0), (0.5, 1.5, 5.0), (2.0, 1.5, 3.0)]
)
def test_exposed_time_by_hand(overlap: float, contention: float, added: float) -> None:
    """6 s of traffic beside a window of 4 s."""
    close(exposed_time(6.0, 4.0, overlap, contention), added)


def test_optimizer_reads_and_writes_its_states_once() -> None:
    close(optimizer_time(10.0, 12.0, 4.0, 2.0, 5.0), 10 * (2 * 12 + 2 * 4 + 2) / 5)


SYNC = Sync(reduce=PerStep(8.0, 2.0), gather=PerStep(4.0, 0.5), again=0.0, copied=0.0, update=3.0, straggler_share=0.1)
PASSES = Passes(StepTime(*(1.0,) * 12, *(0.0,) * 4), forward=10.0, backward=20.0, summed=0.0)


@pytest.mark.parametrize(
    ("zero", "expected"),
    [
        (0, (8 + 5 * 2 - 0.5 * 20) + 0.2 * 0.5 * 20 + (4 + 5 * 1 - 0.5 * 10) + 0.2 * 0.5 * 10),
        (1, (8 + 5 * 2 - 0.5 * 20) + 0.2 * 0.5 * 20 + (4 + 5 * 1 - 0.5 * 10) + 0.2 * 0.5 * 10),
        (2, 0.2 * 18 + (9 - 5) + 0.2 * 5),  # reductions hide behind every backward pass
        (3, 0.2 * 27),  # and all of it behind every pass
    ],
)
def test_where_communication_hides(zero: int, expected: float) -> None:
    q = ideal(overlap=0.5, contention=1.2, step_overhead=0.75)
    step = close_step(q, setting(n_micro=5.0, zero=float(zero), dp=8.0), PASSES, SYNC)
    close(step.dp_comm, expected)
    close(step.optimizer, 3.0)
    close(step.host, 0.75)
    close(step.straggler, 0.1 * (12 + expected + 3.75))
    close(step.total, 1.1 * (12 + expected + 3.75))
    assert step.matmul == step.pp_comm == 1.0


def test_what_travels_once_a_step_may_have_nothing_beside_it() -> None:
    """A quarter of 8 s of gradients and of 4 s of weights hides as before; the rest stands alone."""
    q = ideal(overlap=0.5, contention=1.2, update_beside=0.25)
    step = close_step(q, setting(n_micro=5.0, zero=1.0, dp=8.0), PASSES, SYNC)
    close(step.dp_comm, 0.75 * 12 + (0.25 * 8 + 5 * 2 - 0.5 * 20) + 0.2 * 10 + (0.25 * 4 + 5 * 1 - 0.5 * 10) + 0.2 * 5)
    last = close_step(q.changed(update_beside=0.0), setting(n_micro=5.0, zero=2.0, dp=8.0), PASSES, SYNC)
    close(last.dp_comm, 12 + 0.2 * 10 + 0.2 * 5)


def _zero_bytes(zero: int, params: float, n: float) -> tuple[float, float, float, float]:
    """Bytes sent once and for each micro-batch: gradients, then weights (each time); 2 bytes an element, a ring over n."""
    ring = 2.0 * params * (n - 1) / n
    once = {0: 2 * ring, 1: ring, 2: 0.0, 3: 0.0}[zero]
    each = {0: 0.0, 1: 0.0, 2: ring, 3: ring}[zero]
    return once, each, ring if zero in (1, 2) else 0.0, ring if zero == 3 else 0.0


@pytest.mark.parametrize("zero", range(4))
def test_dense_and_expert_parameters_have_groups_of_their_own(zero: int) -> None:
    """TP 2, CP 2, DP 8: dense parameters have 16 replicas, experts split over 4 ranks of 2 have 4."""
    w = toy(4.0, n_dense=0.0, n_moe=4.0, p_attention=10.0, p_shared=6.0, n_experts=8.0, p_expert=100.0)
    q = ideal(link=1.0, domain=32.0, bandwidth=1.0, memory_efficiency=0.5, grad_comm_bytes=2.0, host_devices=8.0,
              straggler=0.1, optimizer_bytes=12.0, grad_bytes=4.0)  # fmt: skip
    s = setting(tp=2.0, cp=2.0, dp=8.0, ep=4.0, etp=2.0, zero=float(zero))
    dense, expert = 4 * 16.0 / 2, 4 * 8 * 100.0 / 8
    found = sync_time(w, q, s)
    sent = [a + b for a, b in zip(_zero_bytes(zero, dense, 16), _zero_bytes(zero, expert, 4), strict=True)]
    assert [float(v) for v in (*found.reduce, *found.gather)] == pytest.approx(sent)
    assert found.again == 0
    states = dense / (16 if zero else 1) + expert / (4 if zero else 1)
    close(found.update, states * (2 * 12 + 2 * 4 + 2) / 0.5)
    close(found.straggler_share, 0.1 * 2 / 3 * math.sqrt(2))  # four hosts


@pytest.mark.parametrize(("shard", "dense"), [(16.0, 4 * 16.0 / 2), (1.0, 0.0)])
def test_what_collectives_fill_is_copied_whenever_fully_sharded_states_meet(shard: float, dense: float) -> None:
    """Two gathers of 2 bytes read and written, gradients read in 2 bytes and written in 4, at half a byte a second."""
    w = toy(4.0, n_dense=0.0, n_moe=4.0, p_attention=10.0, p_shared=6.0, n_experts=8.0, p_expert=100.0)
    q = ideal(bandwidth=1.0, memory_efficiency=0.5, weight_bytes=4.0, grad_comm_bytes=4.0, copies=1.0)
    s = setting(tp=2.0, cp=2.0, dp=8.0, ep=4.0, etp=2.0, zero=3.0, shard=shard)
    expert = 4 * 8 * 100.0 / 8 if shard > 1 else 0.0
    close(sync_time(w, q, s).copied, (dense + expert) * (2 * (2 + 2) + (2 + 4)) / 0.5)
    close(sync_time(w._replace(frozen=1.0), q, s).copied, (dense + expert) * 2 * (2 + 2) / 0.5)
    for others in (sync_time(w, q, s._replace(zero=2.0)), sync_time(w, q.changed(copies=0.0), s)):
        close(others.copied, 0.0)


def test_nothing_hides_copies() -> None:
    """Five micro-batches of 7 s, beside passes that could hide all."""
    s, q = setting(n_micro=5.0, zero=3.0, dp=8.0), ideal(overlap=1.0)
    apart, copied = (close_step(q, s, PASSES, SYNC._replace(copied=c)).dp_comm for c in (0.0, 7.0))
    close(copied - apart, 35.0)


@pytest.mark.parametrize(("shard", "hosts"), [(16.0, 4.0), (8.0, 2.0), (2.0, 1.0)])
def test_every_gather_waits_for_the_slowest_host_that_shares_the_weights(shard: float, hosts: float) -> None:
    """TP 2 on hosts of 8: groups of 16 replicas span four hosts, of 8 two, of 2 half of one."""
    q = ideal(
        bandwidth=1.0, optimizer_bytes=12.0, grad_bytes=4.0, host_devices=8.0, straggler=0.1, straggler_gather=0.3
    )
    x, step = math.log2(hosts), 0.1 * 2 / 3 * math.sqrt(2)
    found = {z: sync_time(toy(1.0, p_dense=8.0), q, setting(tp=2.0, dp=16.0, zero=z, shard=shard)) for z in (1.0, 3.0)}
    close(found[1.0].straggler_share, step)
    close(found[3.0].straggler_share, step + 0.3 * x / (x + 1) * math.sqrt(x))


@pytest.mark.parametrize(("domain", "waiting"), [(1.0, 4.0), (8.0, 4.0), (16.0, 2.0), (32.0, 1.0), (4096.0, 1.0)])
def test_gathers_inside_a_scale_up_domain_wait_for_nobody(domain: float, waiting: float) -> None:
    """32 devices on hosts of 8: four hosts, two domains of 16, or one that holds them all."""
    q = ideal(domain=domain, host_devices=8.0, straggler_gather=0.3)
    x = math.log2(waiting)
    found = sync_time(toy(1.0, p_dense=8.0), q, setting(tp=2.0, dp=16.0, zero=3.0, shard=16.0))
    close(found.straggler_share, 0.3 * x / (x + 1) * math.sqrt(x))


def test_stride_decides_which_replicas_share_a_domain() -> None:
    """Replicas stand tp apart (experts ep·etp apart): of eight, two share a domain of eight at tp 4."""
    w, q = toy(1.0, p_dense=8.0), ideal(nic=1.0, domain=8.0)
    close(sync_time(w, q, setting(tp=4.0, dp=8.0)).reduce.once, 2 * 3 / 4 * (2.0 * 8 / 4) / 2)
    close(sync_time(w, q, setting(tp=4.0, dp=8.0, zero=1.0)).gather.once, 3 / 4 * (2.0 * 8 / 4) / 2)
    x = toy(1.0, n_dense=0.0, n_moe=1.0, n_experts=8.0, p_expert=8.0)
    e = setting(dp=16.0, ep=2.0, etp=2.0)
    close(sync_time(x, q, e).reduce.once, 2 * 1 / 2 * (2.0 * 16) / 2)
    close(sync_time(x, q, e._replace(zero=1.0)).gather.once, 1 / 2 * (2.0 * 16) / 2)


def test_states_in_the_host_are_updated_there() -> None:
    """Sixteen parameters on eight ranks: two each, 24 B of states, a quarter of which the host takes."""
    w = toy(1.0, p_dense=16.0)
    q = ideal(bandwidth=1.0, optimizer_bytes=12.0, grad_bytes=4.0, offload=1.0, host_capacity=6.0, host_link=2.0,
              host_bandwidth=4.0)  # fmt: skip
    here, there = 2 * (2 * 12 + 2 * 4 + 2) / 1.0, 2 * (4 + 2) / 2.0 + 2 * (2 * 12 + 4 * 4 + 2) / 4.0
    close(sync_time(w, q, setting(dp=8.0, zero=1.0)).update, 0.75 * here + 0.25 * there)


def test_sharding_inside_a_group_sums_across_groups() -> None:
    """Sixteen replicas in groups of four: scatter 3/4 inside, sum a quarter over four groups that stand 4 apart."""
    q = ideal(link=1.0, domain=64.0, grad_comm_bytes=2.0, weight_bytes=2.0)
    for zero, once, each in ((1, 2.0 * 3 / 4 + 2 * 3 / 4 * 0.5, 0.0), (2, 2 * 3 / 4 * 0.5, 2.0 * 3 / 4)):
        found = gradient_time(1.0, 16.0, 4.0, 1.0, zero, 0.0, q)
        close(found.once, once)
        assert float(found.each) == pytest.approx(each)
    near = ideal(link=1.0, nic=0.1, domain=8.0, grad_comm_bytes=2.0)
    across = 2 * (1 / 2 * 0.5 / 1.0 + 1 / 2 * 0.5 / 2 / 0.1)  # two of the four groups share a domain
    close(gradient_time(1.0, 16.0, 4.0, 1.0, 2, 0.0, near).once, across)
    assert float(parameter_time(1.0, 4.0, 1.0, 0, 0.0, q).once) == 0.0


def test_weights_are_gathered_in_the_format_of_messages() -> None:
    """A device keeps three bytes a weight in 8 bit, the copy to multiply with and one of 16 bit, and sends the latter."""
    q = ideal(link=1.0, domain=64.0, weight_bytes=3.0, comm_bytes=2.0)
    close(parameter_time(8.0, 4.0, 1.0, 3, 0.0, q).each, 8 * 2.0 * 3 / 4)
    close(parameter_time(8.0, 4.0, 1.0, 1, 0.0, q.changed(weight_bytes=1.0)).once, 8 * 1.0 * 3 / 4)


def test_scattered_gradients_that_nothing_is_computed_beside() -> None:
    """Twelve seconds of passes hide the gathers and, where software lets them, the scatters."""
    passes = Passes(StepTime(*([0.0] * 16)), 4.0, 8.0, 0.0)
    sync = Sync(PerStep(1.0, 3.0), PerStep(0.0, 2.5), 0.0, 0.0, 0.0, 0.0)
    s = setting(zero=3.0, n_micro=2.0)
    together = close_step(ideal(overlap=0.5), s, passes, sync).dp_comm
    close(together, (1 + 6 + 10) - 0.5 * 2 * 12)
    for share, alone in ((0.0, 6.0), (0.5, 3.0)):
        close(
            close_step(ideal(overlap=0.5, scatter_beside=share), s, passes, sync).dp_comm,
            alone + max(0.0, 17 - alone - 12),
        )


def test_sharding_groups_and_part_filled_hosts() -> None:
    """Groups of four hold a quarter each; no group is larger than the replicas; twelve devices stand on two hosts."""
    w, q = (
        toy(1.0, p_dense=8.0),
        ideal(bandwidth=1.0, optimizer_bytes=12.0, grad_bytes=4.0, host_devices=8.0, straggler=0.1),
    )
    for shard, share in ((4.0, 4), (16.0, 16), (64.0, 16)):
        close(sync_time(w, q, setting(dp=16.0, zero=1.0, shard=shard)).update, 8 / share * (2 * 12 + 2 * 4 + 2))
    close(sync_time(w, q, setting(dp=12.0)).straggler_share, 0.1 / 2)


def test_layer_times_depend_on_these() -> None:
    s = setting(tp=2.0, cp=3.0, ep=4.0, etp=5.0, sp=0.5, micro_batch=7.0, pp=11.0, dp=13.0)
    assert layer_key(s) == (2.0, 3.0, 4.0, 5.0, 0.5, 7.0)


# Sums of gradients


@pytest.mark.parametrize(("zero", "ranks"), [(0, 1), (1, 1), (2, 8), (3, 8)])
def test_sharded_gradients_are_summed_by_the_rank_that_keeps_them(zero: int, ranks: int) -> None:
    """12 s of sums a step where every rank adds up all that it made; of eight ranks that share them each an eighth."""
    passes = PASSES._replace(summed=12.0)
    q = ideal(overlap=0.5, contention=1.2, step_overhead=0.75)
    for shard in (8.0, 4.0):
        s = setting(n_micro=5.0, zero=float(zero), dp=8.0, shard=shard)
        step, plain = close_step(q, s, passes, SYNC), close_step(q, s, PASSES, SYNC)
        close(step.elementwise - plain.elementwise, 12.0 / (shard if ranks > 1 else 1.0))
        close(step.total - plain.total, 1.1 * 12.0 / (shard if ranks > 1 else 1.0))
        assert step._replace(elementwise=0.0, straggler=0.0) == plain._replace(elementwise=0.0, straggler=0.0)


def test_sums_of_all_micro_batches() -> None:
    """1.25 s a layer and 3 s for the head, with every micro-batch; none of it in a line of the passes."""
    close(_passes(setting(n_micro=5.0)).summed, 5 * (8 * 1.25 + 3.0))
    none = passes_time(toy(), ideal(), setting(n_micro=5.0), LAYER._replace(summed=0.0, head_summed=0.0), 0.0)
    assert none == _passes(setting(n_micro=5.0))._replace(summed=0.0)


@pytest.mark.parametrize(
    ("schedule", "vpp"),
    [(Schedule.ONE_F_ONE_B, 1.0), (Schedule.ONE_F_ONE_B, 2.0), (Schedule.ZERO_BUBBLE, 1.0), (Schedule.DUALPIPE, 1.0)],
)
def test_sums_of_a_pipeline(schedule: int, vpp: float) -> None:
    """The fullest stage's share with each micro-batch; of 1F1B that of the other stages once, while it fills and drains."""
    s = setting(pp=4.0, n_micro=12.0, vpp=vpp, schedule=float(schedule))
    p = _passes(s)
    stage, work, whole = float(p.forward + p.backward), 8 * (F + B) + ENDS, 8 * 1.25 + 3.0
    fills = schedule == Schedule.ONE_F_ONE_B
    close(p.summed, whole * stage / work * 12 + (whole * (work - stage) / work / vpp if fills else 0.0))


# Where the head lies


def test_the_head_on_the_last_stage() -> None:
    """Two layers to each of four stages and the ends besides, or dealt around them: 3 layers where the ends are."""
    work, equal = 8 * (F + B) + ENDS, 2 * (F + B) + ENDS
    s = setting(pp=4.0, n_micro=12.0)
    p, dealt = _passes(s, head_last=1.0), _passes(s)
    close(p.forward + p.backward, equal)
    assert float(dealt.forward + dealt.backward) < equal
    close(p.lines.stage_imbalance, 12 * (equal - work / 4))
    close(p.lines.bubble, work - equal)
    close(p.lines.total, 12 * equal + (work - equal))
    close(p.lines.head, 12 * ENDS / 4)
    assert _passes(setting(n_micro=5.0), head_last=1.0) == _passes(setting(n_micro=5.0)), "no pipeline, no last stage"


@pytest.mark.parametrize(
    ("n_layers", "pp", "vpp", "ends", "expected"),
    [(8, 4, 1, 0.0, 2.0), (8, 4, 1, 1.5, 3.5), (9, 4, 1, 1.5, 3.0), (14, 2, 2, 1.5, 8.0), (8, 1, 1, 1.5, 9.5)],
)
def test_layers_dealt_evenly_with_the_ends_besides(
    n_layers: float, pp: float, vpp: float, ends: float, expected: float
) -> None:
    close(fullest_stage(n_layers, pp, vpp, 2.0, 2.0 * ends, 1.0), 2.0 * expected)
    assert float(fullest_stage(n_layers, pp, vpp, 2.0, 2.0 * ends, 0.0)) <= 2.0 * expected

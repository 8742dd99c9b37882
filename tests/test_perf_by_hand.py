"""Layers, passes and steps on machines so simple that the answer is counted by hand.

A machine of 1 FLOP/s and nothing else to wait for takes as many seconds as there are FLOPs; one of 1 byte/s of memory or
of one link as many as there are bytes.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from carbonscaling.perf import collectives, experts, gemm, pipeline
from carbonscaling.perf.attention import explicit_softmax_bytes
from carbonscaling.perf.goodput import run_time
from carbonscaling.perf.layer import LayerKey, LayerTimes, layer_times
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.numbers import Schedule, Workload
from carbonscaling.perf.offload import offloaded_share
from samples import machine_of, work_of

FAST = 1e30


def ideal(**changes: float) -> Machine:
    """A machine that waits for nothing, with some changes."""
    base: dict[str, Any] = dict.fromkeys(Machine._fields, 0.0)
    base |= dict.fromkeys(
        ("peak", "peak_attention", "peak_mfu", "peak_head", "bandwidth", "link", "nic", "capacity"), FAST
    )
    base |= dict.fromkeys(("host_link", "host_bandwidth"), FAST)
    base |= dict.fromkeys(("cores", "host_devices", "domain", "flash"), 1.0)
    base |= dict.fromkeys(("gemm_efficiency", "head_efficiency", "grouped_efficiency", "batched_efficiency"), 1.0)
    base |= dict.fromkeys(("memory_efficiency", "exchange"), 1.0)
    base |= dict.fromkeys(("attention_forward", "attention_backward", "elementwise", "imbalance", "contention"), 1.0)
    base |= dict.fromkeys((n for n in Machine._fields if n.endswith("_bytes") and n != "framework_bytes"), 2.0)
    base |= {"tile_m": 0.5, "tile_n": 0.5, "axis_length": 2.0, "relay": 1.0, "redo_last": 1.0, "scatter_beside": 1.0}
    base |= {"gathers": 2.0, "sum_bytes": 0.0, "update_beside": 1.0}
    return Machine(**(base | changes))


def layer(work: Workload, machine: Machine, **key: float) -> LayerTimes:
    base = dict(tp=1.0, cp=1.0, ep=1.0, etp=1.0, sp=0.0, micro_batch=1.0)
    return layer_times(work, machine, LayerKey(**(base | key)))


def close(value: Any, expected: float) -> None:
    assert float(value) == pytest.approx(expected, rel=1e-9)


DENSE, MOE, MLA = "llama-3-8b", "mixtral-8x7b", "deepseek-v2-lite"
S = 2048


# Matrix multiplications


@pytest.mark.parametrize(
    ("m", "n", "k", "tile", "share"),
    [
        (1024, 512, 700, (256, 128), 1.0),  # whole tiles, as they lie
        (1024, 512, 700, (128, 256), 1.0),
        (128, 2560, 700, (128, 256), 1.0),  # only the tile the other way round fits the rows
        (384, 384, 700, (128, 128), 0.92),  # large tiles would waste a quarter
        (64, 64, 700, (64, 64), 0.80),
    ],
)
def test_the_best_tile_wins(m: int, n: int, k: int, tile: tuple[int, int], share: float) -> None:
    """One processor, so that no wave is part-filled: the padded area decides."""
    rows, columns = (math.ceil(m / tile[0]) * tile[0], math.ceil(n / tile[1]) * tile[1])
    expected = 2 * rows * columns * (k + 50) / share / 1e12
    close(gemm.gemm_time(1, m, n, k, 2e12, 0.5, 50, 1, 256, 128, 0.0, FAST, 1.0, 2), expected)


def test_the_inner_dimension_is_split_where_processors_would_idle() -> None:
    """One 128 x 128 tile on eight processors: four take a quarter of k = 4096 each and write sums of 4 bytes, half hidden."""
    bandwidth = 1e10
    quarter = 2 * 8 * 128 * 128 * (1024 + 50) / (1e12 * 0.92) + 4 * 0.5 * 4 * 128 * 128 / bandwidth
    move = 2 * (2 * 128 * 4096 + 128 * 128) / bandwidth
    expected = (quarter**4 + move**4) ** 0.25
    close(gemm.gemm_time(1, 128, 128, 4096, 2e12, 0.5, 50, 8, 256, 128, 0.0, bandwidth, 1.0, 2), expected)


@pytest.mark.parametrize(("cores", "parts"), [(2, 2), (4, 4)])
def test_every_processor_gets_a_part_of_the_inner_dimension(cores: int, parts: int) -> None:
    """One tile on two or four processors, operands for nothing: equal parts and as many sums of 4 bytes, half hidden."""
    bandwidth = 1e10
    expected = 2 * cores * 128 * 128 * (4096 / parts + 50) / (1e12 * 0.92) + parts * 0.5 * 4 * 128 * 128 / bandwidth
    close(gemm.gemm_time(1, 128, 128, 4096, 2e12, 0.5, 50, cores, 256, 128, 0.0, bandwidth, 1.0, 0.0), expected)


def test_waves_of_tiles() -> None:
    """Three multiplications of 2 x 4 tiles are 24 tiles: three waves of ten processors."""
    close(gemm.tiled_flops(3, 300, 500, 700, 256, 128, 10, 64), 2 * 10 * 3 * 256 * 128 * (700 + 64))


def test_the_corner_of_the_roofline() -> None:
    """Where compute and traffic take equally long, the fourth-power mean is 2^(1/4) of either; the launch comes on top."""
    m, n, k = 256, 256, 512
    flops, size = 2 * m * n * k, 2 * (m * k + k * n + m * n)
    time = gemm.gemm_time(1, m, n, k, flops / 0.8, 0.8, 0, 1, 256, 256, 0.5, size / 0.7, 0.7, 2)
    close(time, 0.5 + 2**0.25)
    close(gemm.gemm_time(3, m, n, k, FAST, 1, 0, 1, 256, 256, 0, size, 1, 2), 3.0)


def test_systolic_array_by_hand() -> None:
    """Two folds of k, three of n, each 2·rows + columns + m - 2 cycles (Samajdar 2020, equation 1)."""
    close(gemm.systolic_cycles(100, 130, 70, 64, 48), 2 * 3 * (2 * 64 + 48 + 100 - 2))


# Collectives


def test_latencies_of_both_tiers() -> None:
    """Eight ranks in a domain are six hops of a tree, sixteen domains eight."""
    time = collectives.all_gather_time(0.0, 128.0, 8.0, 1.0, 1.0, 1.0, 100.0)
    close(time, 6 * 1.0 + 8 * 100.0)
    close(collectives.all_gather_time(0.0, 3.0, 3.0, 1.0, 1.0, 1.0, 100.0), 2.0)


@pytest.mark.parametrize(
    ("n", "inner", "remote", "expected"),
    [
        (8, 8, 0.0, 7 / 8 * 800 / 10 + 1),  # inside a domain
        (64, 8, 6.0, 6.0 / 0.5 + 1 + 100),  # the network takes longer
        (64, 8, 1.0, 7 / 64 * 800 / 10 + 1 + 100),  # the links take longer
        (2, 2, 0.0, 1 / 2 * 800 / 10 + 1),
        (1, 1, 0.0, 0.0),
    ],
)
def test_all_to_all_by_hand(n: float, inner: float, remote: float, expected: float) -> None:
    close(collectives.all_to_all_time(800.0, remote, n, inner, 10.0, 0.5, 1.0, 100.0), expected)


@pytest.mark.parametrize(("n", "share"), [(2, 1 / 7), (4, 3 / 7), (8, 1.0), (64, 1.0), (1, 1 / 7)])
def test_a_mesh_uses_the_links_to_the_group(n: int, share: float) -> None:
    close(collectives.group_bandwidth(6.0, n, 0.0, 2.0, 7.0), 6.0 * share)


@pytest.mark.parametrize(
    ("n", "length", "axes"), [(2, 2, 1), (3, 2, 2), (8, 2, 3), (16, 16, 1), (17, 16, 2), (32, 16, 2), (64, 4, 3)]
)
def test_axes_that_a_group_needs(n: int, length: int, axes: int) -> None:
    """As many axes as whole rings hold the group."""
    close(collectives.group_bandwidth(6.0, n, 3.0, length, 0.0), 6.0 * axes / 3)


def test_a_mesh_of_two_has_one_link() -> None:
    close(collectives.group_bandwidth(6.0, 2, 0.0, 2.0, 1.0), 6.0)


def test_remote_tokens_by_hand() -> None:
    """16 ranks in two domains: half of the copies leave the domain."""
    close(experts.remote_dispatch_bytes(100, 2, 10, 2, 16, 8), 100 * 2 * 0.5 * 10 * 2)
    close(experts.remote_dispatch_bytes(100, 2, 10, 2, 8, 8), 0.0)
    close(experts.dispatch_bytes(100, 3, 10, 2), 100 * 3 * 10 * 2)


@pytest.mark.parametrize(
    ("top_k", "limit", "domains", "relay", "expected"),
    [
        (8, 8, 1, 1, 1.0),  # one domain holds all
        (1, 1, 4, 1, 1.0),
        (2, 2, 2, 1, 1.5),  # the second expert lies in the first one's domain half of the time
        (2, 2, 4, 1, 1.5),  # as many domains as choices at most
        (3, 8, 2, 1, 1.75),
        (8, 4, 8, 1, 4 * (1 - 0.75**8)),
        (8, 4, 8, 0, 8.0),  # a copy for every expert
        (2, 2, 2, 0.5, 1.75),
    ],
)
def test_copies_of_a_token(top_k: float, limit: float, domains: float, relay: float, expected: float) -> None:
    close(experts.copies_per_token(top_k, limit, domains, relay), expected)


def test_copies_of_a_token_are_counted_as_drawn() -> None:
    """A hundred thousand tokens with three experts each, drawn over four domains, reach 4·(1 − (3/4)³) of them."""
    drawn = np.random.default_rng(0).integers(0, 4, size=(100_000, 3))
    reached = np.mean([len(set(row)) for row in drawn.tolist()])
    assert reached == pytest.approx(float(experts.copies_per_token(3, 8, 4, 1)), rel=5e-3)


def test_bytes_a_score() -> None:
    """Two bytes each: the softmax reads and writes, the dropout too with a byte of mask; backward the softmax reads twice."""
    close(explicit_softmax_bytes(3, 5, 7, 0.0, 0.0), (1 + 2 + 2 + 2 + 1) * 3 * 5 * 7)
    close(explicit_softmax_bytes(3, 5, 7, 1.0, 0.0), (2 + 2 + 1 + 1 + 1 + 2) * 3 * 5 * 7)
    close(explicit_softmax_bytes(3, 5, 7, 0.0, 1.0), (4 + 5 + 4 + 5) * 3 * 5 * 7)
    close(explicit_softmax_bytes(3, 5, 7, 1.0, 1.0), (5 + 6 + 5 + 4) * 3 * 5 * 7)


def test_run_time_is_steps_and_overhead() -> None:
    close(run_time(1000.0, 2.0, 1.25), 2500.0)


# Pipeline


def test_bubbles_never_fall_below_nought() -> None:
    """A weight pass longer than a forward and backward pass leaves nothing to wait for."""
    for schedule in (Schedule.ZERO_BUBBLE, Schedule.DUALPIPE):
        assert float(pipeline.bubble_time(8, 1, 1.0, 1.0, 5.0, schedule)) == 0.0
        assert float(pipeline.bubble_time(1, 1, 1.0, 2.0, 0.5, schedule)) == 0.0


@pytest.mark.parametrize(
    ("schedule", "n_micro", "expected"), [(0, 2, 2.0), (0, 4, 4.0), (1, 3, 3.0), (2, 3, 3.0), (2, 99, 5.0)]
)
def test_no_more_in_flight_than_there_are(schedule: int, n_micro: int, expected: float) -> None:
    close(pipeline.layers_in_flight(10, 4, 1, n_micro, schedule), 10 * expected)


@pytest.mark.parametrize(
    ("layers", "pp", "percent", "share"),
    [(96, 8, 25, 3 / 12), (96, 8, 30, 4 / 12), (61, 16, 50, 2 / 4), (8, 1, 100, 1.0)],
)
def test_whole_layers_recompute(layers: int, pp: int, percent: int, share: float) -> None:
    close(pipeline.recomputed_share(layers, pp, 1, percent), share)


# One layer: FLOPs


def _weights(model: str) -> tuple[float, float]:
    """Multiplied weights a token meets in the mean layer's attention, and in its feed-forward block (router included)."""
    w = work_of(model)
    mixers = {
        DENSE: (4096 * (4096 + 2 * 1024) + 4096 * 4096, 3 * 4096 * 14336),
        MOE: (4096 * (4096 + 2 * 1024) + 4096 * 4096, 2 * 3 * 4096 * 14336 + 4096 * 8),
        # Multi-head latent attention: 16 heads of 128 + 64, a latent of 512 + 64; one dense layer of 27.
        MLA: (
            2048 * (512 + 64) + 2048 * 16 * 192 + 512 * 16 * (128 + 128) + 16 * 128 * 2048,
            (1 * 3 * 2048 * 10944 + 26 * (3 * 2048 * 1408 * (6 + 2) + 2048 * 64)) / 27,
        ),
    }
    assert w.d_model in (4096, 2048)
    return mixers[model]


@pytest.mark.parametrize("model", [DENSE, MOE, MLA])
def test_two_flops_a_weight_forward_and_four_backward(model: str) -> None:
    q = ideal(peak=1.0)
    found = layer(work_of(model), q, micro_batch=3.0)
    weights = sum(_weights(model))
    close(found.forward.matmul, 2 * 3 * S * weights)
    close(found.backward.matmul, 4 * 3 * S * weights)
    close(found.weight, 2 * 3 * S * weights)


@pytest.mark.parametrize("degree", [dict(tp=4.0), dict(cp=4.0)])
@pytest.mark.parametrize("model", [DENSE, MOE])
def test_splitting_splits_the_flops(model: str, degree: dict[str, float]) -> None:
    q, w = ideal(peak=1.0), work_of(model)
    whole, part = layer(w, q), layer(w, q, **degree)
    close(part.forward.matmul * 4, float(whole.forward.matmul))
    close(part.backward.matmul * 4, float(whole.backward.matmul))
    close(part.head_forward * 4, float(whole.head_forward))
    close(part.boundary_bytes * 4, float(whole.boundary_bytes))


def test_the_latent_projection_is_not_split() -> None:
    """Megatron-LM computes MLA's joint down-projection on every tensor rank."""
    q, w = ideal(peak=1.0), work_of(MLA)
    latent = 2 * S * 2048 * (512 + 64)
    whole, part = (float(layer(w, q, tp=t).forward.matmul) for t in (1.0, 4.0))
    close(4 * (part - latent), whole - latent)


def test_experts_run_at_their_own_efficiency_and_imbalance() -> None:
    """Mixtral: each rank computes its tokens' two experts, and 1.25 times that on the busiest."""
    w = work_of(MOE)
    routed = 2 * S * 2 * 3 * 4096 * 14336
    rest = 2 * S * (_weights(MOE)[0] + 4096 * 8)
    for ep in (1.0, 2.0, 8.0):
        q = ideal(peak=1.0, grouped_efficiency=0.5, imbalance=1.25)
        close(layer(w, q, ep=ep).forward.matmul, rest + routed * 1.25 / 0.5)
    close(layer(w, ideal(peak=1.0), ep=4.0, etp=2.0, tp=2.0).forward.matmul, (rest + routed) / 2)


@pytest.mark.parametrize(("model", "width", "tied_logits"), [(DENSE, 4096 * 128256, 1), (MOE, 4096 * 32000, 1)])
def test_head_flops(model: str, width: float, tied_logits: int) -> None:
    found = layer(work_of(model), ideal(peak_head=1.0), micro_batch=2.0, tp=2.0)
    close(found.head_forward, 2 * 2 * S * width * tied_logits / 2)
    close(found.head_backward, 4 * 2 * S * width * tied_logits / 2)
    twice = layer(work_of(model)._replace(n_logits=2.0), ideal(peak_head=1.0), micro_batch=2.0, tp=2.0)
    close(twice.head_forward, 2 * float(found.head_forward))
    close(twice.head_backward, 2 * float(found.head_backward))


def test_attention_flops_fused_and_explicit() -> None:
    """Half the scores are masked: fused kernels skip them and compute 2.5 times forward again, explicit ones do neither."""
    w = work_of(DENSE)
    span = S / 2
    assert w.span == span
    flops = 2 * 2 * S * span * 4096 / 4
    fused = layer(w, ideal(peak_attention=1.0, attention_forward=0.5, attention_backward=0.25), tp=4.0)
    close(fused.forward.attention, flops / 0.5)
    close(fused.backward.attention, flops * 2.5 / 0.25)
    explicit = layer(w, ideal(peak_attention=1.0, flash=0.0, batched_efficiency=0.5), tp=4.0)
    close(explicit.forward.attention, flops * S / span / 0.5)
    close(explicit.backward.attention, 2 * flops * S / span / 0.5)
    assert float(fused.selective) < 1e-9
    close(explicit.selective, float(explicit.forward.attention))


def test_explicit_attention_moves_its_operands_and_scores() -> None:
    """Two products forward and four backward, each with its operands and result; 8 and 9 bytes a score between them.

    18 and 20 where scale, mask and softmax are kernels of their own.
    """
    w, heads = work_of(DENSE), 32 / 2
    product = 2 * heads * (S * 128 + 128 * S + S * S)
    for separate, forward, backward in ((0.0, 8, 9), (1.0, 18, 20)):
        q = ideal(bandwidth=1.0, memory_efficiency=0.5, elementwise=3.0, flash=0.0, separate=separate)
        found = layer(w, q, tp=2.0)
        close(found.forward.attention, (2 * product + forward * heads * S * S) / 0.5)
        close(found.backward.attention, (4 * product + backward * heads * S * S) / 0.5)


# One layer: element-wise traffic


def _wide(h: float, tp: float = 1.0, sp: float = 0.0, cast: float = 0.0) -> float:
    """Two norms read and write, two sums read two and write one: ten passes."""
    return (2 * 2 + 2 * 3 + cast) * h / (tp if sp else 1.0)


@pytest.mark.parametrize(("tp", "sp", "cast"), [(1.0, 0.0, 0.0), (4.0, 0.0, 0.0), (4.0, 1.0, 0.0), (4.0, 1.0, 6.0)])
def test_elementwise_bytes_of_a_dense_layer(tp: float, sp: float, cast: float) -> None:
    """Rotary embeddings read and write queries, keys and values; the gated activation reads two and writes one."""
    w = work_of(DENSE)
    q = ideal(bandwidth=1.0, memory_efficiency=0.5, elementwise=1.5, cast_passes=cast, comm_bytes=2.0)
    width = _wide(4096, tp, sp, cast) + (2 * (4096 + 2 * 1024) + (3 + cast / 2) * 14336) / tp
    found = layer(w, q, tp=tp, sp=sp, micro_batch=2.0)
    close(found.forward.elementwise, 2 * 2 * S * width * 1.5 / 0.5)
    close(found.backward.elementwise, 2 * float(found.forward.elementwise))
    close(found.selective, 0.5 * float(found.forward.elementwise))


@pytest.mark.parametrize(("sp", "ranks"), [(0.0, 1), (1.0, 2)])
def test_norms_without_a_kernel_pass_over_the_residual_stream(sp: float, ranks: int) -> None:
    q = ideal(bandwidth=1.0, comm_bytes=2.0)
    fused, unfused = (layer(work_of(DENSE), q._replace(norm_passes=n), tp=2.0, sp=sp) for n in (0.0, 32.0))
    close(unfused.forward.elementwise - fused.forward.elementwise, 2 * S * 32 * 4096 / ranks)


def test_rotary_embeddings_and_gates_operation_by_operation() -> None:
    """Llama-3-8B: 4,096 query and 1,024 key elements a token, 14,336 gated ones; tensor ranks share them."""
    q = ideal(bandwidth=1.0, comm_bytes=2.0)
    fused, eager = (layer(work_of(DENSE), q._replace(head_passes=n, gate_passes=n / 4), tp=2.0) for n in (0.0, 8.0))
    close(eager.forward.elementwise - fused.forward.elementwise, 2 * S * (8 * (4096 + 1024) + 2 * 14336) / 2)
    plain, same = (layer(work_of("gpt-3-175b"), q._replace(gate_passes=n)) for n in (0.0, 2.0))
    assert plain == same


def test_elementwise_bytes_of_an_expert_layer() -> None:
    """Tokens are permuted there and back: read and written twice for each of their experts, rows beyond the mean included."""
    w = work_of(MOE)
    q = ideal(bandwidth=1.0, imbalance=1.5)
    for ep in (1.0, 8.0):
        width = _wide(4096) + 2 * (4096 + 2048) + 3 * 14336 * 2 * 1.5 + 4 * 2 * 4096
        close(layer(w, q, ep=ep).forward.elementwise, 2 * S * width)
        split = _wide(4096) + (2 * (4096 + 2048) + 3 * 14336 * 2 * 1.5 + 4 * 2 * 4096) / 2
        close(layer(w, q, ep=ep, tp=2.0).forward.elementwise, 2 * S * split)


def test_shared_and_dense_blocks_count_in_their_shares() -> None:
    """DeepSeek-V2-Lite: 26 of 27 layers have experts, two of them shared."""
    w = work_of(MLA)
    ff = (1 * 10944 + 26 * (6 * 1408 + 2 * 1408)) / 27
    heads = 16 * 192 + 16 * (128 + 64 + 128)
    width = _wide(2048) + 2 * heads + 3 * ff + 26 / 27 * 4 * 6 * 2048
    close(layer(w, ideal(bandwidth=1.0)).forward.elementwise, 2 * S * width)
    split = _wide(2048) + (2 * heads + 3 * ff + 26 / 27 * 4 * 6 * 2048) / 2
    close(layer(w, ideal(bandwidth=1.0), tp=2.0, etp=2.0).forward.elementwise, 2 * S * split)


def test_selective_recomputation_repeats_the_up_projections_of_mla() -> None:
    again = 2 * S * (2048 * 16 * 192 + 512 * 16 * (128 + 128))
    close(layer(work_of(MLA), ideal(peak=1.0)).selective, again)


@pytest.mark.parametrize(
    ("model", "weights"),
    [
        (DENSE, 4096 * 14336),
        ("palm-8b", 4096 * 16384 + 4096 * 4096),  # one sum of feed-forward and attention: both last products
        (MOE, 0),  # the gates' gradient needs the experts' results
    ],
)
def test_the_last_products_are_those_that_nothing_in_the_layer_reads(model: str, weights: float) -> None:
    close(layer(work_of(model), ideal(peak=1.0)).last, 2 * S * weights)


def test_shared_experts_and_dense_blocks_end_in_products_of_their_own() -> None:
    w = work_of(MLA)
    moe = w.n_moe / (w.n_moe + w.n_dense)
    close(layer(w, ideal(peak=1.0)).last, 2 * S * 2048 * (moe * w.d_ff_shared + (1 - moe) * w.d_ff))


@pytest.mark.parametrize(("sp", "share"), [(0.0, 1.0), (1.0, 0.5)])
def test_the_last_reduction_goes_with_the_last_product(sp: float, share: float) -> None:
    """Of two reductions a pass the last; split sequences still gather what the layer starts from."""
    found = layer(work_of(DENSE), ideal(link=1.0, domain=8.0, tp_overlap=0.25), tp=4.0, sp=sp)
    close(found.last, share * float(found.forward.tp_comm) / 2)


def test_the_last_residual_sum_reads_two_and_writes_one() -> None:
    q = ideal(bandwidth=1.0, elementwise=1.5, act_bytes=0.0)
    assert float(layer(work_of(DENSE), q).last) == pytest.approx(2 * S * 3 * 4096 * 1.5, rel=1e-9)


def test_the_head_in_a_format_of_its_own() -> None:
    """A quarter of the peak, at half the efficiency: eight times as long; its prologue is that of the slower format."""
    fast = layer(work_of(DENSE), ideal(peak=4.0, peak_head=4.0, gemm_k_half=4096.0), tp=2.0)
    slow = layer(work_of(DENSE), ideal(peak=4.0, peak_head=1.0, head_efficiency=0.5, gemm_k_half=4 * 4096.0), tp=2.0)
    close(slow.head_forward, 8 * float(fast.head_forward))
    close(slow.head_backward, 8 * float(fast.head_backward))
    close(fast.forward.matmul, float(layer(work_of(DENSE), ideal(peak=4.0, gemm_k_half=4096.0), tp=2.0).forward.matmul))


def test_a_head_in_a_faster_format_keeps_its_prologue() -> None:
    fast = layer(work_of(DENSE), ideal(peak=4.0, peak_head=4.0, gemm_k_half=4096.0))
    faster = layer(work_of(DENSE), ideal(peak=2.0, peak_head=4.0, gemm_k_half=4096.0))
    close(faster.head_forward, float(fast.head_forward))


@pytest.mark.parametrize(("tp", "ep", "etp"), [(1.0, 1.0, 1.0), (2.0, 4.0, 1.0), (4.0, 2.0, 2.0)])
def test_sums_of_gradients_move_every_weight_of_the_rank(tp: float, ep: float, etp: float) -> None:
    """Mixtral: attention, norms (32 layers share the last), router, a share of the experts: 10 bytes a backward pass."""
    w, q = work_of(MOE), ideal(bandwidth=1.0, memory_efficiency=0.5, elementwise=1.5)
    key = dict(tp=tp, ep=ep, etp=etp)
    plain, summed = layer(w, q, **key), layer(w, q._replace(sum_bytes=10.0), **key)
    shared = 4096 * (2 * 4096 + 2 * 1024) + (2 + 1 / 32) * 4096 + 8 * 4096
    weights = shared / tp + 3 * 4096 * 14336 * 8 / (ep * etp)
    close(summed.backward.elementwise - plain.backward.elementwise, 10 * weights * 1.5 / 0.5)
    close(summed.forward.total, float(plain.forward.total))
    close(summed.head_backward - plain.head_backward, 10 * 32000 / tp * 4096 * 1.5 / 0.5)


def test_launches_of_kernels() -> None:
    """Eight element-wise kernels a dense block, twenty more for gating, sorting and index kernels of an expert block."""
    q = ideal(kernel_latency=1.0)
    for model, kernels in ((DENSE, 8.0), (MOE, 28.0), (MLA, 8 + 20 * 26 / 27)):
        close(layer(work_of(model), q).forward.elementwise, kernels)


def test_bytes_of_both_ends() -> None:
    """The loss reads 16-bit logits and works on them in float32: 14 bytes a logit; the embedding moves three widths.

    Each product of the head moves its operands and result in the format of the residual stream.
    """
    q = ideal(bandwidth=1.0, memory_efficiency=0.5)._replace(act_bytes=0.0)
    found = layer(work_of(DENSE), q, tp=2.0, micro_batch=3.0)
    tokens, split = 3 * S, 128256 / 2
    product = 2 * (tokens * 4096 + 4096 * split + tokens * split)
    close(found.head_forward, (14 * tokens * split + product) / 0.5)
    close(found.head_backward, (14 * tokens * split + 2 * product) / 0.5)
    close(found.embedding, 3 * 2 * 3 * S * 4096 / 0.5)
    assert float(layer(work_of(DENSE)._replace(vocab_size=0.0), q).embedding) == 0.0


def test_boundary_bytes() -> None:
    """Each tensor rank sends its share of the activations (Narayanan 2021, section 4.1)."""
    close(layer(work_of(DENSE), ideal(comm_bytes=2.0), tp=4.0, micro_batch=3.0, cp=2.0).boundary_bytes,
          3 * S / 2 * 4096 * 2 / 4)  # fmt: skip


# One layer: traffic


def test_two_all_reduces_a_pass() -> None:
    """Shoeybi 2019: one after attention, one after the feed-forward block; parallel blocks share one."""
    q = ideal(link=1.0, domain=8.0, tp_overlap=0.25, comm_bytes=2.0)
    one = 2 * 7 / 8 * S * 4096 * 2
    for model, times in ((DENSE, 2.0), ("palm-8b", 1.0)):
        found = layer(work_of(model), q, tp=8.0)
        close(found.forward.tp_comm, 0.75 * times * one)
        close(found.backward.tp_comm, 0.75 * times * one)


def test_experts_need_an_all_reduce_only_where_they_are_shared() -> None:
    """Ranks that split an expert gather each other's routed tokens and scatter their sums instead."""
    q = ideal(link=1.0, domain=8.0)
    one = 2 * 7 / 8 * S * 4096 * 2
    close(layer(work_of(MOE), q, tp=8.0).forward.tp_comm, one)
    split = layer(work_of(MOE), q, tp=8.0, etp=8.0).forward
    close(split.tp_comm, one)
    close(split.ep_comm, 2 * 7 / 8 * 2 * S * 4096 * 2)
    small = 2 * 7 / 8 * S * 2048 * 2
    close(layer(work_of(MLA), q, tp=8.0).forward.tp_comm, 2 * small)


def test_tensor_parallelism_beyond_the_domain_meets_the_network() -> None:
    q = ideal(nic=1.0, domain=4.0)
    close(layer(work_of(DENSE), q, tp=8.0).forward.tp_comm, 2 * 2 * 0.5 * S * 4096 * 2 / 4)


def test_context_parallel_ring_behind_attention() -> None:
    """Keys and values of the whole sequence pass by; attention hides its share; backward passes twice as much."""
    w, s = work_of(DENSE), S * 2.0
    ring = 7 / 8 * s * 2 * 1024 * 2
    q = ideal(nic=1.0)
    found = layer(w, q, cp=8.0, micro_batch=2.0)
    close(found.forward.cp_comm, ring)
    close(found.backward.cp_comm, 2 * ring)
    flops = 2 * 2 * s / 8 * w.span * 4096
    slow = ideal(nic=1.0, overlap=0.5, peak_attention=flops / (0.5 * ring))
    hidden = layer(w, slow, cp=8.0, micro_batch=2.0)
    close(hidden.forward.cp_comm, 0.75 * ring)
    close(hidden.backward.cp_comm, (2 - 0.5 * 0.5 * 2.5) * ring)
    assert (
        float(layer(w, slow._replace(peak_attention=flops / (9 * ring)), cp=8.0, micro_batch=2.0).forward.cp_comm)
        == 0.0
    )
    close(layer(w, ideal(link=1.0, domain=8.0), cp=4.0, tp=2.0).forward.cp_comm, 3 / 4 * S * 2048 / 2 * 2)
    close(layer(w, ideal(nic=1.0, domain=2.0), cp=4.0, tp=2.0).forward.cp_comm, 3 / 4 * S * 2048 / 2 * 2)


def test_dispatch_and_combine() -> None:
    """Each token goes to two experts in 1 byte and comes back in 2; the busiest rank sets the pace."""
    w = work_of(MOE)
    q = ideal(link=1.0, domain=8.0, dispatch_bytes=1.0, combine_bytes=2.0, ep_overlap=0.25, imbalance=1.5)
    sent = S * 2 * 4096
    close(layer(w, q, ep=8.0).forward.ep_comm, 0.75 * 1.5 * (1 + 2) * sent * 7 / 8)
    close(layer(w, q, ep=8.0).backward.ep_comm, 0.75 * 1.5 * (1 + 2) * sent * 7 / 8)
    close(layer(w, q, ep=8.0, tp=2.0).forward.ep_comm, 0.75 * 1.5 * (1 + 2) * sent * 7 / 8 / 2)
    own = q._replace(domain=16.0)
    gathered = 2 * 1 / 2 * 2 * S * 4096 * 2
    close(layer(w, own, ep=8.0, tp=2.0, etp=2.0).forward.ep_comm, 0.75 * 1.5 * ((1 + 2) * sent / 2 * 7 / 8 + gathered))
    far = ideal(nic=1.0, exchange=0.5, domain=2.0, dispatch_bytes=1.0, combine_bytes=2.0)
    remote = S * 1.5 * 3 / 4 * 4096  # two experts in one or two of two domains
    close(layer(w, far, ep=8.0).forward.ep_comm, (1 + 2) * remote / 0.5)
    free = S * 4 * (1 - (3 / 4) ** 2) * 3 / 4 * 4096  # two experts anywhere in four domains
    close(layer(w._replace(node_limit=8.0), far, ep=8.0).forward.ep_comm, (1 + 2) * free / 0.5)
    plain = S * 2 * 3 / 4 * 4096
    close(layer(w, far._replace(relay=0.0), ep=8.0).forward.ep_comm, (1 + 2) * plain / 0.5)
    late = ideal(link_latency=1.0, nic_latency=10.0, domain=2.0)
    close(layer(w, late, ep=8.0).forward.ep_comm, 2 * (1 + 10))
    close(
        layer(w, ideal(nic=1.0, domain=4.0), ep=4.0, etp=2.0, tp=2.0).forward.ep_comm,
        (2 + 2) * S / 2 * 1 / 2 * 1.5 * 4096,
    )


def test_a_layer_waits_for_its_host() -> None:
    """The device is busy for 2 s, the host for 5 s of a dense forward pass, 4 s and 10 s backward: fourth-power means."""
    w = work_of(DENSE)
    busy = 2 * S * sum(_weights(DENSE))
    q = ideal(peak=busy / 2.0, layer_launch=5.0, moe_launch=50.0)
    found = layer(w, q)
    together = (2.0**4 + 5.0**4) ** 0.25
    close(found.forward.launch, together - 2.0)
    close(found.backward.launch, 2 * together - 4.0)
    close(found.forward.total, together)
    close(found.backward.total, 2 * together)
    close(found.weight, together)  # the weight gradients' half of the work waits in proportion
    alone = float(layer(work_of(MLA), q._replace(layer_launch=0.0, moe_launch=0.0)).forward.total)
    close(layer(work_of(MLA), q).forward.total, (alone**4 + ((5.0 + 26 * 50.0) / 27) ** 4) ** 0.25)
    close(layer(w, q._replace(layer_launch=1.0)).forward.launch, 17.0**0.25 - 2.0)


def test_a_pass_is_the_sum_of_its_lines() -> None:
    found = layer(work_of(MOE), machine_of("h100-sxm"), tp=2.0, cp=2.0, ep=4.0).backward
    close(found.total, math.fsum(float(v) for v in found))


def test_everything_counts_as_busy() -> None:
    """A host that needs ten seconds sets the pace, whatever the device does meanwhile."""
    found = layer(work_of(MOE), machine_of("h100-sxm")._replace(moe_launch=10.0, overlap=0.0), tp=2.0, cp=2.0, ep=4.0)
    close(found.forward.total, 10.0)
    close(found.backward.total, 20.0)
    assert min(float(v) for v in found.forward) > 0.0


def test_explicit_attention_of_split_sequences_and_of_a_single_head() -> None:
    w, q = work_of(DENSE), ideal(peak_attention=1.0, flash=0.0)
    whole = 2 * 2 * S * S * 4096
    close(layer(w, q, cp=2.0).forward.attention, whole / 2)
    close(layer(w._replace(n_heads=1.0), q).forward.attention, whole)


def test_offload_as_far_as_the_host_goes() -> None:
    close(offloaded_share(1.0, ideal(offload=1.0, host_capacity=0.5)), 0.5)
    close(offloaded_share(8.0, ideal(offload=1.0, host_capacity=2.0)), 0.25)
    close(offloaded_share(8.0, ideal(offload=1.0, host_capacity=20.0)), 1.0)
    close(offloaded_share(8.0, ideal(host_capacity=20.0)), 0.0)


def test_explicit_attention_over_a_single_key() -> None:
    w = work_of(DENSE)._replace(span=1.0)
    close(layer(w, ideal(peak_attention=1.0, flash=0.0)).forward.attention, 2 * 2 * S * S * 4096)


def test_tokens_of_one_expert_share_its_tiles() -> None:
    """Eight experts of 512 rows, or one of 4,096: whole tiles either way. Rows that fill half a tile cost a whole one."""
    w = work_of(MOE)._replace(n_experts=8.0)
    q = ideal(peak=1.0, tile_m=256.0, tile_n=256.0)
    one, spread = (float(layer(w, q, ep=ep).forward.matmul) for ep in (1.0, 8.0))
    assert spread == pytest.approx(one, rel=1e-9)

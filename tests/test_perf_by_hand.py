"""Parts of the estimator on numbers so simple that the answer is counted by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from carbonscaling.perf import collectives, experts, gemm, pipeline
from carbonscaling.perf.attention import explicit_softmax_bytes
from carbonscaling.perf.goodput import run_time
from carbonscaling.perf.numbers import Schedule
from counted import FAST, close

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
    """Eight ranks in a domain are six hops of a tree, after a start of six; sixteen domains eight."""
    time = collectives.all_gather_time(1e-12, 128.0, 8.0, 1.0, 1.0, 1.0, 100.0)
    close(time, (6 + 6) * 1.0 + 8 * 100.0)
    close(collectives.all_gather_time(1e-12, 3.0, 3.0, 1.0, 1.0, 1.0, 100.0), 6.0 + 2.0)
    close(collectives.all_reduce_time(1e-12, 3.0, 3.0, 1.0, 1.0, 1.0, 100.0), 6.0 + 2 * 2.0)  # one start
    assert collectives.all_gather_time(0.0, 128.0, 8.0, 1.0, 1.0, 1.0, 100.0) == 0.0  # nothing is sent


@pytest.mark.parametrize(
    ("n", "inner", "remote", "expected"),
    [
        (8, 8, 0.0, 7 / 8 * 800 / 10 + 12),  # inside a domain
        (64, 8, 6.0, 6.0 / 0.5 + 12 + 100),  # the network takes longer
        (64, 8, 1.0, 7 / 64 * 800 / 10 + 12 + 100),  # the links take longer
        (2, 2, 0.0, 1 / 2 * 800 / 10 + 7),
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


@pytest.mark.parametrize(
    ("top_k", "n_experts", "domains"), [(22, 512, 8), (5, 12, 4), (3, 8, 8), (8, 8, 4), (7, 60, 1)]
)
def test_neighbouring_experts_lie_in_few_domains(top_k: int, n_experts: int, domains: int) -> None:
    """Every place at which a run of experts may begin, with experts dealt out in their order."""
    held = n_experts // domains
    of_run = [len({(first + k) % n_experts * domains // n_experts for k in range(top_k)}) for first in range(n_experts)]
    assert held * domains <= n_experts
    close(experts.copies_in_turn(top_k, n_experts, domains, 1), sum(of_run) / n_experts)
    assert experts.copies_in_turn(top_k, n_experts, domains, 0) == top_k


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

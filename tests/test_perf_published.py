"""Numbers that papers print, computed by the formulas of `perf`."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from carbonscaling.catalog import hardware
from carbonscaling.catalog.efficiency import efficiency
from carbonscaling.catalog.stacks import stack
from carbonscaling.perf import collectives, experts, pipeline
from carbonscaling.perf.attention import score_flops
from carbonscaling.perf.build import machine
from carbonscaling.perf.gemm import systolic_cycles, tiled_flops
from carbonscaling.perf.goodput import straggler_share
from carbonscaling.perf.layer import LayerKey, layer_times
from carbonscaling.perf.memory import memory
from carbonscaling.perf.numbers import Schedule, Workload
from carbonscaling.perf.precision import precision
from carbonscaling.perf.sharding import gradient_time, optimizer_time, parameter_time
from carbonscaling.software.options import Software
from samples import machine_of, setting, work_of


@pytest.mark.parametrize(("p", "m", "v"), [(4, 8, 1), (4, 8, 2), (8, 64, 1), (12, 12, 4), (1, 5, 1)])
def test_bubble_fractions_of_narayanan_2021(p: int, m: int, v: int) -> None:
    """Section 2.2: (p-1)/m, and (p-1)/(v·m) interleaved, of the ideal time m·(F+B)."""
    forward, backward = 1.0, 2.0
    idle = pipeline.bubble_time(p, v, forward, backward, 1.0, Schedule.ONE_F_ONE_B)
    assert float(idle) / (m * (forward + backward)) == pytest.approx((p - 1) / (v * m), rel=1e-12)


@pytest.mark.parametrize("p", [2, 4, 8, 16])
def test_bubbles_of_deepseek_v3_table_2(p: int) -> None:
    forward, backward, weight = 3.0, 7.0, 2.0
    both = forward + backward

    def bubble(schedule: int) -> float:
        return float(pipeline.bubble_time(p, 1, forward, backward, weight, schedule))

    assert bubble(Schedule.ONE_F_ONE_B) == pytest.approx((p - 1) * (forward + backward))
    assert bubble(Schedule.ZERO_BUBBLE) == pytest.approx((p - 1) * (forward + backward - 2 * weight))
    assert bubble(Schedule.DUALPIPE) == pytest.approx((p / 2 - 1) * (both + backward - 3 * weight))


@pytest.mark.parametrize("p", [2, 4, 8])
def test_activations_of_deepseek_v3_table_2(p: int) -> None:
    """PP micro-batches in flight for 1F1B and ZB1P, PP + 1 for DualPipe."""
    flight = pipeline.layers_in_flight
    assert float(flight(3, p, 1, 8 * p, Schedule.ONE_F_ONE_B)) == 3 * p
    assert float(flight(3, p, 1, 8 * p, Schedule.ZERO_BUBBLE)) == 3 * p
    assert float(flight(3, p, 1, 8 * p, Schedule.DUALPIPE)) == 3 * (p + 1)


def test_interleaving_keeps_more_layers_in_flight() -> None:
    """Korthikanti 2022, section 4.2.3: L·(1 + (p-1)/(p·v)) layers on the first stage."""
    assert float(pipeline.layers_in_flight(8, 4, 2, 64, Schedule.ONE_F_ONE_B)) == pytest.approx(32 * (1 + 3 / 8))


@pytest.mark.parametrize(
    ("layers", "p", "v", "expected"), [(96, 8, 1, 12), (126, 16, 1, 8), (61, 16, 1, 4), (118, 4, 2, 30)]
)
def test_the_fullest_stage(layers: int, p: int, v: int, expected: int) -> None:
    assert float(pipeline.layers_on_stage(layers, p, v)) == expected


@pytest.mark.parametrize("n", [2, 4, 8, 64])
def test_ring_all_reduce(n: int) -> None:
    """Thakur 2005: 2·(n-1)/n·S/B without latency."""
    assert float(collectives.all_reduce_time(6e9, n, n, 3e9, 1.0, 0.0, 0.0)) == pytest.approx(2 * (n - 1) / n * 2.0)


def test_hierarchical_all_reduce() -> None:
    """Rings inside nodes of g, then rings of a g-th of the message between N nodes."""
    g, nodes, size, link, nic = 8, 16, 1e9, 3e11, 2.5e10
    expected = 2 * (g - 1) / g * size / link + 2 * (nodes - 1) / nodes * (size / g) / nic
    assert float(collectives.all_reduce_time(size, g * nodes, g, link, nic, 0.0, 0.0)) == pytest.approx(expected)


def test_latency_grows_like_a_ring_then_like_a_tree() -> None:
    def latency(n: int) -> float:
        return float(collectives.all_gather_time(1e-300, n, n, 1.0, 1.0, 1.0, 0.0))

    assert [latency(n) for n in (1, 2, 4, 1024)] == [0.0, 6.0 + 1.0, 6.0 + 3.0, 6.0 + 20.0]


@pytest.mark.parametrize(
    ("device", "n", "us"),
    [
        ("a100-80", 2, 44),
        ("a100-80", 8, 93),
        ("h100-sxm", 2, 17.6),
        ("h100-sxm", 8, 34),
        ("gb200", 8, 30),
        ("gb200", 64, 56),
    ],
)
def test_small_all_reduces_take_their_start_and_their_hops(device: str, n: int, us: float) -> None:
    """1 MB among A100 (vTrain); less among H100 (XLA; Vidur among 8) and GB200 (XLA)."""
    silicon = machine_of(device).silicon
    size = 1e6 if device == "a100-80" else 1e5
    time = collectives.all_reduce_time(size, n, n, silicon.link, 1.0, silicon.link_latency, 0.0)
    assert float(time) == pytest.approx(us * 1e-6, rel=0.3)


@pytest.mark.parametrize(("n", "stride", "inner"), [(8, 1, 8), (16, 1, 8), (64, 2, 4), (64, 8, 1), (64, 64, 1)])
def test_ranks_in_a_domain_of_eight(n: int, stride: int, inner: int) -> None:
    assert float(collectives.inner_ranks(n, stride, 8.0)) == inner


@pytest.mark.parametrize(("n", "share"), [(16, 1 / 3), (256, 2 / 3), (4096, 1.0), (2, 1 / 3)])
def test_a_torus_uses_the_axes_it_spans(n: int, share: float) -> None:
    assert float(collectives.group_bandwidth(1.0, n, 3.0, 16.0, 0.0)) == pytest.approx(share)


@pytest.mark.parametrize(
    ("n", "rates"),
    [
        (2, (192 / 227, 247 / 300, 269 / 344, 426 / 591)),  # A100 (vTrain), H100 (Vidur), H100 and B200 (XLA)
        (4, (218 / 227, 301 / 300, 326 / 344, 545 / 591)),
    ],
)
def test_few_ranks_on_a_switch_reach_less_than_eight(n: int, rates: tuple[float, ...]) -> None:
    """Bus bandwidth of all-reduce (A100, Vidur's H100) and all-gather of 1 GB over that of eight ranks."""
    few, eight = (float(collectives.group_bandwidth(1.0, ranks, 0.0, 2.0, 0.0)) for ranks in (n, 8))
    assert min(rates) <= few / eight <= max(rates)
    assert few / eight == pytest.approx(sum(rates) / len(rates), rel=0.05)


def test_dispatch_of_deepseek_v3() -> None:
    """Section 3.2.2: a token goes to 8 experts, on at most 4 nodes; EP 64 spans 8 nodes of 8."""
    tokens, h = 4096, 7168
    copies = experts.copies_per_token(8, 4, 8, 1)
    assert 3.5 < float(copies) < 4.0, "3.6 of the 4 nodes that a token may reach"
    assert float(experts.dispatch_bytes(tokens, 8, h, 1)) == pytest.approx(tokens * 8 * h)
    assert float(experts.remote_dispatch_bytes(tokens, copies, h, 1, 64, 8)) == pytest.approx(
        tokens * copies * h * 7 / 8
    )
    assert float(experts.remote_dispatch_bytes(tokens, copies, h, 1, 8, 8)) == 0.0


def _unit_link(n: int) -> float:
    """Bandwidth of a link of which `n` ranks on a switch reach 1."""
    return 1.0 / float(collectives.group_bandwidth(1.0, n, 0.0, 2.0, 0.0))


def _zero_volume(zero: int, n_micro: int, n: int = 64) -> float:
    """Elements per parameter that a rank sends, without the (n-1)/n of a ring."""
    machine = machine_of("a100-80").changed(
        domain=float(n), link=_unit_link(n), link_latency=0.0, nic_latency=0.0, weight_bytes=2.0, grad_comm_bytes=2.0
    )
    reduce, gather = gradient_time(1.0, n, n, 1, zero, 0.0, machine), parameter_time(1.0, n, 1, zero, 0.0, machine)
    times = reduce.once + gather.once + n_micro * (reduce.each + machine.software.gathers * gather.each)
    return float(times) / 2.0 * n / (n - 1)


@pytest.mark.parametrize(("zero", "volume"), [(0, 2), (1, 2), (2, 2), (3, 3)])
def test_zero_communication_volume(zero: int, volume: int) -> None:
    """Rajbhandari 2020, section 7: 2·psi up to gradient partitioning, 3·psi with parameter partitioning."""
    assert _zero_volume(zero, n_micro=1) == pytest.approx(volume, rel=1e-12)


@pytest.mark.parametrize("m", [2, 5])
def test_zero_volume_with_accumulation(m: int) -> None:
    """Sharded gradients are reduced, and sharded weights gathered, in every micro-batch."""
    assert [_zero_volume(z, m) for z in (0, 1, 2, 3)] == pytest.approx([2, 2, m + 1, 3 * m], rel=1e-12)


def test_hybrid_sharding_sums_shards_across_groups() -> None:
    """All-gather and reduce-scatter inside g, all-reduce of a g-th across n/g groups."""
    machine = machine_of("a100-80").changed(
        domain=8.0,
        link=_unit_link(8),
        nic=1.0,
        nic_doubling=1.0,
        link_latency=0.0,
        nic_latency=0.0,
        grad_comm_bytes=2.0,
    )
    sent = float(gradient_time(1.0, 64, 8, 1, 1, 0.0, machine).once)
    assert sent == pytest.approx(2.0 * 7 / 8 + 2 * 7 / 8 * 2.0 / 8)


def _bare(params: float, n_layers: float = 1e6) -> Workload:
    """A model of feed-forward blocks alone."""
    changes = dict.fromkeys(Workload._fields, 0.0)
    changes |= dict(seq_len=1.0, n_dense=n_layers, d_model=1.0, span=1.0, p_dense=params / n_layers)
    return Workload(**changes)


@pytest.mark.parametrize(("zero", "printed"), [(0, 120.0), (1, 31.4), (2, 16.6), (3, 1.9)])
def test_state_memory_of_zero_figure_1(zero: int, printed: float) -> None:
    """Rajbhandari 2020, figure 1: 7.5e9 parameters, 64 replicas, K = 12, half-precision gradients, in GB."""
    machine = machine_of("v100-sxm2-32", "fp16")
    assert (machine.software.weight_bytes, machine.software.grad_bytes, machine.software.optimizer_bytes) == (
        2.0,
        2.0,
        12.0,
    )
    need = memory(_bare(7.5e9), machine, setting(dp=64.0, zero=float(zero)))
    assert round(float(need.weights + need.gradients + need.optimizer) / 1e9, 1) == printed


@pytest.mark.parametrize("n", [1, 4, 64, 1024])
def test_state_bytes_per_parameter(n: int) -> None:
    """Rajbhandari 2020, section 5: 16·psi; 4·psi + 12·psi/N; 2·psi + 14·psi/N; 16·psi/N."""
    machine = machine_of("v100-sxm2-32", "fp16")
    for zero, expected in enumerate((16, 4 + 12 / n, 2 + 14 / n, 16 / n)):
        need = memory(_bare(1.0), machine, setting(dp=float(n), zero=float(zero)))
        assert need.weights + need.gradients + need.optimizer == pytest.approx(expected, rel=1e-3, abs=1e-5)


@pytest.mark.parametrize(("percent", "layers"), [(100, 12), (50, 6), (10, 2), (1, 1), (0, 0)])
def test_recomputation_of_whole_layers(percent: float, layers: int) -> None:
    """Korthikanti 2022, section 5: some of the 12 layers of a stage."""
    assert float(pipeline.recomputed_share(96.0, 8.0, 1.0, percent)) == pytest.approx(layers / 12)


def test_tensor_and_pipeline_parallelism_split_states() -> None:
    machine, work = machine_of("v100-sxm2-32", "fp16"), _bare(1e9, 64.0)
    states = [memory(work, machine, setting(tp=float(t), pp=float(p)))[:3] for t, p in ((1, 1), (8, 1), (1, 8), (4, 4))]
    assert [sum(s) / 16e9 for s in states] == pytest.approx([1, 1 / 8, 1 / 8, 1 / 16])


@pytest.mark.parametrize("zero", [0, 1, 3])
def test_optimizer_reads_and_writes_its_states(zero: int) -> None:
    """12-byte states and gradients read and written, weights written."""
    n = 64.0 if zero else 1.0
    assert float(optimizer_time(1e9 / n, 12.0, 2.0, 2.0, 1e12)) == pytest.approx(30e9 / n / 1e12)


def test_systolic_cycles_of_scale_sim() -> None:
    """A 112-cube on a 128 x 128 weight-stationary array takes 494 cycles."""
    assert float(systolic_cycles(112, 112, 112, 128, 128)) == 494.0
    assert float(systolic_cycles(112, 256, 384, 128, 128)) == 6 * 494.0
    assert float(systolic_cycles(1, 1, 1, 4, 4)) == 2 * 4 + 4 + 1 - 2


def test_tile_and_wave_quantisation() -> None:
    """108 processors do 108 tiles in one wave; the 109th costs another."""
    one = float(tiled_flops(1, 256 * 108, 128, 1000, 256, 128, 108, 0))
    assert one == 2.0 * 256 * 108 * 128 * 1000
    assert float(tiled_flops(1, 256 * 108 + 1, 128, 1000, 256, 128, 108, 0)) == 2 * one


def test_causal_attention_flops_of_flash_attention_2() -> None:
    """Section 4.1: 4·s²·d·heads forward, half of it causal."""
    s, heads, d = 2048, 16, 128
    assert float(score_flops(s, s, heads * d, heads * d)) == 4 * s**2 * d * heads
    assert float(score_flops(s, s / 2, heads * d, heads * d)) == 2 * s**2 * d * heads


@pytest.mark.parametrize(("nodes", "share"), [(1, 0.0), (2, 0.045), (16, 0.144)])
def test_straggler_share_of_simumax(nodes: int, share: float) -> None:
    """0.09·x/(x+1)·sqrt(x), x = log2(nodes)."""
    assert float(straggler_share(nodes, 0.09)) == pytest.approx(share, rel=1e-9)


def test_model_flops_near_six_per_parameter() -> None:
    """Kaplan 2020: about 6 FLOPs a parameter and token, and attention on top."""
    work: Any = work_of("llama-3-8b", 8192)
    assert 1.0 < work.model_flops / (6 * 8.03e9) < 1.2


@pytest.mark.parametrize(
    ("dispatcher", "mixtral", "deepseek"),
    [
        ("alltoall", (4.327, 7.684), (7.119, 10.483)), ("deepep", (4.636, 7.854), (5.682, 9.055)),
        ("hybridep", (4.343, 7.741), (5.391, 8.795)),
    ],
)  # fmt: skip
def test_a_layer_of_experts_takes_about_what_its_makers_time(
    dispatcher: Literal["alltoall", "deepep", "hybridep"], mixtral: tuple[float, float], deepseek: tuple[float, float]
) -> None:
    """Megatron-Core, tests/functional_tests/test_cases/common/moe_perf/baseline.json at d98e8a64: ms forward and backward.

    On eight H100, 4,096 tokens a device, equal loads, 16 bit, two products without a gate, no attention.
    """
    cluster = hardware.cluster("h100-sxm", None)
    options = Software(dispatcher=dispatcher, expert_balance="forced", cuda_graphs="full")
    h100 = machine(cluster, precision("bf16"), efficiency(cluster.device), stack("megatron"), options)
    alone: dict[str, float] = dict(unattended=1.0, n_dense=0.0, n_bare=0.0, matrices=2.0)
    for model, more, measured in (("mixtral-8x7b", {}, mixtral), ("deepseek-v3", {"n_experts": 32.0}, deepseek)):
        layer = layer_times(
            work_of(model, 4096)._replace(**alone, **more), h100, LayerKey(1.0, 1.0, 8.0, 1.0, 0.0, 1.0)
        )
        for said, ms in zip((layer.forward, layer.backward), measured, strict=True):
            assert 0.75 < 1e3 * float(said.total) / ms < 1.35, (model, said)

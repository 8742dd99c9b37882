"""The papers' own kind of engine: golden numbers, brute force, known limits."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest

from carbonscaling.catalog.hardware import cluster
from carbonscaling.papers.engine import Best, Chip, Training, Variant, best_steps, fewest_devices, layouts, step_times
from carbonscaling.papers.member import member
from carbonscaling.papers.variants import ENGINES, chip, constants, training, variant

QUARTER = 90 * 86400.0
B100 = chip(cluster("paper-b100"), cluster("paper-b100"), "bf16")
H100 = chip(cluster("paper-h100"), cluster("paper-h100"), "bf16")


def used(c: Chip, t: Training, best: Best) -> float:
    """Return model-FLOPs utilisation."""
    return t.step_flops / (best.step_s * best.n_devices * c.peak)


def found(
    engine: str, c: Chip, width: int, days: float = 90.0, *, aggressive: bool = False
) -> tuple[Training, Best | None]:
    t = training(member("v1", width), "bf16", aggressive=aggressive)
    return t, fewest_devices(variant(engine), c, t, days * 86400.0, 2.0**50 * t.n_experts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("width", "n_devices", "utilisation", "layout"),
    [
        (6144, 56, 0.6983, (2, 1, 7, 1, 448)),
        (12288, 5184, 0.6961, (24, 1, 27, 1, 1728)),
        (24576, 488448, 0.6696, (64, 1, 53, 9, 848)),
        (49152, 52494336, 0.5270, (192, 4, 89, 96, 267)),
        (98304, 7532969984, 0.4056, (2048, 8, 449, 128, 7184)),
    ],
)
def test_f_on_b100(width: int, n_devices: int, utilisation: float, layout: tuple[int, ...]) -> None:
    """Devices, utilisation and (TP, TPm, PP, DP, m) of an independent prototype of the same equations."""
    t, best = found("F", B100, width)
    assert best is not None
    assert best.n_devices == n_devices
    assert used(B100, t, best) == pytest.approx(utilisation, abs=5e-5)
    assert tuple(int(x) for x in best.layout[:5]) == layout


def test_e_has_the_published_knee_and_wall() -> None:
    """Erdil and Schneider-Joseph: utilisation falls from 2e28 FLOP on, and nothing trains much beyond 2e31 (H100, 90 days)."""
    use = {}
    for width in (12288, 24576, 33792, 81408, 99840):
        t, best = found("E", H100, width)
        use[t.compute] = used(H100, t, best) if best else 0.0
    assert [f"{c:.0e}" for c in use] == ["5e+25", "5e+27", "4e+28", "1e+31", "4e+31"]
    low, middle, knee, high, wall = use.values()
    assert min(low, middle, knee) > 0.6
    assert high == pytest.approx(0.19, abs=0.03)
    assert wall < 0.02


def one_step(v: Variant, c: Chip, t: Training, tp: int, tpm: int, pp: int, dp: int, m: int, chunk: int) -> float:
    """Return the step of one layout, written down again from the equations with plain numbers."""
    b, d, tokens = t.value_bytes, t.d_model, t.batch_tokens / (dp * m * t.n_experts)
    if tokens < 1:
        return math.inf
    tpf = tp // tpm
    d1, d2 = 4 * d / tpf, d / tpm

    def matrix(weights: int) -> float:
        read = 0 if 2 * b * d1 * d2 <= c.cached else weights
        flops = 2 * math.prod(16 * math.ceil(x / 16) for x in (d1, d2, tokens))
        return max(flops / (c.efficiency * c.peak), b * (read * d1 * d2 + tokens * (d1 + d2)) / c.memory_bandwidth,
                   v.kernel_latency)  # fmt: skip

    def level(size: float, n: float, bandwidth: float) -> float:
        if n == 1:
            return 0.0
        return (2 * (n - 1) / n if v.ring else 1.0) * size / bandwidth + v.network_latency

    def reduced(size: float, n: int, stride: int) -> tuple[float, float]:
        g = min(n, max(1, int(c.node) // stride))
        return level(size, g, c.link), level(size / g, math.ceil(n / g), c.network)

    compute = 4 * matrix(1) + 2 * matrix(2)
    link, network = (2 * (x + y) for x, y in zip(reduced(tokens * d2 * b, tpf, 1), reduced(tokens * d1 * b, tpm, tpf),
                                                 strict=True))  # fmt: skip
    hops = 2.0 if t.n_experts > 1 else (2.0 / chunk if pp > 1 else 0.0)
    if tp * t.n_experts * pp <= c.node:
        link += hops * (tokens * d * b / tp / c.link + v.network_latency)
    else:
        network += hops * (tokens * d * b / tp / c.network + v.network_latency)
    serial, passes = compute + link + network, m * t.n_layers / pp
    body = passes * serial if v.serial else max(passes * max(compute, link, network), t.n_layers * serial)
    gradients = 0.0 if v.hidden_gradients else sum(reduced(t.n_params / (tp * pp * t.n_experts) * b, dp, tp))
    return body + (pp - 1) * chunk * serial + gradients


def smallest(v: Variant, c: Chip, t: Training, deadline_s: float) -> tuple[int, float]:
    """Return algorithm 1 as it is printed: device counts one by one, every layout of each."""
    least = max(1, math.ceil(t.compute / (deadline_s * c.peak)), math.ceil(t.state_bytes * t.n_params / c.capacity))
    for ranks in range(max(1, math.ceil(least / t.n_experts)), 10**5):
        steps = []
        for tp, pp in product(range(1, ranks + 1), range(1, ranks + 1)):
            if ranks % (tp * pp) or t.n_layers % pp:
                continue
            dp = ranks // (tp * pp)
            if not (smooth(tp, 1) and smooth(dp, 2)):
                continue
            for tpm in (2**a for a in range(8)):
                if tp % tpm or (tpm > 1 and not (tp <= 64 * tpm**2 and 16 * tp >= 4 * tpm**2)):
                    continue
                chunks = [k for k in range(1, t.n_layers + 1) if (t.n_layers // pp) % k == 0]
                steps += [one_step(v, c, t, tp, tpm, pp, dp, pp * w, k) for w in (1, 2, 3, 4, 6, 8, 16, 32, 64)
                          for k in (chunks if t.n_experts == 1 and pp > 1 else [1])]  # fmt: skip
        if steps and min(steps) * t.n_tokens / t.batch_tokens <= deadline_s:
            return ranks * t.n_experts, min(steps)
    raise AssertionError("none")


def smooth(n: int, threes: int) -> bool:
    """Whether n is a power of two times at most so many threes."""
    for _ in range(threes):
        n = n // 3 if n % 3 == 0 else n
    return n & (n - 1) == 0


@pytest.mark.parametrize("engine", ENGINES[:3])
@pytest.mark.parametrize(
    ("version", "width", "days"),
    [("v2", 1536, 1.0), ("v2", 1408, 0.1), ("v1", 2304, 2.0), ("v1", 3072, 3.0), ("v1", 6144, 90.0)],
)
def test_search_equals_brute_force(engine: str, version: str, width: int, days: float) -> None:
    t = training(member(version, width), "bf16")
    best = fewest_devices(variant(engine), B100, t, days * 86400.0, 1e5)  # type: ignore[arg-type]
    n_devices, step_s = smallest(variant(engine), B100, t, days * 86400.0)  # type: ignore[arg-type]
    assert best is not None
    assert best.n_devices == n_devices
    assert best.step_s == pytest.approx(step_s, rel=1e-12)


def test_every_layout_obeys_the_printed_rules() -> None:
    t, last, total = training(member("v1", 12288), "bf16"), 0.0, 0
    for s, n in layouts(t, 1000.0, 20000.0):
        tp, pp, dp, m = (getattr(s, name) for name in ("tp", "pp", "dp", "micro_batches"))
        assert n[0] > last
        assert (np.diff(n) >= 0).all()
        assert (tp * pp * dp * t.n_experts == n[:, None]).all()
        assert (t.n_layers % pp == 0).all()
        assert (m % pp == 0).all()
        assert (4 * 12288**2 % tp == 0).all()
        last, total = n[-1], total + len(n)
    assert total > 1000
    assert last <= 20000


def test_slower_parts_never_train_faster() -> None:
    t = training(member("v1", 12288), "bf16")
    s, _ = next(layouts(t, 4000.0, 8000.0))
    base = step_times(variant("S"), B100, t, s)
    for name in ("peak", "memory_bandwidth", "link", "network", "cached"):
        worse = B100._replace(**{name: getattr(B100, name) / 2})
        assert (step_times(variant("S"), worse, t, s) >= base * (1 - 1e-12)).all()
    assert (step_times(variant("F"), B100, t, s) <= base * (1 + 1e-12)).all()


def test_more_time_never_takes_more_devices() -> None:
    counts = [found("F", B100, 12288, days)[1] for days in (30, 60, 90, 365)]
    n = [best.n_devices for best in counts if best]
    assert len(n) == 4
    assert n == sorted(n, reverse=True)


def test_the_largest_width_trains_only_with_the_aggressive_batch() -> None:
    assert found("F", B100, 1572864)[1] is None
    assert found("F", B100, 1572864, aggressive=True)[1] is not None
    assert found("E", B100, 1572864, aggressive=True)[1] is None


def test_layouts_of_one_count() -> None:
    t = training(member("v1", 6144), "bf16")
    steps = best_steps(variant("F"), B100, t, 56.0)
    assert len(steps) == 3  # 14 ranks for E = 4: (TP, DP, PP) = (2, 1, 7), (1, 2, 7), (1, 1, 14)
    _, best = found("F", B100, 6144)
    assert best is not None
    assert min(steps) == best.step_s


def test_constants_of_devices() -> None:
    assert {name: d.value for name, d in constants()["efficiency"].items()} == {
        "Volta": 0.9, "Ampere": 0.85, "Hopper": 0.7, "Blackwell": 0.7, "TPU": 0.85, "default": 0.7,
    }  # fmt: skip
    both_ways = {gpu: 2 * chip(cluster(f"paper-{gpu}"), cluster(f"paper-{gpu}"), "bf16").network / 1e9
                 for gpu in ("v100", "a100", "h100", "b100", "tpuv4", "tpuv5p")}  # fmt: skip
    assert both_ways == {"v100": 12.5, "a100": 50, "h100": 100, "b100": 100, "tpuv4": 12.5, "tpuv5p": 12.5}
    assert chip(cluster("paper-tpuv4"), cluster("paper-tpuv4"), "bf16").node == 4096
    assert chip(cluster("mi300x"), cluster("mi300x"), "bf16").efficiency == 0.7
    assert training(member("v2", 6144), "qat-fp8").value_bytes == 1.0

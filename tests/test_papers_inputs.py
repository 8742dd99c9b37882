"""What the papers do not print: coefficients, the median's population, and what decides a verdict."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from carbonscaling.catalog.hardware import cluster
from carbonscaling.papers import generations
from carbonscaling.papers.claims import figure
from carbonscaling.papers.coefficients import BASELINE
from carbonscaling.papers.figure import CANNOT, DIFFERS, REPRODUCED
from carbonscaling.papers.kernels import find, layout_steps, median_duration, question, space_for
from carbonscaling.papers.member import batch_of, member
from carbonscaling.papers.realisation import choices, realisation
from carbonscaling.papers.remember import SWITCH, remembered
from carbonscaling.papers.study import Study
from carbonscaling.papers.task import Task, chip_of, resolved, training_of
from carbonscaling.search.divisors import divisors
from carbonscaling.search.engine import search

PAPER = Study("paper")
KERNELS = PAPER.with_engine("physical")


def other(**changes: Any) -> Study:
    """Return the paper mode with another realisation."""
    return Study("paper", replace(realisation(), **changes))


def test_the_1000b_model_prints_as_1000b() -> None:
    nearest = min(range(9984, 10881, 128), key=lambda d: abs(member("v1", d).n_params - 1e12))
    assert PAPER.trillion == nearest
    assert round(member("v1", nearest).n_params / 1e9, -1) == 1000


def test_the_host_is_the_same_for_every_generation() -> None:
    host = {
        gpu: PAPER.point("v1", gpu, 6144, searched=False).numbers.host_w for gpu in ("V100", "A100", "H100", "B100")
    }
    assert len(set(host.values())) == 1
    assert BASELINE == "paper-b100"
    assert host["V100"] == pytest.approx(0.5 * 700 * (0.842 + 0.158 * 0.4))
    own = other(same_host=0).point("v1", "V100", 6144, searched=False).numbers.host_w
    assert own == pytest.approx(0.5 * 250 * (0.842 + 0.158 * 0.4))


def test_hosts_embody_what_each_version_lists() -> None:
    first, second = (PAPER.point(v, "B100", 6144, searched=False).numbers.host_kg * 8 for v in ("v1", "v2"))
    # 256 GB of DRAM at 0.4 kg/GB and 32 TB of SSD at 0.018 kg/GB, beside one CPU
    assert first - second == pytest.approx(256 * 0.4 + 32e3 * 0.018)
    assert 0 < second < 10
    kept = other(host_memory_v2=1, dram_kg_per_gb=0).point("v2", "B100", 6144, searched=False).numbers.host_kg * 8
    assert kept - second == pytest.approx(32e3 * 0.018)


def test_power_of_one_generation_moves_it_alone() -> None:
    hot = other(power_b100=1.43)
    assert hot.point("v1", "B100", 6144, searched=False).numbers.busy_w == pytest.approx(1001)
    assert hot.point("v1", "H100", 6144, searched=False).numbers.busy_w == pytest.approx(700)


def test_the_engine_sees_the_printed_device() -> None:
    c = chip_of(PAPER.task("v1", "B100", 6144))
    assert (c.peak, c.memory_bandwidth, c.link, c.network, c.capacity, c.node) == (
        1980e12,
        8200e9,
        900e9,
        50e9,
        192e9,
        8,
    )
    later = chip_of(PAPER.task("v1", "B100", 6144, years=4))
    grown = {name: getattr(later, name) / getattr(c, name) for name in c._fields}
    assert grown == pytest.approx({"peak": 1.3**4, "efficiency": 1, "memory_bandwidth": 1.25**4, "link": 1.11**4, "network": 1,
                                   "cached": 1.4**4, "capacity": 1.24**4, "node": 1})  # fmt: skip
    follows = chip_of(other(network_grows=1).task("v1", "B100", 6144, years=4))
    assert follows.network / c.network == pytest.approx(1.11**4)
    assert chip_of(other(network=0.25).task("v1", "B100", 6144)).network == c.network / 4
    assert chip_of(PAPER.task("v2", "B100", 6144, precision="qat-fp8")).peak == 2 * c.peak


def test_the_engine_takes_the_law_s_batch() -> None:
    run, whole = (training_of(s.task("v1", "B100", 6144)) for s in (PAPER, other(exact_batch=0)))
    assert run.batch_tokens == pytest.approx(2048 * 4**0.5 * (run.compute / 3e23) ** (1 / 6) * 2048)
    assert whole.batch_tokens == 2048 * batch_of("v1", 6144)
    assert training_of(other(layer_multiple=8).task("v1", "B100", 12288)).n_layers == 192  # 188.9 by the law
    assert run.compute == pytest.approx(member("v1", 6144).compute)


def test_versions_share_searches() -> None:
    assert find(Task("paper", "v2", "paper-v100-v2", 6144)) is find(Task("paper", "v1", "paper-v100", 6144))


def test_kernels_know_every_layout_of_the_optimum() -> None:
    task = KERNELS.task("v1", "B100", 6144)
    found = find(task)
    assert found is not None
    steps = sorted(layout_steps(task, found.n_devices))
    r = resolved(task)
    asked, space = question(r, (found.n_devices,) * 2, float("inf")), space_for(task, r)
    alone = [
        search(asked, replace(space, tp=(tp,), pp=(pp,)), explain=False).best
        for tp in divisors(4 * task.d_model**2) if found.n_devices % tp == 0
        for pp in divisors(r.spec.n_layers) if found.n_devices % (tp * pp) == 0
    ]  # fmt: skip
    assert steps == sorted(one.step_s for one in alone if one is not None)
    assert len(steps) > 4
    n_steps = r.n_steps
    assert steps[0] == pytest.approx(found.duration_s / n_steps)
    assert median_duration(task, found.n_devices) == pytest.approx(median(steps) * n_steps)
    assert space_for(task, resolved(task)).zero == (0, 1, 2, 3)
    assert cluster("paper-b100").host.domain_size == 8


def test_full_power_below_the_peak() -> None:
    early = other(full_power_at=0.6).point("v1", "B100", 98304)
    assert early.found is not None
    u = early.found.utilisation
    assert early.parts().device_power_w == pytest.approx(700 * (0.842 + 0.158 * u / 0.6))


def test_a_missing_generation_cannot_reproduce_a_claim_on_all() -> None:
    assert generations._verdict(True, {}) == CANNOT
    assert generations._verdict(False, {}) == DIFFERS
    points = dict.fromkeys(generations.GPUS, PAPER.point("v1", "B100", 6144, searched=False))
    assert generations._verdict(True, points) == REPRODUCED


def test_supported_values() -> None:
    static = choices()["static_share"]
    assert static.plausible(0.5)
    assert not static.plausible(0.2)
    assert choices()["deadline"].plausible(90.0)
    assert not choices()["deadline"].plausible(365.0)
    for choice in choices().values():
        if choice.range is not None:
            known = [float(v) for v in (choice.value, *choice.variants)]
            assert choice.range[0] <= min(known) <= max(known) <= choice.range[1]
    assert choices()["engine_v1"].plausible("S")
    assert not choices()["engine_v1"].plausible("physical")


def test_version_2_rests_on_its_hosts() -> None:
    assert figure("v2-fig5", PAPER).outcomes["v2-fig5b"].verdict == REPRODUCED
    assert figure("v2-fig5", other(host_memory_v2=1)).outcomes["v2-fig5b"].verdict == DIFFERS
    assert figure("v2-fig5", other(same_host=0)).outcomes["v2-fig5b"].verdict == DIFFERS


def test_answers_are_remembered_to_the_last_bit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from carbonscaling.papers import remember

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    remember._kept.cache_clear()
    asked = []

    def third(x: int) -> float:
        asked.append(x)
        return x / 3

    try:
        assert [remembered(float, float)(third)(1) for _ in range(3)] == [1 / 3] * 3
        assert asked == [1]
        monkeypatch.setenv(SWITCH, "0")
        assert remembered(float, float)(third)(1) == 1 / 3
        assert asked == [1, 1]
        monkeypatch.setenv(SWITCH, "1")
        monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
        remember._kept.cache_clear()
        assert remembered(float, float)(third)(2) == 2 / 3
    finally:
        remember._kept.cache_clear()

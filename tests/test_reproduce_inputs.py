"""What the papers do not print: coefficients, the median's population, and what decides a verdict."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from carbonscaling.reproduce import generations, v1_fig5, v1_fig7, v2_fig5
from carbonscaling.reproduce.claims import REQUIRED, claims, outcomes
from carbonscaling.reproduce.coefficients import BASELINE
from carbonscaling.reproduce.deciding import decisions
from carbonscaling.reproduce.figure import CANNOT, DIFFERS, REPRODUCED
from carbonscaling.reproduce.population import layout_median, layout_steps
from carbonscaling.reproduce.realisation import choices, realisation
from carbonscaling.reproduce.remember import SWITCH, remembered
from carbonscaling.reproduce.searched import Task, batch_of, find, member, resolved
from carbonscaling.reproduce.study import Study

PAPER = Study("paper")


def other(**changes: float) -> Study:
    """Return the paper mode with another realisation."""
    return Study("paper", replace(realisation(), **changes))


def test_required_claims_exist() -> None:
    assert set(REQUIRED) <= set(claims())


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
    assert host["V100"] == pytest.approx(0.5 * 700 * (0.681 + 0.319 * 0.4))
    own = other(same_host=0).point("v1", "V100", 6144, searched=False).numbers.host_w
    assert own == pytest.approx(0.5 * 250 * (0.681 + 0.319 * 0.4))


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


def test_network_may_follow_the_link() -> None:
    follow = other(network_follows_link=1)
    assert follow.task("v1", "A100", 6144).network == pytest.approx(1.0)
    assert follow.task("v1", "B100", 6144).network == pytest.approx(1.5)  # 600 of 400 Gbit/s
    assert follow.task("v2", "TPUv4", 6144).network == 1.0


def test_batch_may_have_more_divisors() -> None:
    exact = batch_of("v1", 10368, "chinchilla")
    fine = batch_of("v1", 10368, "chinchilla", 15)
    assert fine % (15 * 7) == 0
    assert fine == pytest.approx(exact, rel=0.1)


def test_total_memory_allows_what_no_device_holds() -> None:
    strict, total = (find(Task("paper", "v1", "paper-b100", 6144, total_memory=m)) for m in (False, True))
    assert strict is not None
    assert total is not None
    assert total.n_devices <= strict.n_devices


def test_versions_share_searches() -> None:
    assert find(Task("paper", "v2", "paper-v100-v2", 6144)) is find(Task("paper", "v1", "paper-v100", 6144))


def test_population_is_one_setting_a_layout() -> None:
    task = Task("paper", "v1", "paper-b100", 6144)
    found = find(task)
    assert found is not None
    r, steps = resolved(task), layout_steps(task, found.n_devices)
    assert all(found.n_devices % (tp * pp) == 0 and r.spec.n_layers % pp == 0 for tp, pp in steps)
    assert min(steps.values()) == pytest.approx(found.duration_s / r.n_steps)
    assert min(steps.values()) <= layout_median(task, found.n_devices) <= max(steps.values())


def test_median_of_the_smallest_model_differs() -> None:
    outcome = v1_fig5.outcomes(PAPER)["v1-fig5a"]
    assert outcome.verdict == DIFFERS
    assert "at d = 6,144" in outcome.reason


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
            assert choice.range[0] <= min(choice.value, *choice.variants)
            assert choice.range[1] >= max(choice.value, *choice.variants)


def test_what_turns_the_embodied_share() -> None:
    found = dict.fromkeys(REQUIRED, outcomes("v2_fig5", PAPER)["v2-fig5b"])
    found["v1-fig7b"] = v1_fig7.outcomes(PAPER)["v1-fig7b"]
    turned = {d.values: d.plausible for d in decisions(PAPER, found, ("same_host",)) if d.claim == "v1-fig7b"}
    (host,) = [dict(values)["host_ratio_v1"] for values in turned if values[0][0] == "host_ratio_v1"]
    assert not turned[("host_ratio_v1", host),]
    assert v1_fig7.outcomes(other(host_ratio_v1=host))["v1-fig7b"].verdict == REPRODUCED
    assert v1_fig7.outcomes(other(host_ratio_v1=host * 0.99))["v1-fig7b"].verdict == DIFFERS


def test_version_2_rests_on_its_hosts() -> None:
    assert v2_fig5.outcomes(PAPER)["v2-fig5b"].verdict == REPRODUCED
    assert v2_fig5.outcomes(other(host_memory_v2=1))["v2-fig5b"].verdict == DIFFERS
    assert v2_fig5.outcomes(other(same_host=0))["v2-fig5b"].verdict == DIFFERS


def test_answers_are_remembered_to_the_last_bit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from carbonscaling.reproduce import remember

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

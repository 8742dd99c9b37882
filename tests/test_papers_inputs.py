"""What the papers do not print: coefficients, the median's population, and what decides a verdict."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from carbonscaling.papers import generations
from carbonscaling.papers.claims import REQUIRED, claims, figure
from carbonscaling.papers.coefficients import BASELINE
from carbonscaling.papers.deciding import approaches, decisions, open_values, outcome_with
from carbonscaling.papers.figure import CANNOT, DIFFERS, REPRODUCED, Need, Outcome
from carbonscaling.papers.member import batch_of, member
from carbonscaling.papers.population import layout_median, layout_steps
from carbonscaling.papers.realisation import choices, realisation
from carbonscaling.papers.remember import SWITCH, remembered
from carbonscaling.papers.searched import Task, at_ends, find, resolved, space_for
from carbonscaling.papers.study import Study

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
    gbps = [resolved(follow.task("v1", gpu, 6144)).scenario.nic_gbps for gpu in ("A100", "B100")]
    assert gbps[0] is None or gbps[0] == pytest.approx(200.0)
    assert gbps[1] == pytest.approx(600.0)  # 1.5 times 400 Gbit/s
    assert resolved(follow.task("v2", "TPUv4", 6144)).scenario.nic_gbps is None


def test_batch_may_have_more_divisors() -> None:
    exact = batch_of("v1", 10368)
    fine = batch_of("v1", 10368, multiple=15)
    assert fine % (15 * 7) == 0
    assert fine == pytest.approx(exact, rel=0.1)


def test_total_memory_allows_what_no_device_holds() -> None:
    strict, total = (find(other(total_memory=m).task("v1", "B100", 6144)) for m in (0, 1))
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
    outcome = figure("v1-fig5", PAPER).outcomes["v1-fig5a"]
    assert outcome.verdict == DIFFERS
    assert "at d = 6,144 on 112 devices" in outcome.reason
    assert outcome.points == 3
    ratio, beyond = outcome.tests
    assert ratio.needed == realisation().far_above
    assert 1.0 < ratio.found < 1.1
    assert beyond.found < 0.0 == beyond.needed
    assert outcome.short == pytest.approx(ratio.needed - ratio.found)


def test_the_median_by_hand() -> None:
    task = Task("paper", "v1", "paper-b100", 6144)
    steps = layout_steps(task, 112)
    # 112 = 4 experts x 28; 7 divides neither 4608 x 2048 tokens nor 4 x 6144^2, so it falls to the 112 layers
    assert set(steps) == {(1, 7), (2, 7), (4, 7), (1, 14), (2, 14), (1, 28)}
    ordered = sorted(steps.values())
    assert layout_median(task, 112) == pytest.approx((ordered[2] + ordered[3]) / 2)
    point = PAPER.point("v1", "B100", 6144)
    numbers, hours = point.numbers, layout_median(task, 112) * resolved(task).n_steps / 3600
    use = point.found.utilisation * ordered[0] / layout_median(task, 112) if point.found else 0.0
    watts = 700 * (0.681 + 0.319 * use) + 0.5 * 700 * (0.681 + 0.319 * 0.4)
    operational = 112 * hours * watts / 1000 * 1.1 * 0.127
    embodied = 112 * (numbers.device_kg + numbers.host_kg) * hours / (numbers.lifetime_s / 3600)
    assert PAPER.median_carbon("v1", "B100", 6144) == pytest.approx((operational + embodied) / 1000)


def test_three_inputs_together_reproduce_the_median() -> None:
    one = outcome_with(PAPER, "v1-fig5a", (("micro_batch", 1.0),))
    assert one.verdict == DIFFERS
    assert one.tests[1].found > 0.0
    several = (("layer_multiple", 8.0), ("median_of_layouts", 0.0), ("micro_batch", 1.0))
    assert outcome_with(PAPER, "v1-fig5a", several).verdict == REPRODUCED
    assert outcome_with(PAPER, "v1-fig5a", several[:2]).verdict == DIFFERS
    slower = (("kernels", 1.0), ("layer_multiple", 8.0), ("network", 0.25))
    assert outcome_with(PAPER, "v1-fig5a", slower).verdict == REPRODUCED


def test_spaces_without_what_version_1_does_not_name() -> None:
    task = other(micro_batch=1, zero_v1=0).task("v1", "B100", 6144)
    space = space_for(task, resolved(task))
    assert space.micro_batch == (1,)
    assert space.zero == (0,)
    second = other(zero_v1=0).task("v2", "B100", 6144)
    assert space_for(second, resolved(second)).zero == (0, 1, 2, 3)


def test_software_constants_move_to_the_ends_of_their_ranges() -> None:
    constants = resolved(Task("paper", "v1", "paper-b100", 6144)).efficiency
    fast = at_ends(constants, kernels=1, hiding=0, imbalance=-1)
    assert fast.gemm["bf16"].value == constants.gemm["bf16"].high
    assert fast.grouped.value == constants.grouped.high
    assert fast.imbalance.value == constants.imbalance.low == 1.0
    assert fast.overlap == constants.overlap
    assert at_ends(constants, kernels=0, hiding=0, imbalance=0) == constants
    quick = resolved(other(kernels=1).task("v1", "B100", 6144)).machine
    assert quick.formats.gemm_efficiency == pytest.approx(constants.gemm["bf16"].high)


def test_layers_may_round_to_multiples() -> None:
    task = other(layer_multiple=8).task("v1", "B100", 12288)
    r, model = resolved(task), member("v1", 12288, 8)
    assert r.spec.n_layers == model.n_layers == 192  # 188.9 by the law
    assert r.work.n_layers == 192
    assert r.compute == pytest.approx(6 * model.n_params / model.n_experts * 20 * model.n_params)
    assert other(layer_multiple=8).point("v1", "B100", 12288, searched=False).n_params == model.n_params


def test_full_power_below_the_peak() -> None:
    early = other(full_power_at=0.6).point("v1", "B100", 6144)
    assert early.found is not None
    u = early.found.utilisation
    assert early.parts().device_power_w == pytest.approx(700 * (0.681 + 0.319 * u / 0.6))


def _away(found: float, points: int = 3) -> Outcome:
    return Outcome(found, REPRODUCED if found >= 1 else DIFFERS, "", (Need("x", found, 1.0),), points)


def test_the_nearest_sets_are_widened_until_one_holds() -> None:
    gain = {"micro_batch": 0.5, "alpha": 0.4, "zero_v1": 0.2}

    def found(values: tuple[tuple[str, float], ...]) -> Outcome:
        return _away(sum(gain.get(name, 0.0) for name, _ in values), 2 if "token_batch" in dict(values) else 3)

    alone = {one: found((one,)) for one in open_values()}
    alone["token_batch", 0.0] = _away(0.9, points=2)
    sets = approaches("v1-fig5a", _away(0.0), alone, lambda several: [found(values) for values in several])
    assert [dict(a.values) for a in sets if a.outcome.verdict == REPRODUCED] == [
        {"alpha": 0.5, "micro_batch": 1, "zero_v1": 0}
    ]
    assert not any("token_batch" in dict(a.values) for a in sets)
    assert approaches("v1-fig5a", _away(2.0), alone, lambda several: []) == ()


def test_sets_of_inputs_hold_neither_words_nor_what_is_printed() -> None:
    names = {name for name, _ in open_values()}
    assert not names & {"far_above", "deadline"}
    assert {"micro_batch", "layer_multiple", "network", "static_share"} <= names


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
    found = dict.fromkeys(REQUIRED, figure("v2-fig5", PAPER).outcomes["v2-fig5b"])
    found["v1-fig7b"] = figure("v1-fig7", PAPER).outcomes["v1-fig7b"]
    turned = {d.values: d.plausible for d in decisions(PAPER, found, ("same_host",)) if d.claim == "v1-fig7b"}
    (host,) = [dict(values)["host_ratio_v1"] for values in turned if values[0][0] == "host_ratio_v1"]
    assert not turned[("host_ratio_v1", host),]
    assert figure("v1-fig7", other(host_ratio_v1=host)).outcomes["v1-fig7b"].verdict == REPRODUCED
    assert figure("v1-fig7", other(host_ratio_v1=host * 0.99)).outcomes["v1-fig7b"].verdict == DIFFERS


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

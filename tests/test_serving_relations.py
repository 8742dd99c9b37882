"""Random servings: what an objective asks for no other objective beats, and what is found, fixed, changes nothing."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import pytest

import carbonscaling as cs

OBJECTIVES = ("devices", "carbon", "energy", "cost")
MODELS = ("llama-3-8b", "llama-3-70b", "gpt-oss-20b", "qwen3-235b-a22b", "deepseek-v3")
DEVICES = ("h100-sxm", "h200", "a100-80", "b200", "mi300x", "l40s", "tpu-v5p")


def asked(seed: int) -> dict[str, Any]:
    """Return a serving, with demand or without."""
    r = Random(f"serving-{seed}")
    found: dict[str, Any] = dict(
        model=r.choice(MODELS), device=r.choice(DEVICES), weights=r.choice(("bf16", "fp8", "int4")),
        prompt=10 ** r.uniform(1, 4), output=10 ** r.uniform(0.5, 3.5), region=r.choice(("france", "texas", "poland")),
        requests_per_day=r.choice((None, 10 ** r.uniform(1, 8))), peak=r.choice((1.0, 2.0, 5.0)),
        engine=r.choice(("vllm 0.11", "trtllm 0.17", "sglang 0.5")),
    )  # fmt: skip
    for name, value in (("prefix_hit", 0.6), ("output_spread", 0.8), ("disaggregated", True), ("in_flight", 32.0)):
        if r.random() < 0.2:
            found[name] = value
    return found


def a_token(served: cs.Served) -> dict[str, float]:
    """What an output token takes; devices where demand says how many."""
    day, n = served.footprint, served.tokens_per_day
    devices = served.n_devices if served.scenario.requests_per_day else served.n_devices / n
    return {
        "devices": devices, "carbon": day.total_tco2e / n, "energy": day.energy_kwh / n,
        "cost": math.nan if served.cost_usd_per_day is None else served.cost_usd_per_day / n,
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(12))
def test_no_other_objective_beats_an_answer_at_its_own(seed: int) -> None:
    """With demand as without: a serving that is quick at its peak and idles is not the one with the least carbon."""
    question = asked(seed)
    by = {objective: cs.inference(objective=objective, **question) for objective in OBJECTIVES}
    taken = {objective: a_token(served) for objective, served in by.items()}
    for objective in OBJECTIVES:
        for other in OBJECTIVES:
            assert not taken[objective][objective] > taken[other][objective] * (1 + 1e-9), (objective, other)
    found = by["carbon"]
    at = found.layout
    again = cs.inference(
        **question | dict(objective="carbon", tp=int(at.tp), pp=int(at.pp), in_flight=found.question.in_flight)
    )
    assert a_token(again) == pytest.approx(taken["carbon"], rel=1e-9, nan_ok=True)
    assert again.mean_watts == pytest.approx(found.mean_watts, rel=1e-9)


def test_the_least_carbon_of_a_small_demand_is_brute_force() -> None:
    """A hundred requests a day: nearly all is idle power and machines, so that the fewest devices win."""
    question = dict(model="llama-3-70b", weights="fp8", requests_per_day=1e2)
    found = cs.inference(objective="carbon", **question)
    every = [
        cs.inference(objective="carbon", tp=tp, in_flight=n, **question).footprint.total_tco2e
        for tp in (1, 2, 4, 8)
        for n in (1.0, 8.0, 32.0)
    ]
    assert found.footprint.total_tco2e <= min(every) * (1 + 1e-9)
    assert found.n_devices == cs.inference(objective="devices", **question).n_devices


def test_a_service_of_experts_takes_about_the_devices_that_it_took() -> None:
    """DeepSeek's day (open-infra-index, day 6): 168B tokens out, 608B in, 56.3 % cached, 278 nodes of 8 H800 at the peak."""
    day = dict(
        model="deepseek-v3", device="h800", weights="fp8", engine="sglang 0.5", prompt=3619.0, output=1000.0, prefix_hit=0.563,
        requests_per_day=168e6, peak=278 / 226.75, tpot_s=0.05,
    )  # fmt: skip
    apart = cs.inference(disaggregated=True, **day)
    slow, fast = (end / apart.speed for end in apart.intervals["speed"])
    assert apart.n_devices / fast < 8 * 278 < apart.n_devices / slow
    together = cs.inference(**day)
    assert apart.n_devices < together.n_devices < 0.3 * cs.inference(ep=1, **day).n_devices


@pytest.mark.parametrize("model", ["deepseek-v3", "kimi-k2", "gpt-oss-120b", "mixtral-8x7b"])
@pytest.mark.parametrize("device", ["h100-sxm", "b200"])
def test_experts_spread_are_a_choice_more(model: str, device: str) -> None:
    """Whatever `--ep` may be, the answer without it is no worse; software that cannot spread them does not."""
    asked = dict(model=model, device=device, weights="fp8", requests_per_day=3e6)
    found = cs.inference(**asked).n_devices
    for ep in (1, 2, 4, 8):
        assert found <= cs.inference(ep=ep, **asked).n_devices
    assert cs.inference(engine="vllm 0.6", **asked).layout.ep == 1


def test_no_number_in_flight_beats_the_answer_on_any_rank() -> None:
    """A copy whose ranks share out requests holds as many times more: more than one rank's are tried."""
    asked = dict(model="deepseek-v3", device="b200", weights="fp8", engine="sglang", requests_per_day=3e7)
    found = cs.inference(ep=32, **asked)
    assert found.question.in_flight is not None
    assert 4096 < found.question.in_flight <= 4096 * found.layout.replicas
    for in_flight in (1024.0, 3072.0, 8192.0, 32768.0):
        assert found.n_devices <= cs.inference(ep=32, in_flight=in_flight, **asked).n_devices


def test_hosts_idle_with_their_devices() -> None:
    """One request a day: nearly all is idle power, of the devices and of their share of the host."""
    served = cs.inference(model="llama-3-8b", requests_per_day=1.0)
    n = served.assessment.model.numbers
    idle_w = n.idle_w + n.network_w + n.host_idle_w / n.devices_per_host
    assert served.footprint.energy_kwh == pytest.approx(24e-3 * idle_w * n.pue, rel=0.01)

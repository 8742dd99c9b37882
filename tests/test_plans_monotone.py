"""Whoever allows more devices, days or money is never answered worse; whatever number of devices there is, it is answered."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from random import Random
from typing import Any

import pytest

import carbonscaling as cs
from metamorphic.invariants import OBJECTIVES, value

MODELS = ("llama-3-8b", "llama-3-70b", "llama-3.1-405b", "mixtral-8x7b", "deepseek-v3")
MOST = 2048
FEW = (1, 2, 3, 4, 5, 7, 8, 9, 12, 13, 16, 31, 32, 63)
"""Whole hosts, parts of them, primes."""
SAID = ("fits in memory", "no layout has")
"""What physically fails where no layout of so many devices exists."""


def _counted(model: str, counts: Iterable[int]) -> tuple[int, int]:
    """Answer ascending counts; return how many are answered, and how many are not because nothing fits."""
    best, answered, none = math.inf, 0, 0
    for n in counts:
        found = cs.estimate(cs.Scenario(model=model, tokens=1e12, devices=n))
        if isinstance(found, cs.Infeasible):
            assert answered == 0, f"{n} devices: {found.reason}, where fewer do"
            assert any(words in found.reason for words in SAID), found.reason
            none += 1
            continue
        assert found.duration_s <= best * (1.0 + 1e-12), f"{n} devices take longer than fewer do"
        assert found.idle_share == 1.0 - found.setting.n_devices / n
        assert (found.idle_share > 0) == any("devices idle" in warning for warning in found.warnings)
        best, answered = min(best, found.duration_s), answered + 1
    return answered, none


@pytest.mark.parametrize("model", ["llama-3-8b", "mixtral-8x7b"])
def test_every_count_has_an_answer(model: str) -> None:
    answered, none = _counted(model, FEW)
    assert answered + none == len(FEW)
    assert answered >= 5


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_every_count_up_to_2048_has_an_answer(model: str) -> None:
    answered, none = _counted(model, range(1, MOST + 1))
    assert answered + none == MOST
    assert answered >= MOST // 2


def _scenario(rng: Random) -> cs.Scenario:
    days = rng.choice((None, 10 ** rng.uniform(0.5, 3.0)))
    return cs.Scenario(
        model=rng.choice(("llama-3.2-1b", "llama-3-8b", "mixtral-8x7b", "deepseek-v2-lite", "gpt-3-1.3b")),
        tokens=10 ** rng.uniform(9.0, 12.0),
        device=rng.choice(("h100-sxm", "a100-80", "b200", "h200")),
        objective=rng.choice(OBJECTIVES),
        max_devices=rng.choice((1, 3, 8, 20, 64, 200)),
        max_days=days,
        batch=rng.choice((None, None, 96, 512)),
        budget_usd=rng.choice((None, 10 ** rng.uniform(2.0, 6.5))),
        budget_carbon=rng.choice((None, None, 10 ** rng.uniform(-1.0, 3.0))),
        budget_energy=rng.choice((None, None, 10 ** rng.uniform(2.0, 6.5))),
        region=rng.choice(("us-east5", "europe-north1")),
    )


WIDER = ("max_devices", "max_days", "budget_usd", "budget_carbon", "budget_energy")


def _more(s: cs.Scenario, rng: Random) -> Mapping[str, Any]:
    """One of the limits that a scenario has, raised or taken away."""
    name = rng.choice([key for key in WIDER if getattr(s, key) is not None or key == "max_days"])
    limit = getattr(s, name) or 90.0
    factor = rng.choice((1.01, 1.5, 4.0))
    return {name: math.ceil(limit * factor) if name == "max_devices" else limit * factor}


def _hold(seed: int) -> bool:
    """Ask a random plan, and once more with more allowed; return whether the first had an answer."""
    rng = Random(f"monotone-{seed}")
    s = _scenario(rng)
    more = _more(s, rng)
    first, then = cs.plan(s), cs.plan(replace(s, **more))
    if isinstance(first, cs.Infeasible):
        return False
    assert isinstance(then, cs.Estimate), f"seed {seed}, {more}: {then.reason}"
    before, after = value(first, s.objective), value(then, s.objective)
    assert after <= tuple(v * (1.0 + 1e-9) for v in before), f"seed {seed}, {more}: {after} above {before}"
    return True


def test_more_devices_days_or_money_is_never_worse() -> None:
    assert sum(map(_hold, range(16))) >= 4


@pytest.mark.slow
def test_more_devices_days_or_money_is_never_worse_in_5000_plans() -> None:
    assert sum(map(_hold, range(100, 5100))) >= 1500

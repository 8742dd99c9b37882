"""Several names with commas between: the best of the single answers, on one basis."""

from __future__ import annotations

from typing import Any

import pytest

import carbonscaling as cs
from carbonscaling.errors import InputError

SMALL: dict[str, Any] = {"model": "llama-3.2-1b", "tokens": 1e10, "devices": 8}
PLACES = ("us-east5", "sweden", "france")


def _carbon(answer: cs.Estimate | cs.Infeasible) -> float:
    assert answer.footprint is not None
    return answer.footprint.total_tco2e


def test_the_place_with_the_least_carbon_is_taken() -> None:
    single = {name: cs.estimate(cs.Scenario(**SMALL, region=name, objective="carbon")) for name in PLACES}
    best = cs.estimate(cs.Scenario(**SMALL, region=", ".join(PLACES), objective="carbon"))
    least = min(single, key=lambda name: _carbon(single[name]))
    assert best.scenario.region == least
    assert _carbon(best) == _carbon(single[least])
    assert any(f"region {least}: the best of us-east5, sweden, france" in note for note in best.resolved.notes)


def test_places_equal_by_the_objective_are_ranked_by_carbon() -> None:
    best = cs.estimate(cs.Scenario(**SMALL, region="us-east5,sweden", objective="time"))
    assert best.scenario.region == "sweden"


def test_a_budget_of_carbon_trains_most_in_the_best_place() -> None:
    asked: dict[str, Any] = {"model": "llama-3.2-1b", "budget_carbon": 1.0, "max_days": 60.0}
    single = {name: cs.plan(cs.Scenario(**asked, region=name)).resolved.asked_tokens for name in PLACES}
    best = cs.plan(cs.Scenario(**asked, region=",".join(PLACES)))
    assert best.resolved.asked_tokens == max(single.values())
    assert single[best.scenario.region] == max(single.values()) > 1.2 * min(single.values())


def test_precisions_and_places_together() -> None:
    best = cs.estimate(cs.Scenario(**SMALL, region="us-east5,sweden", precision="bf16,fp8"))
    assert best.scenario.region == "sweden"
    assert best.scenario.precision == "fp8"


@pytest.mark.parametrize(
    ("region", "key", "said"),
    [("us-east5, nowhere", "region", "unknown region"), ("sweden, mars-1", "region", "unknown region")],
)
def test_unknown_places_are_named(region: str, key: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as refused:
        cs.plan(cs.Scenario(**SMALL, region=region))
    assert refused.value.key == key

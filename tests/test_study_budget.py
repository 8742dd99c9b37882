"""Budgets of money, carbon, energy and a date: limits of a plan, and the best model and tokens within them."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

import carbonscaling as cs
from carbonscaling.catalog import laws
from carbonscaling.model.from_law import spec_for_params
from carbonscaling.model.params import total_params
from carbonscaling.study.asked import asked
from carbonscaling.study.budget import most_tokens
from carbonscaling.words import energy, money

OPEN = cs.Scenario(law="besiroglu_2024", budget_usd=2e6)
SMALL = cs.Scenario(model="llama-3.2-1b", tokens=2e10, device="h100-sxm", max_devices=64)


def planned(s: cs.Scenario) -> cs.Estimate:
    found = cs.plan(s)
    assert isinstance(found, cs.Estimate)
    return found


@pytest.mark.slow  # of the same property: test_more_money_is_never_worse
def test_a_budget_of_money_chooses_model_and_tokens() -> None:
    """No size of a coarse grid, each with the most tokens that the money buys, reaches a lower loss."""
    best, law = planned(OPEN), laws.law("besiroglu_2024")
    assert best.cost_usd is not None
    assert 0.99 * 2e6 <= best.cost_usd <= 2e6
    assert best.resolved.loss is not None
    for size in (1e9, 8e9, 3e10, 5e10, 8e10, 1.2e11):
        spec = spec_for_params(size)
        tokens = most_tokens(OPEN, spec)
        assert best.resolved.loss <= float(law.loss(float(total_params(spec)), tokens)) * 1.0005
        dearer = cs.plan(replace(OPEN, law=None, model=spec, tokens=1.02 * tokens))
        assert isinstance(dearer, cs.Infeasible), "the tokens were not the most"


def test_more_money_is_never_worse() -> None:
    losses = [planned(replace(OPEN, budget_usd=usd)).resolved.loss or math.inf for usd in (1e5, 4e5, 1.6e6)]
    assert losses == sorted(losses, reverse=True)


@pytest.mark.parametrize(
    ("budget", "figure", "unit"),
    [
        ("budget_usd", "cost_usd", 1.0),
        ("budget_carbon", "carbon_total_tco2e", 1.0),
        ("budget_energy", "energy_kwh", 1.0),
    ],
)
def test_a_plan_keeps_its_budget(budget: str, figure: str, unit: float) -> None:
    least = {"budget_usd": "cost", "budget_carbon": "carbon", "budget_energy": "energy"}[budget]
    free = planned(replace(SMALL, objective="time"))
    most = 0.5 * free.summary()[figure] + 0.5 * planned(replace(SMALL, objective=least)).summary()[figure]
    kept = planned(replace(SMALL, objective="time", **{budget: most}))
    assert kept.summary()[figure] <= most < free.summary()[figure]
    assert kept.duration_s >= free.duration_s
    for candidate in kept.search.top if kept.search else ():
        assert (candidate.cost_usd, candidate.carbon_kg / 1e3, candidate.energy_j / 3.6e6)[
            ("budget_usd", "budget_carbon", "budget_energy").index(budget)
        ] <= most * unit * (1 + 1e-9)


def test_too_little_is_said_with_what_would_do() -> None:
    poor = cs.plan(replace(SMALL, budget_usd=10.0))
    assert isinstance(poor, cs.Infeasible)
    assert "budget" in poor.reason
    enough = next(r for r in poor.remedies if "$ would do" in r)
    assert planned(replace(SMALL, budget_usd=float(enough.split()[0].replace(",", "")))).feasible


def test_a_model_alone_gets_the_most_tokens() -> None:
    one = planned(cs.Scenario(model="llama-3.2-1b", budget_usd=2e4, max_devices=256))
    assert one.cost_usd is not None
    assert 0.98 * 2e4 <= one.cost_usd <= 2e4


def test_a_date_is_a_deadline() -> None:
    dated = replace(SMALL, start_date="2027-01-01", finish_by="2027-01-03")
    assert asked(dated, "plan")[3] == 2 * 86400.0
    assert planned(dated).summary() == planned(replace(SMALL, max_days=2.0)).summary()
    with pytest.raises(cs.InputError, match="two deadlines"):
        replace(dated, max_days=3.0)
    with pytest.raises(cs.InputError, match="YYYY-MM-DD"):
        replace(SMALL, finish_by="soon")
    with pytest.raises(cs.InputError, match="after 2027"):
        replace(SMALL, start_date="2027-01-05", finish_by="2027-01-03")


def test_budgets_that_cannot_be_kept_are_refused() -> None:
    with pytest.raises(cs.InputError, match="budget needs a model"):
        cs.plan(cs.Scenario(law="paper_v2", budget_usd=1e6))
    with pytest.raises(cs.InputError, match="price"):
        cs.plan(cs.Scenario(model="llama-3.2-1b", tokens=1e9, device="paper-h100", budget_usd=1e6))


def test_budgets_are_of_the_run_and_what_stands_beside_it() -> None:
    """Money and energy as carbon: what is kept is kept by all of it, and what is missed is told of all of it."""
    beside = cs.Boundary(development=0.5, failed_runs=0.25, idle_reservation=0.05)
    asked = cs.Scenario(model="llama-3-8b", tokens=1e11, max_days=30, max_devices=64, objective="cost")
    free = cs.plan(replace(asked, boundary=beside))
    assert isinstance(free, cs.Estimate)
    assert free.cost_usd
    whole_usd = 1.8 * free.cost_usd
    assert (
        f"with development, failed runs, idle reservation {energy(_whole_kwh(free))}, {money(whole_usd)} and"
        in free.headline
    )
    assert isinstance(cs.plan(replace(asked, boundary=beside, budget_usd=1.001 * whole_usd)), cs.Estimate)
    missed = cs.plan(replace(asked, boundary=beside, budget_usd=0.9 * whole_usd))
    assert isinstance(missed, cs.Infeasible)
    assert f"the least takes {money(whole_usd)} where the budget is {money(0.9 * whole_usd)}" in missed.reason
    for share in (0.7, 1.2):
        found = cs.plan(replace(asked, boundary=beside, budget_energy=share * 1.8 * free.footprint.energy_kwh))
        assert isinstance(found, cs.Infeasible) or _whole_kwh(found) <= share * 1.8 * free.footprint.energy_kwh


def _whole_kwh(answer: cs.Estimate) -> float:
    return answer.footprint.energy_kwh + sum(line.energy_kwh for line in answer.footprint.lines)

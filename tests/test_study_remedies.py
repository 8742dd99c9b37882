"""Why nothing fits, by the reason that decides, and what would: every offer answers when it is taken."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

import carbonscaling as cs

SMALL = cs.Scenario(model="llama-3-8b", tokens=1e12, devices=8, batch=512)
LARGE = cs.Scenario(model="llama-3-70b", tokens=1e12, devices=64, batch=512)
FULL = cs.Layout(tp=8, pp=1, cp=1, micro_batch=8, recompute="none")
WHOLE = cs.Layout(tp=8, pp=2, dp=4, cp=1, micro_batch=4, recompute="none", zero=0)


@cache
def _no(s: cs.Scenario) -> cs.Infeasible:
    found = cs.estimate(s)
    assert isinstance(found, cs.Infeasible)
    return found


@pytest.mark.parametrize(
    ("s", "reason"),
    [
        (replace(LARGE, devices=8), "none of the 5,232 that the rules allow fits in memory; the nearest misses by"),
        (replace(LARGE, layout=FULL), "none of the 4 that the rules allow fits in memory"),
        (replace(SMALL, devices=6, layout=cs.Layout(tp=3)), "100% refused because tensor parallelism does not divide"),
    ],
)
def test_the_reason_is_the_one_that_decides(s: cs.Scenario, reason: str) -> None:
    """Memory where anything reaches it; never rules about chunks and schedules that nobody asked for."""
    found = _no(s)
    assert reason in found.reason
    assert "interleaving" not in found.reason


LAYOUTS: list[tuple[cs.Scenario, str, dict[str, Any]]] = [
    (replace(LARGE, layout=FULL), "a micro-batch of 1", {"layout": replace(FULL, micro_batch=1)}),
    (replace(LARGE, layout=FULL), "full recomputation", {"layout": replace(FULL, recompute="full")}),
    (replace(LARGE, layout=FULL), "offload activations", {"offload": "activations"}),
    (replace(LARGE, layout=WHOLE), "another layout", {"layout": cs.Layout()}),
    (replace(SMALL, layout=cs.Layout(tp=1, pp=1, zero=0)), "ZeRO-3", {"layout": cs.Layout(tp=1, pp=1, zero=3)}),
    (replace(LARGE, devices=8), "offload optimizer", {"offload": "optimizer"}),
]


@pytest.mark.parametrize(("s", "what", "changes"), LAYOUTS)
def test_what_is_offered_does(s: cs.Scenario, what: str, changes: dict[str, Any]) -> None:
    offered = _no(s).remedies
    assert any(remedy.startswith(f"{what} would do") for remedy in offered), offered
    assert cs.estimate(replace(s, **changes)).feasible


@pytest.mark.parametrize(
    "s",
    [
        replace(LARGE, devices=8, layout=cs.Layout(tp=8)),
        replace(LARGE, devices=16),
        cs.Scenario(model="llama-3-8b", tokens=15e12, devices=256, max_days=60, batch=1024),
        cs.Scenario(model="llama-3-8b", tokens=15e12, devices=256, max_days=20, batch=1024),
    ],
)
def test_eight_bits_are_offered_where_they_do_alone(s: cs.Scenario) -> None:
    offered = any(remedy.startswith("precision fp8 would do") for remedy in _no(s).remedies)
    assert offered == cs.estimate(replace(s, precision="fp8")).feasible
    assert not any("or a recipe with fewer bytes" in remedy for remedy in _no(s).remedies)


def test_the_least_that_a_budget_must_be() -> None:
    """It is what the cheapest plan takes, over every batch, and with so much there is an answer."""
    s = cs.Scenario(model="llama-3-8b", tokens=2e11, max_devices=16)
    least = cs.plan(replace(s, objective="cost")).summary()["cost_usd"]
    no = cs.plan(replace(s, budget_usd=1.0))
    assert isinstance(no, cs.Infeasible)
    assert no.summary()["cost_usd"] == pytest.approx(least, rel=1e-3)
    assert "e+" not in " ".join((no.reason, *no.remedies))  # money in words, no exponents
    assert cs.plan(replace(s, budget_usd=1.001 * least)).feasible


def test_degrees_that_do_not_divide_the_devices_are_named() -> None:
    no = _no(replace(SMALL, devices=24, batch=None, layout=cs.Layout(tp=5)))
    assert no.reason == "24 devices are no multiple of TP 5"
    assert any(remedy.startswith("another layout would do") for remedy in no.remedies)


def test_degrees_are_left_to_loosen_only_where_nothing_that_was_tried_does() -> None:
    eight = cs.Scenario(
        model="mixtral-8x7b", tokens=1e12, devices=8, batch=256, layout=cs.Layout(tp=1, pp=4, ep=8, dp=2)
    )
    (more,) = _no(eight).remedies  # no layout at all holds the model on eight devices
    assert more.startswith("32 devices and no fixed DP would do")
    found = _no(replace(SMALL, devices=7, batch=4, layout=cs.Layout(tp=7, micro_batch=3)))
    assert found.remedies == ("loosen the fixed degrees, or allow another device count",)


def _count(word: str) -> int:
    return int(word.replace(",", ""))


def _taken(s: cs.Scenario, offer: str) -> cs.Scenario | None:
    """The scenario with an offer taken: devices, days, a batch, an open DP, money; None where it is of another kind."""
    what = offer.partition(" would do")[0].removeprefix("allow ")
    found = s
    for part in what.split(" and "):
        if m := re.fullmatch(r"([\d,]+) devices?", part):
            n = _count(m[1])
            found = replace(found, devices=n) if s.devices else replace(found, max_devices=n)
        elif m := re.fullmatch(r"([\d,]+) days", part):
            found = replace(found, max_days=float(_count(m[1])))
        elif m := re.fullmatch(r"a batch of ([\d,]+) sequences", part):
            found = replace(found, batch=_count(m[1]))
        elif m := re.fullmatch(r"([\d.]+) ([kM]?)\$", part):
            found = replace(found, budget_usd=float(m[1]) * {"": 1.0, "k": 1e3, "M": 1e6}[m[2]])
        elif part == "no fixed DP":
            found = replace(found, layout=replace(found.layout, dp=None))
        else:
            return None
    return found


SHORT = cs.Scenario(model="llama-3-8b", tokens=1e11, max_devices=16, max_days=1.0)
IN_VAIN: dict[str, cs.Scenario] = {
    "more devices hold it, and take too long": cs.Scenario(
        model="llama-3-70b", tokens=1e12, max_devices=8, max_days=20.0
    ),
    "so with a batch": cs.Scenario(model="llama-3-70b", tokens=1e12, max_devices=8, max_days=20.0, batch=1024),
    "days alone are over budget": replace(SHORT, budget_usd=2e3),
    "days alone are within it": replace(SHORT, budget_usd=2e4),
    "another batch on the same tokens": replace(SHORT, model="llama-3-70b", max_devices=38, batch=1000, budget_usd=4e5),
    "a count that the stated DP does not fill": cs.Scenario(
        model="llama-3-70b", tokens=1e10, devices=8, batch=64, layout=cs.Layout(dp=2)
    ),
}


@pytest.mark.parametrize("what", IN_VAIN)
def test_an_offer_that_is_taken_answers(what: str) -> None:
    """Deadline, budgets, batch and degrees that were stated stay stated: what has to give is part of the offer."""
    s = IN_VAIN[what]
    ask = cs.estimate if s.devices else cs.plan
    no = ask(s)
    assert isinstance(no, cs.Infeasible)
    taken = {offer: own for offer in no.remedies if (own := _taken(s, offer))}
    assert taken, no.remedies
    for offer, own in taken.items():
        assert ask(own).feasible, offer

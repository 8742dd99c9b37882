"""The best model, tokens and loss within budgets of money, carbon, energy and time."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from carbonscaling.catalog import laws
from carbonscaling.errors import InputError
from carbonscaling.laws import PaperFamily, ScalingLaw
from carbonscaling.model.from_law import spec_for_params
from carbonscaling.model.params import total_params
from carbonscaling.model.spec import ModelSpec
from carbonscaling.record import dataclass
from carbonscaling.search.engine import search
from carbonscaling.search.objectives import OBJECTIVES
from carbonscaling.study.asked import asked, question_of, space_of
from carbonscaling.study.decide import round_batches
from carbonscaling.study.resolve import Resolved
from carbonscaling.study.scenario import Scenario
from carbonscaling.words import count

__all__ = ["Affordable", "affordable", "front_words", "most_tokens"]

SIZES = 5.0
"""How far about the compute-optimal size the best one is looked for, either way."""
STEPS = 8
"""Sizes that golden sections try: the last ones lie within 10 % of each other."""
DIGITS = 4
"""Binary digits of the batches that sizes are tried with."""
FIRST = 1e9
"""Parameters of the size that is tried first."""
CLOSE = 1e-3
"""How near to the budget tokens come, relative."""
GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0


@dataclass(frozen=True)
class Affordable:
    """One size with the most tokens that the budgets allow; `loss` by the law, infinity where no tokens do."""

    spec: ModelSpec
    tokens: float
    loss: float


def most_tokens(s: Scenario, spec: ModelSpec, guess: float | None = None) -> float:
    """Return the most tokens that a model can be trained on within the budgets and the deadline; 0 where none can.

    The scarcest budget sets them: what the cheapest run by it takes grows with the tokens nearly in proportion.
    """
    tokens, low, high = guess or 20.0 * float(total_params(spec)), 0.0, math.inf
    like: Resolved | None = None
    for _ in range(24):
        one, r, counts, deadline_s = asked(replace(s, model=spec, tokens=tokens, law=None), "plan", like)
        like, q = r, question_of(one, r, counts, deadline_s)
        scarce = []
        for name in {"cost_usd": "cost", "carbon_kg": "carbon", "energy_j": "energy"}.items():
            limit = dict(q.limits).get(name[0])
            if limit is None:
                continue
            some = replace(q, batches=round_batches(q.batches, DIGITS), limits=(), objective=name[1])
            best = search(some, space_of(one, r), top=1, near=0.0, prune=True, explain=False).best
            scarce.append(0.5 if best is None else limit / OBJECTIVES[name[1]].key(best)[0])
        room = min(scarce)
        if room >= 1.0:
            low = max(low, tokens)
        else:
            high = min(high, tokens)
        if low and (high / low <= 1.0 + CLOSE or 1.0 <= room <= 1.0 + CLOSE):
            break
        if high < 1e6:
            return 0.0
        tokens *= room * (1.0 - 0.25 * CLOSE)
        if not low < tokens < high:
            tokens = math.sqrt(max(low, high / 16.0) * high) if high < math.inf else 2.0 * low
    return low


def affordable(s: Scenario, seen: Callable[[Affordable], None] | None = None) -> Affordable:
    """Return what reaches the least loss: the size, by golden sections about the compute-optimal one, with its tokens.

    Parameters
    ----------
    s : Scenario
    seen : callable, optional
        Told every size that is tried.

    Raises
    ------
    InputError
        Neither a model nor a law that gives a loss, or carbon by the hour.
    """
    if s.model is not None:
        spec = asked(replace(s, tokens=1e9), "plan")[1].spec
        return _taken(s, None, spec, seen)
    law = laws.law(s.law) if s.law else None
    if law is None or isinstance(law, PaperFamily):
        raise InputError(
            "a budget needs a model, or a law that says which loss a size reaches", key="law", value=s.law,
            allowed="a law by parameters and tokens", remedy="for instance --law besiroglu_2024",
        )  # fmt: skip
    from carbonscaling.search.evaluate import load_made  # a stated layout needs no search

    load_made()
    first = _taken(s, law, spec_for_params(FIRST), seen)
    spent = FIRST * max(first.tokens, FIRST)  # what size and tokens come to hardly depends on the size
    middle = float(law.optimum_for_compute(6.0 * spent).n_params)
    tried: dict[float, Affordable] = {}

    def at(x: float) -> Affordable:
        if x not in tried:
            tried[x] = _taken(s, law, spec_for_params(math.exp(x)), seen, spent / math.exp(x))
        return tried[x]

    low, high = math.log(middle / SIZES), math.log(middle * SIZES)
    left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    for _ in range(STEPS):
        if at(left).loss <= at(right).loss:
            high, right = right, left
            left = high - GOLDEN * (high - low)
        else:
            low, left = left, right
            right = low + GOLDEN * (high - low)
    return min((first, *tried.values()), key=lambda a: (a.loss, a.tokens))


def _taken(
    s: Scenario,
    law: ScalingLaw | None,
    spec: ModelSpec,
    seen: Callable[[Affordable], None] | None,
    guess: float | None = None,
) -> Affordable:
    tokens = most_tokens(s, spec, guess)
    loss = float(law.loss(float(total_params(spec)), tokens)) if law and tokens else math.inf
    found = Affordable(spec, tokens, loss)
    if seen is not None and tokens:
        seen(found)
    return found


def front_words(every: list[Affordable]) -> str:
    """Return the sizes tried with their tokens and losses, smallest first."""
    ranked = sorted(every, key=lambda a: float(total_params(a.spec)))
    return "; ".join(f"{count(float(total_params(a.spec)))} on {count(a.tokens)}: loss {a.loss:.4f}" for a in ranked)

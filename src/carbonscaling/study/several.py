"""Several precisions or places in one question: each is answered, and the best answer says what it was chosen over."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

from carbonscaling.catalog.place_names import check_listed
from carbonscaling.catalog.regions import common_basis, place
from carbonscaling.search.engine import Progress
from carbonscaling.search.objectives import OBJECTIVES
from carbonscaling.study.asked import is_open
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.infeasible import Infeasible
from carbonscaling.study.scenario import Scenario

__all__ = ["SEVERAL", "best_of", "several"]

SEVERAL = ("precision", "region")
"""Keys of a scenario that take several names with commas between."""


def several(s: Scenario) -> str | None:
    """Return the first key of a scenario that names several."""
    return next((key for key in SEVERAL if "," in (getattr(s, key) or "")), None)


def _each(s: Scenario, key: str) -> Iterator[Scenario]:
    """Yield the scenario with each of its names; places are compared on a basis that all of them have."""
    names = [name.strip() for name in getattr(s, key).split(",") if name.strip()]
    if key == "region":
        check_listed(names)
    if key == "region" and s.carbon_intensity_g_per_kwh is None:
        s = replace(s, basis=common_basis(map(place, names), s.basis))
    for name in dict.fromkeys(names):
        yield replace(s, **{key: name})


def best_of(
    answer: Callable[..., Estimate | Infeasible], scenario: Scenario, progress: Progress | None
) -> Estimate | Infeasible:
    """Answer with each of several names, and return the best answer with a note of what it was chosen over.

    Best is the least loss where budgets set what is trained, then the objective, then carbon.

    Raises
    ------
    InputError
        An unknown name, or places without a basis in common.
    """
    key = several(scenario)
    assert key is not None
    answers = [(getattr(one, key), answer(one, progress=progress)) for one in _each(scenario, key)]
    feasible = {name: a for name, a in answers if isinstance(a, Estimate)}
    if not feasible:
        return answers[0][1]

    def rank(name: str) -> tuple[float, ...]:
        a = feasible[name]
        loss = math.inf if a.resolved.loss is None else a.resolved.loss
        first = (loss, -a.resolved.asked_tokens) if is_open(scenario) else ()
        chosen = a.search and OBJECTIVES[a.search.objective].key(a.search.top[0])
        return (*first, *(chosen or (a.duration_s,)), a.footprint.total_tco2e)

    best = min(feasible, key=rank)
    by = (
        "the least loss within the budgets" if is_open(scenario) else f"objective '{feasible[best].scenario.objective}'"
    )
    note = f"{key} {best}: the best of {', '.join(name for name, _ in answers)} by {by}"
    resolved = replace(feasible[best].resolved, notes=(*feasible[best].resolved.notes, note))
    return replace(feasible[best], resolved=resolved)

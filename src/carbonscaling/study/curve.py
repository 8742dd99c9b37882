"""The curve of a scaling law past an answer: what each loss would take on the same machine, in the same place."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import replace

from carbonscaling.catalog import laws
from carbonscaling.laws import PaperFamily
from carbonscaling.model.params import total_params
from carbonscaling.record import dataclass
from carbonscaling.search.engine import Progress
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.scale import ScalePoint, default_sizes, scale
from carbonscaling.study.scenario import Layout, Scenario

__all__ = ["USUAL_LAW", "Curve", "curve_past"]

USUAL_LAW = "besiroglu_2024"
"""Where a scenario names none: Chinchilla's third approach, fitted again."""
HALF_DECADES = tuple(10.0 ** (20 + i / 2) for i in range(13))


@dataclass(frozen=True)
class Curve:
    """A law's compute-optimal trainings, and where an answer stands beside them.

    Attributes
    ----------
    law : str
    points : tuple of ScalePoint
    compute : float
        6·N_active·D of the answer, in FLOPs.
    loss : float, optional
        That the law expects of the answer; None where the law says nothing of such a model.
    """

    law: str
    points: tuple[ScalePoint, ...]
    compute: float
    loss: float | None


def _expected(answer: Estimate, law: str) -> float | None:
    r, rule = answer.resolved, laws.law(law)
    if r.loss is not None or isinstance(rule, PaperFamily) or r.spec.experts is not None:
        return r.loss
    return float(rule.loss(float(total_params(r.spec)), r.asked_tokens))


def _freed(s: Scenario, law: str) -> Scenario:
    """Return what stays the same along the curve: the machine, the place, the deadline, not this run's count and layout.

    An estimate of a given count turns "fewest devices" into "shortest time": along the curve counts are open again.
    """
    objective = "paper" if s.is_counted and s.objective == "time" else s.objective
    return replace(
        s, law=law, objective=objective, model=None, tokens=None, devices=None, layout=Layout(), batch=None,
        budget_usd=None, budget_carbon=None, budget_energy=None, tower_tokens=None, tower_patches=None,
    )  # fmt: skip


def curve_past(
    answer: Estimate,
    *,
    progress: Progress | None = None,
    known: MutableMapping[str, tuple[ScalePoint, ...]] | None = None,
) -> Curve | None:
    """Return the curve of the scenario's law, or of `USUAL_LAW`; None where what is trained is no whole language model.

    Parameters
    ----------
    answer : Estimate
    progress : callable, optional
        As of a search.
    known : mapping, optional
        Points that were planned for earlier answers, by what they were planned for; new ones are added. Only for scenarios
        that name no file, whose content may change.
    """
    s = answer.scenario
    if s.train != "full" or s.teacher is not None or s.towers != "none":
        return None
    law = s.law or USUAL_LAW
    sizes = default_sizes(law) if isinstance(laws.law(law), PaperFamily) else HALF_DECADES
    freed, known = _freed(s, law), {} if known is None else known
    key = repr(freed)
    if key not in known:
        known[key] = tuple(scale(freed, sizes, progress=progress))
    return Curve(law, known[key], answer.resolved.compute, _expected(answer, law))

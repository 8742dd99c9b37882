"""Curves over model sizes: what each point of a scaling law takes, and the one that passes an answer."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from dataclasses import replace

from carbonscaling.catalog import laws
from carbonscaling.errors import InputError
from carbonscaling.laws import PaperFamily
from carbonscaling.model.params import total_params
from carbonscaling.record import dataclass
from carbonscaling.search.engine import Progress
from carbonscaling.study.answer import plan
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.infeasible import Infeasible
from carbonscaling.study.scenario import Layout, Scenario

__all__ = ["USUAL_LAW", "Curve", "ScalePoint", "curve_past", "default_sizes", "scale"]


@dataclass(frozen=True)
class ScalePoint:
    """One size: what the law asks for, and what that takes.

    `size` is the width for the papers' family, the compute budget in FLOPs for every other law.
    """

    size: float
    n_params: float
    n_tokens: float
    compute: float
    loss: float
    answer: Estimate | Infeasible


def default_sizes(law: str) -> tuple[float, ...]:
    """Return the papers' own widths for their family, budgets from 1e20 to 1e26 FLOPs for other laws."""
    if law == "paper_v1":
        return (6144, 12288, 24576, 49152, 98304)
    if law == "paper_v2":
        return (1536, 3072, 6144, 12288, 24576)
    return (1e20, 1e21, 1e22, 1e23, 1e24, 1e25, 1e26)


def scale(
    scenario: Scenario, sizes: Sequence[float] | None = None, *, progress: Progress | None = None
) -> list[ScalePoint]:
    """Plan every size of a law on one device.

    Parameters
    ----------
    scenario : Scenario
        `law` and the machine; its model and targets are set here.
    sizes : sequence of float, optional
        Widths for the papers' family, compute budgets in FLOPs otherwise.
    progress : callable, optional
        As of every search.

    Raises
    ------
    InputError
        No law, or a size that is not positive.
    """
    if scenario.law is None:
        raise InputError("a curve needs a scaling law", key="law", allowed=", ".join(laws.law_names()),
                         remedy="for instance --law paper_v2")  # fmt: skip
    law = laws.law(scenario.law)
    points = []
    for size in sizes or default_sizes(scenario.law):
        if isinstance(law, PaperFamily):
            member = law.integer(int(size))
            n, d, compute, loss = member.n_params, member.n_tokens, member.compute, member.loss
            s = replace(scenario, model=None, d_model=int(size), compute=None, target_loss=None, tokens=None)
        else:
            best = law.optimum_for_compute(size)
            n, d, compute, loss = best.n_params, best.n_tokens, best.compute, best.loss
            s = replace(scenario, model=None, d_model=None, compute=float(size), target_loss=None, tokens=None)
        points.append(
            ScalePoint(float(size), float(n), float(d), float(compute), float(loss), plan(s, progress=progress))
        )
    return points


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

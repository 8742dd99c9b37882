"""A curve over model sizes: what each point of a scaling law takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from carbonscaling.catalog import laws
from carbonscaling.errors import InputError
from carbonscaling.laws import PaperFamily
from carbonscaling.record import dataclass
from carbonscaling.search.engine import Progress
from carbonscaling.study.answer import plan
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.infeasible import Infeasible
from carbonscaling.study.scenario import Scenario

__all__ = ["ScalePoint", "default_sizes", "scale"]


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

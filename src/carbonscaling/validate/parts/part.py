"""A part of the model held to rows of measurements: what it says of each row, and how that adds up by group."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import numpy as np

from carbonscaling.errors import InputError
from carbonscaling.evidence.row import Row, Unusable
from carbonscaling.hints import NamedTuple
from carbonscaling.record import dataclass
from carbonscaling.validate.score import Score, score

__all__ = ["Asked", "Component", "Outcome", "judged", "lines"]


@dataclass(frozen=True)
class Outcome:
    """What the model says of one row.

    Attributes
    ----------
    groups : tuple of str
        Lines of the table that the row counts in; none where nothing is predicted or measured.
    predicted, measured : float
        In one unit; not-a-number where unknown.
    low, high : float
        90 % interval of the prediction, where there is one.
    work : float
        What the time of the row does; over it, predicted and measured are compared as utilisation.
    fits : bool, optional
        Whether the model says that the devices can hold it, where that is asked.
    right : bool, optional
        Where the measurement is a yes or no: whether the model says the same.
    reason : str
        Why nothing is predicted.
    """

    groups: tuple[str, ...] = ()
    predicted: float = math.nan
    measured: float = math.nan
    low: float = math.nan
    high: float = math.nan
    work: float = math.nan
    fits: bool | None = None
    right: bool | None = None
    reason: str = ""


@dataclass(frozen=True)
class Component:
    """How one part of the model does on one group of measurements.

    Attributes
    ----------
    part : str
        ``gemm``, ``collectives``, ``memory``, ``oom``, ``power``, ``pipeline``, ``megatron``.
    group : str
        Device, kernel, stack or schedule.
    n : int
        Measurements.
    score : Score, optional
        Errors of predicted against measured values.
    utilisation_r2 : float, optional
        Coefficient of determination of the utilisation reached, where the rows give one.
    share : float, optional
        Share of `n` judged rightly, where the measurement is a yes or no.
    target : str
        What the project asks of this line, in words; empty where it asks nothing.
    met : bool, optional
        Whether it does.
    remark : str
    """

    part: str
    group: str
    n: int
    score: Score | None = None
    utilisation_r2: float | None = None
    share: float | None = None
    target: str = ""
    met: bool | None = None
    remark: str = ""


def judged(rows: Iterable[Row], judge: Callable[[Row], Outcome]) -> list[Outcome]:
    """Return what the model says of every row, or why it says nothing."""
    found = []
    for row in rows:
        try:
            found.append(judge(row))
        except Unusable as verdict:
            found.append(Outcome(reason=str(verdict)))
        except InputError as error:
            found.append(Outcome(reason=f"{error.problem}: {error.value}"))
    return found


class Asked(NamedTuple):
    """What the project asks of a line: in words, and whether a line does it."""

    target: str
    met: Callable[[Component], bool]

    @classmethod
    def most(cls, name: str, field: str, limit: float) -> Asked:
        """Ask that an error of the score, called `name`, is at most `limit`."""
        return cls(f"{name} at most {100 * limit:g} %", lambda line: bool(getattr(line.score, field) <= limit))

    @classmethod
    def least(cls, share: float) -> Asked:
        """Ask that at least this share is judged rightly."""
        return cls(f"at least {100 * share:g} %", lambda line: (line.share or 0.0) >= share)


def _line(part: str, group: str, found: list[Outcome]) -> Component:
    if found[0].right is not None:
        return Component(part, group, len(found), share=sum(bool(o.right) for o in found) / len(found))
    columns = ("predicted", "measured", "low", "high", "work")
    predicted, measured, low, high, work = np.array([[getattr(o, name) for name in columns] for o in found]).T
    merit = score(predicted, measured) if np.isnan(low).any() else score(predicted, measured, low, high)
    use = None if np.isnan(work).any() else score(work / predicted, work / measured).r2
    return Component(part, group, len(found), merit, use)


def lines(
    part: str,
    outcomes: Iterable[Outcome],
    asked: Mapping[str, Asked] | None = None,
    remark: Callable[[str], str] = lambda _group: "",
) -> tuple[Component, ...]:
    """Return one line a group in the order of their names, with what is asked of it and a remark."""
    groups: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        for group in outcome.groups:
            groups[group].append(outcome)
    table = []
    for group, found in sorted(groups.items()):
        line = replace(_line(part, group, found), remark=remark(group))
        if asked and group in asked:
            line = replace(line, target=asked[group].target, met=asked[group].met(line))
        table.append(line)
    return tuple(table)

"""Whole trainings before the fact, for people and machines: what can be reached, what people needed, what was reported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from rich.console import Group
from rich.text import Text

from carbonscaling.reporting.jsonable import jsonable
from carbonscaling.reporting.tables import error, figures
from carbonscaling.study.history import Practice
from carbonscaling.validate.carbon.trainings import TrainingCheck, scores_by_report, training_scores
from carbonscaling.words import count

__all__ = ["answered_page", "trainings_data", "trainings_page"]


def _width(checks: Sequence[TrainingCheck]) -> float | None:
    """Return the median factor from end to end of the intervals."""
    spans = [x.high / x.low for x in checks if x.high and x.low]
    return float(np.median(spans)) if spans else None


def _count(value: float | None) -> str:
    return "-" if value is None else count(value)


def trainings_data(checks: Sequence[TrainingCheck], practice: Practice) -> dict[str, Any]:
    """Return every training, the scores over all and by maker, and the distribution of the shipped ones."""
    found = {
        "trainings": checks, "scores": training_scores(checks), "by_report": scores_by_report(checks),
        "interval_factor": _width(checks),
        "practice": {"everyone": practice.needed(), "maker": Practice(0.0, 0.0, practice.within).needed()},
    }  # fmt: skip
    return dict(jsonable(found))


def answered_page(checks: Sequence[TrainingCheck]) -> Group:
    """Return the trainings that were answered beside what was reported, then the others by reason."""
    headings = ("training", "maker", "reached", "needed", "low", "high", "reported", "off", "inside")
    table, lines = figures(headings, words=2, width=24), []
    for x in checks:
        if x.device_hours is None or x.low is None or x.high is None:
            continue
        merit = ("-", "-", "")
        if x.reported:
            inside = "yes" if x.low <= x.reported <= x.high else "no"
            merit = count(x.reported), error(x.device_hours / x.reported - 1.0, "+"), inside
        table.add_row(x.model, x.maker, *map(_count, (x.reachable, x.device_hours, x.low, x.high)), *merit)
        lines += [f"  {x.model}: {x.reason}"] if x.reason else []
    merits = training_scores(checks)
    if merits:
        s, width = merits["all"], _width(checks)
        makers = float(np.mean([merit.coverage for name, merit in merits.items() if name != "all"]))
        lines.append(
            f"{s.n} trainings: bias {error(s.bias, '+')}, median error {error(s.median)}, {error(s.coverage)} inside "
            f"({error(makers)} as a mean over makers); the interval spans a factor of {width:.2f}"
        )
    reports = scores_by_report(checks)
    if len(reports) > 1:
        lines += [
            f"  {name}: {s.n}, bias {error(s.bias, '+')}, {error(s.coverage)} inside" for name, s in reports.items()
        ]
    others = Counter((x.status, x.reason) for x in checks if x.device_hours is None)
    lines += [f"  {status}: {n} x {why}" for (status, why), n in others.most_common()]
    title = "Device-hours before the fact: what can be reached, what people needed, what was reported"
    return Group(Text(title, style="bold"), table, *(Text(line) for line in lines))


def trainings_page(checks: Sequence[TrainingCheck], practice: Practice) -> Group:
    """Return the same, and the distribution of the shipped trainings."""
    whole, one, own = practice.needed(), practice.needed((1.0,)), Practice(0.0, 0.0, practice.within).needed()
    said = (
        f"Shipped trainings needed {whole.median:.3f} ({whole.low:.3f} to {whole.high:.3f}) times what can be reached, each "
        f"maker left out of its own; one maker's own {own.low:.3f} to {own.high:.3f} times its median, so that with one "
        f"earlier training the interval spans a factor of {one.high / one.low:.2f}"
    )
    return Group(answered_page(checks), Text(said))

"""The report of a study: what varied, how its cases ended, the best of them, the front, what matters, sources, limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from carbonscaling.reporting.document.html import Markup, cited, listed, node, page
from carbonscaling.reporting.document.page import METHOD, limits
from carbonscaling.reporting.document.study_figures import front_figure, leading_figure, sensitivity_figure
from carbonscaling.reporting.document.study_tables import (
    cases,
    ended,
    figures_of,
    figures_table,
    rows_of,
    shares_table,
    varied,
)
from carbonscaling.study.sweep.query import Results
from carbonscaling.study.sweep.views import best, front, sensitivity
from carbonscaling.words import mass, plain

__all__ = ["study_document"]

MOST_FRONT = 40
MEASURES = {"inference": "wh_per_request", "schedule": "carbon_total_tco2e", "decide": "total", "chances": "days_p90",
            "project": "carbon_total_tco2e"}  # fmt: skip
"""What cases are ranked by where they are no trainings."""
ONE_CASE = "The sources are those of one answered case; others may add those of their own inputs."


def _answered(
    r: Results, top: Sequence[dict[str, Any]], files: Mapping[str, str], measure: str | None
) -> list[Markup]:  # fmt: skip
    if measure is not None:
        words = f"The {len(top)} answered cases with the least {measure.replace('_', ' ')}."
        return [node("h2", "Best cases"), node("p", words), figures_table(r, top, files), *_matters(r)]
    edge = rows_of(front(r))
    points = [(row["duration_days"], row["carbon_total_tco2e"], row["case"]) for row in edge]
    found = [
        node("h2", "Best cases"), node("p", f"The {len(top)} answered cases with the least carbon."), cases(r, top, files),
        node("h2", "Front of time and carbon"), node("p", "Cases that no other beats in both run time and carbon."),
        cases(r, edge[:MOST_FRONT], files), *front_figure(points),
    ]  # fmt: skip
    if len(edge) > MOST_FRONT:
        found.insert(
            -1, node("p", f"The first {MOST_FRONT} of {len(edge):,}; the view front gives all.", class_="small")
        )
    return [*found, *_matters(r)]


def _matters(r: Results) -> list[Markup]:
    shares = [row for row in rows_of(sensitivity(r)) if row["low"] is not None] if r.study.keys else []
    if not shares:
        return []
    return [
        node("h2", "What matters"),
        shares_table(shares),
        *sensitivity_figure(r, shares),
        *leading_figure(r, shares),
    ]


def _conventions(r: Results, data: Mapping[str, Any]) -> list[str]:
    searched = "the number of devices is searched within the deadline"
    how = {"plan": searched, "estimate": "the number of devices is given"}.get(
        r.study.answer, "as the command of this name"
    )
    versions = ", ".join(f"{name} {number}" for name, number in data["versions"].items())
    return [
        f"Every case is answered by itself ({r.study.answer}: {how}); carbon is the total by location.",
        "Shares are correlation ratios: the variance of the means of ln(carbon) over an input's values, over that of all; "
        "means are geometric. Each input is taken alone; what two do together is in no share.",
        f"Made with {versions}; stamp of study, files, catalogue and code: {data['stamp']}.",
    ]


def _warnings(r: Results) -> list[str]:
    left = r.study.n_cases - r.found.n_seen
    part = f"{left:,} of {r.study.n_cases:,} cases are not done ({r.found.missing}); all that follows is about those that are."
    return [*([part] if left else []), *([f"{r.found.remark}."] if r.found.remark else [])]


def study_document(r: Results) -> str:
    """Return the report of a study, finished or not, as one HTML file that needs nothing beside it."""
    data = r.found.manifest
    known: Mapping[str, str] = data["inputs"]
    measure = MEASURES.get(r.study.answer)
    top = rows_of(best(r)) if measure is None else figures_of(r, measure)
    lead = f"{len(r.study.keys)} inputs varied; this is about {r.seen}; "
    if top and measure is not None:
        lead += f"least {measure.replace('_', ' ')}: {plain(top[0][measure])} (case {top[0]['case']:,})."
    elif top:
        first = top[0]
        lead += (
            f"least carbon: {mass(first['carbon_total_tco2e'])} in {plain(first['duration_days'])} days "
            f"on {first['n_devices']:,} devices (case {first['case']:,})."
        )
    else:
        lead += "no case has an answer yet."
    title = f"Study: {r.study.name}"
    body = [
        node("p", f"Estimates before the run - carbonscaling {data['versions']['carbonscaling']}", class_="kind"),
        node("h1", title), node("p", lead, class_="lead"),
        *(node("p", f"Warning: {words}", class_="warning") for words in _warnings(r)),
        node("h2", "What was varied"), *varied(r, known),
        node("h2", "Cases"), *ended(r),
        *(_answered(r, top, known, measure) if top else []),
        node("h2", "Method"), listed((*(METHOD[:4] if measure is None else ()), *_conventions(r, data))),
        node("h2", "Limits"), listed((*limits(), ONE_CASE)),
        node("h2", "Sources"), cited(data["sources"] or ()),
    ]  # fmt: skip
    return page(title, body)

"""What a page shows beside an answer: places, evidence, sources, the law's curve."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from carbonscaling.reporting.scale import scale_rows
from carbonscaling.search.engine import Progress
from carbonscaling.study.answer import sources_used
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.inputs import inputs
from carbonscaling.study.scale import ScalePoint

__all__ = ["BESIDE", "curve", "evidence", "regions", "sources"]

CURVE_COLUMNS = (
    "compute", "loss", "n_params", "n_tokens", "n_devices", "duration_days", "energy_kwh", "carbon_total_tco2e",
    "carbon_low_tco2e", "carbon_high_tco2e", "cost_usd", "reason",
)  # fmt: skip


def regions(answer: Estimate, _progress: Progress | None = None) -> dict[str, Any]:
    """Return the same run in every cloud region, least carbon first, and the hours of the answer's own place."""
    from carbonscaling.study.places import ranked

    rows = ranked(answer)
    return {
        "region": answer.footprint.region,
        "rows": [vars(row) for row in rows],
        "hours": _hours(answer.footprint.region, rows[0].basis),
    }


def _hours(region: str, counted: str) -> dict[str, Any] | None:
    """Return the typical g/kWh of a place by month and hour of the day (UTC); None where its grid's hours are not known."""
    from carbonscaling.catalog.grid_hours import HOURS_SOURCE, hours_by_year
    from carbonscaling.catalog.grids import areas
    from carbonscaling.catalog.regions import BASES, known_place
    from carbonscaling.study.begin import typical_hours

    basis = next(basis for basis in BASES if counted.startswith(basis))
    there = known_place(region)
    typical = None if there is None else typical_hours(there.zone, basis)
    if there is None or typical is None or basis not in there.intensities:
        return None
    return {
        "grid": areas()[there.zone].name,
        "years": sorted(hours_by_year(there.zone, basis)),
        "source": HOURS_SOURCE,
        "g_per_kwh": (typical * there.intensity(basis).value).tolist(),
    }


def evidence(answer: Estimate, _progress: Progress | None = None) -> dict[str, Any]:
    """Return the measured trainings most like an answer's, and how predictions of them fared."""
    from carbonscaling.evidence.nearby import nearby
    from carbonscaling.model.params import total_params

    r = answer.resolved
    device = r.cluster.device
    found = nearby(device.id, float(total_params(r.spec)), experts=r.spec.experts is not None)
    return {**found.to_dict(device.name), "projected": bool(answer.scenario.years_ahead)}


def sources(answer: Estimate, _progress: Progress | None = None) -> dict[str, Any]:
    """Return every number behind an answer with its source, and the references with their BibTeX."""
    from carbonscaling.catalog.references import references
    from carbonscaling.reporting.bibtex import bibtex

    known = references()
    keys = sources_used(answer)
    return {
        "numbers": [{"group": row.group, "name": row.name, **vars(row.datum)} for row in inputs(answer)],
        "references": [dataclasses.asdict(known[key]) for key in keys],
        "bibtex": bibtex(keys, known),
    }


def curve(
    answer: Estimate, progress: Progress | None = None, known: MutableMapping[str, tuple[ScalePoint, ...]] | None = None
) -> dict[str, Any]:
    """Return loss, compute and carbon along the law's compute-optimal trainings, and where the answer stands.

    Arguments are as of `carbonscaling.study.scale.curve_past`.
    """
    from carbonscaling.catalog.laws import law_row
    from carbonscaling.study.scale import curve_past

    found = curve_past(answer, progress=progress, known=known)
    if found is None:
        return {"law": None, "rows": []}
    return {
        "law": found.law,
        "title": law_row(found.law).title,
        "asked": answer.scenario.law is not None,
        "here": {"compute": found.compute, "loss": found.loss},
        "rows": [{name: row[name] for name in CURVE_COLUMNS} for row in scale_rows(found.points)],
    }


BESIDE: Mapping[str, Callable[[Estimate, Progress], dict[str, Any]]] = {
    "regions": regions,
    "evidence": evidence,
    "sources": sources,
    "curve": curve,
}
"""Tasks of a request that stand beside its answer, and what answers each."""

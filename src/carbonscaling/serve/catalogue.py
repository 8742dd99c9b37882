"""The names a request may use, and the words a page shows for parts and reasons."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from carbonscaling import __version__
from carbonscaling.catalog import hardware, laws, models, prices, regions
from carbonscaling.catalog.stacks import stack_names
from carbonscaling.catalog.stamp import catalogue_stamp
from carbonscaling.exchange.emit import FORMATS as LAUNCH
from carbonscaling.perf.precision import PRECISIONS
from carbonscaling.reporting.accuracy import accuracy
from carbonscaling.reporting.bars import LABELS
from carbonscaling.reporting.glossary import glossary
from carbonscaling.reporting.statements import FORMATS
from carbonscaling.search.constraints import RULES
from carbonscaling.search.objectives import OBJECTIVES
from carbonscaling.serve.form import form_fields, question_fields
from carbonscaling.study.project.file import project_names
from carbonscaling.study.scale import USUAL_LAW

__all__ = ["catalogue", "launch_formats", "report_formats"]

NEVER_FITS = "cannot fit or finish in time by its bounds"


def report_formats() -> tuple[str, ...]:
    """Return the formats of a report by HTTP."""
    return (*FORMATS, "html")


def launch_formats() -> tuple[str, ...]:
    """Return the formats of a file for other software by HTTP: those that are one text."""
    return tuple(LAUNCH)


def _device(name: str) -> dict[str, Any]:
    d = hardware.device(name)
    return {
        "id": name,
        "name": d.name,
        "vendor": d.vendor,
        "kind": d.kind,
        "memory_gb": d.memory_capacity.si / 1e9,
        "formats": sorted(d.peak),
        "priced": prices.price(name) is not None,
    }


def _model(name: str) -> dict[str, Any]:
    entry = models.model_entry(name)
    return {
        "id": name,
        "parameters": entry.parameters.si,
        "active": entry.active.si if entry.active else None,
        "experts": entry.spec.experts is not None,
        "seq_len": entry.spec.seq_len,
    }


def _region(name: str) -> dict[str, Any]:
    there = regions.place(name)
    return {
        "id": name,
        "provider": there.provider,
        "country": there.iso3,
        "g_per_kwh": there.location.value,
        "basis": there.location.basis,
    }


@lru_cache(maxsize=1)
def catalogue() -> dict[str, Any]:
    """Return the names a scenario may use here with a few facts on each, labels for what an answer holds, how right it is."""
    return {
        "devices": [_device(name) for name in hardware.device_names()],
        "hosts": list(hardware.host_names()),
        "models": [_model(name) for name in models.model_names()],
        "regions": [_region(name) for name in regions.region_names()],
        "laws": [{"id": name, "title": laws.law_row(name).title} for name in laws.law_names()],
        "usual_law": USUAL_LAW,
        "precisions": list(PRECISIONS),
        "stacks": list(stack_names()),
        "objectives": {o.name: o.description for o in OBJECTIVES.values()},
        "report_formats": list(report_formats()),
        "launch_formats": list(launch_formats()),
        "batch_laws": list(laws.batch_law_names()),
        "fields": form_fields(),
        "questions": question_fields(),
        "projects": project_names(),
        "labels": dict(LABELS),
        "reasons": {rule.name: rule.reason for rule in RULES}
        | {"memory": "does not fit in memory", "deadline": "too late", "bound": NEVER_FITS},
        "accuracy": accuracy(),
        "version": __version__,
        "catalogue": catalogue_stamp(),
        "glossary": {name: one.meaning for one in glossary().values() for name in (one.name, *one.names)},
    }

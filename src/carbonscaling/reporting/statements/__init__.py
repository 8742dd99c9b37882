"""Statements that people must file, each from one record of a training."""

from __future__ import annotations

from collections.abc import Callable

from carbonscaling.reporting.statements.annex_xi import annex_xi
from carbonscaling.reporting.statements.boamps import boamps
from carbonscaling.reporting.statements.boms import cyclonedx, spdx
from carbonscaling.reporting.statements.esrs import esrs
from carbonscaling.reporting.statements.flat import as_csv, as_json
from carbonscaling.reporting.statements.inventory import ghg_protocol
from carbonscaling.reporting.statements.model_card import model_card
from carbonscaling.reporting.statements.record import Record
from carbonscaling.reporting.statements.sci import sci

__all__ = ["FORMATS"]

FORMATS: dict[str, Callable[[Record], str]] = {
    "model-card": model_card,
    "annex-xi": annex_xi,
    "sci": sci,
    "esrs": esrs,
    "boamps": boamps,
    "ghg-protocol": ghg_protocol,
    "spdx": spdx,
    "cyclonedx": cyclonedx,
    "csv": as_csv,
    "json": as_json,
}
"""Statement by the name of its format."""

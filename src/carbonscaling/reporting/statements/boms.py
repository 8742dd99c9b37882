"""Energy fields of bills of materials for AI: SPDX 3.0.1 (AI profile) and CycloneDX 1.6 (model card)."""

from __future__ import annotations

import json
from typing import Any

from carbonscaling.reporting.statements.record import Record, RecordLine

__all__ = ["cyclonedx", "spdx"]

ACTIVITIES = {"final run": "training", "failed_runs": "training", "evaluation": "validation", "inference": "inference"}
"""CycloneDX's words for what a line is; any other is ``other``."""
NO_TIME = "1970-01-01T00:00:00Z"
"""Stands where the publisher's own date belongs: a statement has none."""


def _description(line: RecordLine) -> dict[str, str]:
    return {
        "type": "ai_EnergyConsumptionDescription",
        "ai_energyQuantity": f"{line.energy_kwh:.6g}",
        "ai_energyUnit": "kilowattHour",
    }


def spdx(r: Record) -> str:
    """Return an SPDX 3.0.1 document (JSON-LD) with the AI package's energy: training, with all that led to it, and inference.

    Its creation time and identifiers are placeholders: whoever publishes it sets them.
    """
    training = [_description(line) for line in r.lines if line.energy_kwh and line.name != "inference"]
    inference = [_description(line) for line in r.lines if line.energy_kwh and line.name == "inference"]
    energy: dict[str, Any] = {"type": "ai_EnergyConsumption", "ai_trainingEnergyConsumption": training}
    if inference:
        energy["ai_inferenceEnergyConsumption"] = inference
    base = "urn:spdx.dev:carbonscaling"
    graph = [
        {"type": "CreationInfo", "@id": "_:creation", "specVersion": "3.0.1", "created": NO_TIME,
         "createdBy": [f"{base}:tool"]},
        {"type": "SoftwareAgent", "spdxId": f"{base}:tool", "creationInfo": "_:creation", "name": "carbonscaling"},
        {"type": "ai_AIPackage", "spdxId": f"{base}:model", "creationInfo": "_:creation", "name": r.model or "unnamed",
         "ai_energyConsumption": energy, "comment": f"Facility energy in {r.where}; {r.energy_method}."},
        {"type": "SpdxDocument", "spdxId": f"{base}:document", "creationInfo": "_:creation",
         "rootElement": [f"{base}:model"], "profileConformance": ["core", "ai"]},
    ]  # fmt: skip
    document = {"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": graph}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def cyclonedx(r: Record) -> str:
    """Return a CycloneDX 1.6 document whose model card has the energy and carbon of every line of the project."""
    supplier = {
        "organization": {"name": r.provider or "not stated"},
        "energySource": "unknown",
        "description": f"{r.where}: {r.location_intensity_g_per_kwh:.4g} g CO2e/kWh ({r.location_basis})",
    }
    consumptions = [
        {
            "activity": ACTIVITIES.get(line.name, "other"),
            "energyProviders": [{**supplier, "energyProvided": _cost(line.energy_kwh, "kWh")}],
            "activityEnergyCost": _cost(line.energy_kwh, "kWh"),
            "co2CostEquivalent": _cost(line.location_tco2e + line.embodied_tco2e, "tCO2eq"),
            "properties": [{"name": "carbonscaling:line", "value": line.name}],
        }
        for line in r.lines
        if line.energy_kwh
    ]
    model = {
        "type": "machine-learning-model",
        "name": r.model or "unnamed",
        "modelCard": {"considerations": {"environmentalConsiderations": {"energyConsumptions": consumptions}}},
    }
    document = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": [model]}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _cost(value: float, unit: str) -> dict[str, Any]:
    return {"value": float(f"{value:.6g}"), "unit": unit}

"""A BoAmps energy report (Boavizta), as its JSON schema asks."""

from __future__ import annotations

import json
from typing import Any

from carbonscaling.catalog import hardware
from carbonscaling.reporting.statements.record import Record

__all__ = ["boamps", "boamps_report"]


def boamps_report(r: Record) -> dict[str, Any]:
    """Return the report as plain data. It has no date and no identifier: whoever publishes it adds both."""
    device = hardware.device(r.device)
    half_width = max(abs(end / r.energy_kwh - 1.0) for end in r.intervals["energy_kwh"])
    algorithm: dict[str, Any] = {
        "trainingType": "unsupervisedLearning",
        "algorithmType": "llm",
        "algorithmName": "transformers",
        "foundationModelName": r.model or "unnamed",
    }
    if r.n_params:
        algorithm["parametersNumber"] = round(r.n_params / 1e9, 3)
    if r.precision:
        algorithm["quantization"] = r.precision
    data: dict[str, Any] = {"dataUsage": "input", "dataType": "token"}
    if r.tokens:
        data["dataQuantity"] = r.tokens
    return {
        "task": {
            "taskStage": "training",
            "taskFamily": "text generation",
            "algorithms": [algorithm],
            "dataset": [data],
            "taskDescription": f"{r.device_hours:.6g} device-hours; {r.total_tco2e:.6g} tCO2e with embodied carbon",
        },
        "measures": [
            {
                "measurementMethod": f"carbonscaling: {r.energy_method}",
                "powerConsumption": round(r.energy_kwh, 3),
                "measurementDuration": round(r.duration_h * 3600.0, 1),
            }
        ],
        "infrastructure": {
            "infraType": "publicCloud" if r.provider else "other",
            **({"cloudProvider": r.provider} if r.provider else {}),
            "components": [
                {
                    "componentName": device.name,
                    "componentType": "tpu" if device.kind == "tpu" else "gpu",
                    "nbComponent": r.n_devices,
                    "memorySize": round(device.memory_capacity.si / 1e9, 1),
                    "manufacturer": device.vendor,
                    "family": device.architecture,
                    "share": 1,
                }
            ],
        },
        "environment": {
            "country": r.country,
            "location": r.region,
            "powerSourceCarbonIntensity": round(r.carbon_intensity_g_per_kwh, 3),
        },
        "quality": "high" if half_width <= 0.1 else "medium" if half_width <= 0.25 else "low",
    }


def boamps(r: Record) -> str:
    """Return the report as JSON."""
    return json.dumps(boamps_report(r), indent=2, ensure_ascii=False) + "\n"

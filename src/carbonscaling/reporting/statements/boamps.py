"""A BoAmps energy report (Boavizta), as its JSON schema asks."""

from __future__ import annotations

import json
import math
from typing import Any

from carbonscaling.catalog import hardware
from carbonscaling.errors import InputError
from carbonscaling.reporting.statements.model_card import training_type
from carbonscaling.reporting.statements.record import Record

__all__ = ["boamps", "boamps_report"]

KEPT = ("lora", "qlora", "frozen-embeddings", "frozen-layers", "frozen-language")
TYPES = {
    "full": "unsupervisedLearning", "continued": "unsupervisedLearning", "sft": "supervisedLearning",
    **dict.fromkeys(KEPT, "transferLearning"),
}  # fmt: skip
"""BoAmps' words for how a model learns: pre-training has no labels, instructions have, what keeps weights transfers them."""


def boamps_report(r: Record) -> dict[str, Any]:
    """Return the report as plain data. It has no date and no identifier: whoever publishes it adds both."""
    half_width = max(abs(end / r.energy_kwh - 1.0) for end in r.intervals["energy_kwh"])
    algorithm: dict[str, Any] = {
        **({"trainingType": TYPES[r.train]} if r.train in TYPES else {}),
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
            "taskStage": "finetuning" if training_type(r.train) == "fine-tuning" else "training",
            "taskFamily": "text generation",
            "algorithms": [algorithm],
            "dataset": [data],
            "taskDescription": _description(r),
        },
        "measures": [
            {
                "measurementMethod": f"carbonscaling: facility energy of the final run, PUE {r.pue:.3g}; {r.energy_method}",
                "powerConsumption": round(r.energy_kwh, 3),
                "measurementDuration": round(r.duration_h * 3600.0, 1),
            },
            *(
                {
                    "measurementMethod": f"carbonscaling: beside the final run, {line.name.replace('_', ' ')}",
                    "powerConsumption": round(line.energy_kwh, 3),
                }
                for line in r.lines[1:]
                if line.energy_kwh
            ),
        ],
        "infrastructure": {
            "infraType": "publicCloud" if r.provider else "other",
            **({"cloudProvider": r.provider} if r.provider else {}),
            "components": _components(r),
        },
        "environment": {
            "country": r.country,
            "location": r.where,
            "powerSourceCarbonIntensity": round(r.location_intensity_g_per_kwh, 3),
        },
        "quality": "high" if half_width <= 0.1 else "medium" if half_width <= 0.25 else "low",
    }


def _description(r: Record) -> str:
    whole = r.project
    beside = ", ".join(
        f"{line.name.replace('_', ' ')} {line.energy_kwh:.6g} kWh" for line in r.lines[1:] if line.energy_kwh
    )
    return (
        f"{r.device_hours:.6g} device-hours; {r.total_tco2e:.6g} tCO2e with embodied carbon ({r.carbon_basis}); "
        f"{whole.energy_kwh:.6g} kWh and {whole.water_litres:.6g} L of water in all"
        + (f"; beside the final run: {beside}" if beside else "")
    )


def _components(r: Record) -> list[dict[str, Any]]:
    """Return accelerators, processors and memory; of a device that the catalogue does not know its name alone."""
    try:
        cluster = hardware.cluster(r.device.partition("+")[0])
    except InputError:
        return [
            {"componentName": r.device or "not named", "componentType": "gpu", "nbComponent": r.n_devices, "share": 1}
        ]
    device, host = cluster.device, cluster.host
    n_hosts = math.ceil(r.n_devices / host.devices_per_host)
    return [
        {
            "componentName": device.name if device.id == r.device else f"{device.name}, projected ({r.device})",
            "componentType": "tpu" if device.kind == "tpu" else "gpu",
            "nbComponent": r.n_devices,
            "memorySize": round(device.memory_capacity.value, 1),
            "manufacturer": device.vendor,
            "family": device.architecture,
            "share": 1,
        },
        {
            "componentName": f"processors of {host.name}",
            "componentType": "cpu",
            "nbComponent": n_hosts * host.n_cpus,
            "share": 1,
        },
        {
            "componentName": f"main memory of {host.name}",
            "componentType": "ram",
            "nbComponent": n_hosts,
            "memorySize": round(host.cpu_memory.value, 1),
            "share": 1,
        },
    ]  # fmt: skip


def boamps(r: Record) -> str:
    """Return the report as JSON."""
    return json.dumps(boamps_report(r), indent=2, ensure_ascii=False) + "\n"

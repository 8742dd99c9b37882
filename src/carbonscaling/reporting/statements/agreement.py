"""Whether the parts of a saved answer agree: a file that was edited by hand, or joined from two, says so by its sums."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from carbonscaling.errors import InputError
from carbonscaling.units import DAY, GB, KWH

__all__ = ["check_agreement"]

SHARE = 1e-6
"""Differences up to this share are rounding."""


def check_agreement(data: Mapping[str, Any], where: str) -> None:
    """Refuse a feasible answer whose totals are not the sums of their parts, or that gives one figure in two ways.

    Raises
    ------
    InputError
        The first figure that contradicts another, with both values.
    """
    for key, value, other, of in _twice(data):
        if not math.isclose(value, other, rel_tol=SHARE, abs_tol=1e-9):
            raise InputError(
                "the parts of this answer contradict each other", where=where, key=key, value=value,
                allowed=f"{other!r}, {of}", remedy="save the answer again; it was changed after it was saved",
            )  # fmt: skip


def _twice(data: Mapping[str, Any]) -> Iterator[tuple[str, float, float, str]]:
    """Return every figure that the answer holds twice: its key, both values, and what the second is."""
    s, c = data["summary"], data["carbon"]
    p, beside = c["parts"], c["boundary"]
    embodied = sum(p[f"embodied_{of}_kg"] for of in ("device", "host", "network", "other"))
    joules = sum(p[f"{of}_energy_j"] for of in ("device", "host", "network", "overhead"))
    lines = sum(x["operational_tco2e"] + x["embodied_tco2e"] for x in beside)
    run = s["carbon_operational_tco2e"] + s["carbon_embodied_tco2e"]
    yield (
        "summary.device_hours",
        s["device_hours"],
        s["n_devices"] * s["duration_days"] * 24.0,
        "devices times run time",
    )
    yield "carbon.parts.energy_j", p["energy_j"], joules, "the sum of its parts"
    yield "summary.energy_kwh", s["energy_kwh"], p["energy_j"] / KWH, "carbon.parts.energy_j"
    yield "summary.carbon_operational_tco2e", s["carbon_operational_tco2e"], p["operational_kg"] / 1e3, "operational_kg"
    yield "summary.carbon_embodied_tco2e", s["carbon_embodied_tco2e"], embodied / 1e3, "the sum of its parts"
    yield "carbon.parts.total_kg", p["total_kg"], p["operational_kg"] + embodied, "the sum of its parts"
    yield "summary.carbon_boundary_tco2e", s["carbon_boundary_tco2e"], lines, "the sum of the lines beside the run"
    yield "summary.carbon_total_tco2e", s["carbon_total_tco2e"], run + lines, "the sum of its parts"
    if "energy_total_kwh" in s:
        yield "summary.carbon_run_tco2e", s["carbon_run_tco2e"], run, "the sum of its parts"
        for key, of in (("energy_total_kwh", "energy_kwh"), ("water_total_litres", "water_litres")):
            yield f"summary.{key}", s[key], s[of] + sum(x[of] for x in beside), "the run and the lines beside it"
    market = c["market"]["operational_tco2e"]
    yield "summary.carbon_operational_market_tco2e", s["carbon_operational_market_tco2e"], market, "carbon.market"
    yield "summary.water_litres", s["water_litres"], c["water_litres"], "carbon.water_litres"
    for i, end in enumerate(("low", "high")):
        total = c["intervals"]["total_tco2e"][i]
        yield f"summary.carbon_{end}_tco2e", s[f"carbon_{end}_tco2e"], total, "carbon.intervals.total_tco2e"
        yield f"carbon.interval_tco2e.{i}", c["interval_tco2e"][i], total, "carbon.intervals.total_tco2e"
    grams = s["energy_kwh"] * c["carbon_intensity_g_per_kwh"]
    yield (
        "summary.carbon_operational_tco2e",
        s["carbon_operational_tco2e"],
        grams / 1e6,
        "energy times carbon intensity",
    )
    grams = s["energy_kwh"] * c["market"]["carbon_intensity_g_per_kwh"]
    yield "carbon.market.operational_tco2e", market, grams / 1e6, "energy times carbon intensity of the market"
    yield (
        "carbon.parts.energy_j",
        p["energy_j"],
        (joules - p["overhead_energy_j"]) * c["pue"],
        "the machines' times PUE",
    )
    yield (
        "summary.duration_days",
        s["duration_days"],
        s["steady_days"] * s["run_overhead"],
        "steady days times overhead",
    )
    yield "summary.steady_days", s["steady_days"], s["n_steps"] * s["step_time_s"] / DAY, "steps times their time"
    sequences = s["n_steps"] * s["global_batch_seqs"]
    yield "summary.tokens", s["tokens"], sequences * s["seq_len"], "steps times batch and sequence length"
    days, counted = (
        (s["duration_days"], "device-seconds")
        if s.get("pace") == "calendar"
        else (s["steady_days"], "steady device-seconds")
    )
    speed = s["tokens"] / (days * DAY * s["n_devices"])
    yield "summary.tokens_per_s_per_device", s["tokens_per_s_per_device"], speed, f"tokens over {counted}"
    flops = s["training_flops"] / (s["steady_days"] * DAY * s["n_devices"]) / 1e12
    yield "summary.model_tflops_per_device", s["model_tflops_per_device"], flops, "FLOPs over steady device-seconds"
    yield "summary.memory_limit_gb", s["memory_limit_gb"], data["memory_bytes"]["limit"] / GB, "memory_bytes.limit"
    for key, unit, names in (("step_time_s", 1.0, "step_time_s"), ("memory_bytes", GB, "memory_per_device_gb")):
        parts = data[key]
        whole = sum(value for name, value in parts.items() if name not in ("total", "limit"))
        yield f"{key}.total", parts["total"], whole, "the sum of its parts"
        yield f"summary.{names}", s[names], parts["total"] / unit, f"{key}.total"

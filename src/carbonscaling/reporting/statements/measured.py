"""The record of what happened: device-hours and energy that a user measured, with the same factors as an estimate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import numpy as np

from carbonscaling.carbon.assess import CarbonModel, assess
from carbonscaling.carbon.drawn import UTILISATION, drawn_at_most
from carbonscaling.carbon.model import carbon_model
from carbonscaling.carbon.result import Footprint
from carbonscaling.carbon.uncertainty import intervals as intervals_of
from carbonscaling.carbon.uncertainty import sample_footprint
from carbonscaling.catalog import hardware
from carbonscaling.errors import InputError
from carbonscaling.fields import in_range
from carbonscaling.ranges import check_ranges
from carbonscaling.reporting.statements.plausible import drawn_watts, refuse_implausible
from carbonscaling.reporting.statements.record import EnergyScope, Measured, Record, RecordLine, record_lines
from carbonscaling.sources import Datum
from carbonscaling.units import HOUR, KWH, TONNE

__all__ = ["measured_record"]

_RANGES = {
    "device_hours": (1e-9, 1e15), "energy_kwh": (1e-9, 1e15), "devices": (1, 1e9), "n_params": (1, 1e18), "tokens": (1, 1e18),
    "training_flops": (1, 1e36),
}  # fmt: skip
"""What a run can have been; the ends are those of a scenario where it has them."""


def measured_record(
    measured: Measured,
    *,
    device: str,
    n_devices: int,
    region: str | None = None,
    model: str = "",
    n_params: float | None = None,
    tokens: float | None = None,
    training_flops: float | None = None,
    carbon_intensity_g_per_kwh: float | None = None,
    pue: float | None = None,
    lifetime_years: float | None = None,
    overrides: Mapping[str, Datum] | None = None,
    plan: Record | None = None,
) -> Record:
    """Return the record of what happened, with the same factors and conventions as an estimate's.

    Parameters
    ----------
    measured : Measured
    device, n_devices, region : the cluster and its place.
    model, n_params, tokens, training_flops : what was trained, where known.
    carbon_intensity_g_per_kwh, pue, lifetime_years, overrides : in place of the catalogue's factors.
    plan : Record, optional
        What was planned.

    Raises
    ------
    InputError
        A name is unknown or a value out of range.
    """
    _check(
        device_hours=measured.device_hours, energy_kwh=measured.energy_kwh, devices=n_devices, n_params=n_params, tokens=tokens,
        training_flops=training_flops, carbon_intensity_g_per_kwh=carbon_intensity_g_per_kwh,
    )  # fmt: skip
    if measured.energy_kwh is not None and measured.energy_scope is None:
        raise InputError(
            "what was metered is not said", key="energy_scope", allowed=", ".join(get_args(EnergyScope)),
            remedy="add --energy-scope: facility (PUE inside), it (machines before PUE), or devices (accelerators alone)",
        )  # fmt: skip
    cluster = hardware.cluster(device)
    carbon = carbon_model(
        cluster,
        region,
        pue=pue,
        lifetime_years=lifetime_years,
        carbon_intensity_g_per_kwh=carbon_intensity_g_per_kwh,
        overrides=overrides,
    )
    hours = measured.device_hours or _hours(carbon, n_devices, measured)
    run = assess(carbon, n_devices, hours * HOUR / n_devices, UTILISATION)
    drawn = drawn_watts(run, carbon, n_devices, hours, measured)
    refuse_implausible(drawn, measured)
    parts, method = _energy(run, measured, drawn_at_most(carbon, n_devices, hours))
    if measured.device_hours is None:
        method += "; device-hours from the energy"
    total_kwh = sum(parts.values())
    flops = training_flops
    if flops is None and n_params is not None and tokens is not None:
        flops = 6.0 * n_params * tokens
    operational = total_kwh * run.carbon_intensity_g_per_kwh / 1e6
    intervals = dict(run.intervals)
    if measured.energy_kwh is not None:
        water = run.water_litres * total_kwh / run.energy_kwh
        intervals |= _intervals(carbon, n_devices, hours, measured, (total_kwh, operational, run.embodied_tco2e, water))
    return Record(
        kind="measured",
        model=model,
        device=cluster.device.id,
        region=run.region,
        n_devices=n_devices,
        device_hours=hours,
        duration_h=hours / n_devices,
        energy_kwh=total_kwh,
        energy_parts_kwh=parts,
        carbon_intensity_g_per_kwh=run.carbon_intensity_g_per_kwh,
        market_intensity_g_per_kwh=run.market.carbon_intensity_g_per_kwh,
        pue=run.pue,
        carbon_basis=run.carbon_basis,
        location_basis=run.location.basis,
        market_basis=run.market.basis,
        operational_tco2e=operational,
        market_tco2e=total_kwh * run.market.carbon_intensity_g_per_kwh / 1e6,
        embodied_tco2e=run.embodied_tco2e,
        total_tco2e=operational + run.embodied_tco2e,
        lines=record_lines(
            RecordLine(
                "final run",
                total_kwh,
                total_kwh * run.location.carbon_intensity_g_per_kwh / 1e6,
                total_kwh * run.market.carbon_intensity_g_per_kwh / 1e6,
                run.embodied_tco2e,
                run.water_litres * total_kwh / run.energy_kwh,
                run.water_on_site_litres * total_kwh / run.energy_kwh,
            ),
            map(vars, run.lines),
            run.location.carbon_intensity_g_per_kwh,
            run.market.carbon_intensity_g_per_kwh,
        ),
        location_intensity_g_per_kwh=run.location.carbon_intensity_g_per_kwh,
        upstream_g_per_kwh=run.upstream_g_per_kwh,
        boundary_tco2e={line.name: line.total_tco2e for line in run.lines},
        intervals=intervals,
        water_litres=run.water_litres * total_kwh / run.energy_kwh,
        amortisation=run.amortisation,
        embodied_route=run.embodied_route,
        energy_method=method,
        n_params=n_params,
        tokens=tokens,
        training_flops=flops,
        drawn_w=drawn if measured.device_hours is not None else {},
        sources=run.sources,
        plan=plan,
        region_stated=region is not None and (plan is None or plan.region_stated or region != plan.region),
        **_trained(plan, model),
    )


def _trained(plan: Record | None, model: str) -> dict[str, Any]:
    """Return what a plan says is trained, where what was measured is of its model."""
    if plan is None or model != plan.model:
        return {}
    return {"train": plan.train, "teacher": plan.teacher, "forward_flops_per_token": plan.forward_flops_per_token}


def _intervals(
    carbon: CarbonModel, n_devices: int, hours: float, measured: Measured, central: tuple[float, float, float, float]
) -> dict[str, tuple[float, float]]:
    """Return the intervals of what was metered: of PUE, and of hosts and network where the meter did not see them."""
    p, drawn = sample_footprint(carbon.assemble, carbon.factors, n_devices, hours * HOUR / n_devices, UTILISATION)
    beside = np.asarray(p.host_energy_j + p.network_energy_j) / KWH
    pue = p.energy_j / (p.device_energy_j + p.host_energy_j + p.network_energy_j)
    kwh = measured.energy_kwh or 0.0
    it = {"facility": kwh / pue, "it": kwh, "devices": kwh + beside}[measured.energy_scope or "facility"]
    facility = it * pue
    tonnes = facility * KWH * drawn.get("carbon_intensity", carbon.factors["carbon_intensity"].si) / TONNE
    energy, operational, embodied, water = central
    made = (p.total_kg - p.operational_kg) / TONNE
    litres = p.water_l * facility * KWH / p.energy_j
    return intervals_of({
        "energy_kwh": (facility + 0.0 * pue, energy),
        "operational_tco2e": (tonnes + 0.0 * pue, operational),
        "total_tco2e": (tonnes + made, operational + embodied),
        "water_litres": (litres, water),
    })  # fmt: skip


def _hours(carbon: CarbonModel, n_devices: int, measured: Measured) -> float:
    """Return the device-hours that a metered energy would take.

    Raises
    ------
    InputError
        Neither hours nor energy are given.
    """
    if measured.energy_kwh is None:
        raise InputError(
            "nothing was measured", key="device_hours", remedy="give --device-hours, --energy-kwh, or both"
        )
    run = assess(carbon, n_devices, HOUR, UTILISATION)
    it = run.energy_kwh / run.pue
    rate = {"facility": run.energy_kwh, "it": it, "devices": float(run.parts.device_energy_j) / KWH}
    return n_devices * measured.energy_kwh / rate[measured.energy_scope or "facility"]


def _energy(run: Footprint, measured: Measured, most: Mapping[str, float]) -> tuple[dict[str, float], str]:
    """Return facility energy by part, and how it was found; what was not metered comes from the model.

    What was metered beyond `most`, all that the machines can draw, is a part of its own.
    """
    p = run.parts
    joules = {"device": p.device_energy_j, "host": p.host_energy_j, "network": p.network_energy_j}
    model = {name: float(value) / KWH for name, value in joules.items()}
    kwh = measured.energy_kwh
    if kwh is None:
        return {**model, "overhead": float(p.overhead_energy_j) / KWH}, "estimated from the device-hours"
    if measured.energy_scope == "devices":
        explained = min(kwh, most["device"])
        it = {**model, "device": explained}
        beyond = kwh - explained
        method = "accelerators metered; hosts and network estimated; PUE applied"
    else:
        metered = kwh / run.pue if measured.energy_scope == "facility" else kwh
        beyond = metered - min(metered, sum(most.values()))
        share = (metered - beyond) / sum(model.values())
        it = {name: share * value for name, value in model.items()}
        method = "facility metered" if measured.energy_scope == "facility" else "machines metered; PUE applied"
        method += "; split over devices, hosts and network by the model"
    if beyond > 0.0:
        it["unexplained"] = beyond
        method += "; more was metered than these machines can draw in these hours"
    return {**it, "overhead": (run.pue - 1.0) * sum(it.values())}, method


def _check(**values: float | None) -> None:
    for key, value in values.items():
        if value is not None and key in _RANGES:
            in_range(key, value, *_RANGES[key])
        elif key not in _RANGES:
            check_ranges({key: value})

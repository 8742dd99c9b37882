"""Whole trainings held against the carbon model: energy given the device-hours, operational carbon, the interval.

Only rows whose energy was measured test the power model: rows that multiply hours by a rating (``tdp``) or assume the
power are listed and never scored.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from carbonscaling import evidence
from carbonscaling.carbon.assess import CarbonModel
from carbonscaling.carbon.footprint import FootprintParts, footprint
from carbonscaling.carbon.uncertainty import interval, sample_footprint
from carbonscaling.catalog import hardware
from carbonscaling.catalog.factors import carbon_model
from carbonscaling.catalog.read import read_text
from carbonscaling.errors import InputError, nearest
from carbonscaling.units import HOUR, KWH, TONNE

__all__ = ["CarbonCheck", "CarbonRun", "check_carbon_runs", "load_carbon_runs", "summary"]

UTILISATION = 0.4
"""MFU of a run that does not say: the power law makes it matter little."""

NUMBERS = (
    "params_b", "active_params_b", "tokens_b", "n_devices", "device_hours", "days", "energy_kwh",
    "avg_device_power_w", "pue", "ci_g_per_kwh", "tco2e_operational", "tco2e_embodied",
)  # fmt: skip
MOST = 1e18
"""No quantity of a training comes near, in the units of the columns."""
BASES = ("measured_with_host", "measured_gpu_only", "tdp", "assumed", "")


@dataclass(frozen=True)
class CarbonRun:
    """One published training, as its row says; None where the row is blank.

    Attributes
    ----------
    name, device, energy_basis, source : str
        `energy_basis` is measured_with_host, measured_gpu_only, tdp, assumed or blank.
    params_b, active_params_b, tokens_b : float, optional
        In billions.
    n_devices, device_hours, days : float, optional
    energy_kwh, avg_device_power_w, pue, ci_g_per_kwh, tco2e_operational, tco2e_embodied : float, optional
    """

    name: str
    device: str
    energy_basis: str
    source: str
    params_b: float | None = None
    active_params_b: float | None = None
    tokens_b: float | None = None
    n_devices: float | None = None
    device_hours: float | None = None
    days: float | None = None
    energy_kwh: float | None = None
    avg_device_power_w: float | None = None
    pue: float | None = None
    ci_g_per_kwh: float | None = None
    tco2e_operational: float | None = None
    tco2e_embodied: float | None = None

    @property
    def hours(self) -> float | None:
        """Device-hours: printed, or devices times days."""
        if self.device_hours:
            return self.device_hours
        return self.n_devices * self.days * 24.0 if self.n_devices and self.days else None

    @property
    def measured(self) -> bool:
        """Whether the energy was measured."""
        return self.energy_basis.startswith("measured") and bool(self.energy_kwh)


@dataclass(frozen=True)
class CarbonCheck:
    """A run beside what the model says of it.

    Attributes
    ----------
    run : CarbonRun
    scored : bool
        Whether the row counts as evidence for the power model.
    note : str
        Why it is not scored, or what was assumed.
    energy_kwh, low_kwh, high_kwh : float, optional
        Ours, counted as the row counts: facility energy, of the accelerators alone where only they were measured.
    operational_tco2e : float, optional
        Ours at the row's own carbon intensity.
    embodied_tco2e : float, optional
    """

    run: CarbonRun
    scored: bool
    note: str
    energy_kwh: float | None = None
    low_kwh: float | None = None
    high_kwh: float | None = None
    operational_tco2e: float | None = None
    embodied_tco2e: float | None = None

    @property
    def error(self) -> float | None:
        """Our energy over the row's, less one."""
        if self.energy_kwh is None or not self.run.energy_kwh:
            return None
        return self.energy_kwh / self.run.energy_kwh - 1.0

    @property
    def covered(self) -> bool | None:
        """Whether the interval holds the row's energy."""
        if self.low_kwh is None or self.high_kwh is None or not self.run.energy_kwh:
            return None
        return self.low_kwh <= self.run.energy_kwh <= self.high_kwh


def load_carbon_runs(path: str | Path | None = None) -> tuple[CarbonRun, ...]:
    """Return the runs of a CSV file, or the shipped ones.

    Raises
    ------
    InputError
        The file cannot be used: a column is missing, a cell is no number, an energy basis is unknown.
    """
    if path is None:
        return tuple(_run(row, "carbon_runs.csv", i) for i, row in enumerate(evidence.rows("carbon_runs"), 2))
    table = csv.DictReader(read_text(Path(path)).lstrip("\ufeff").splitlines())
    columns = table.fieldnames or []
    for needed in ("name", "device", "energy_basis"):
        if needed not in columns:
            raise InputError(
                "a column is missing", where=str(path), key=needed, suggestion=nearest(needed, columns),
                allowed="columns as in the shipped carbon_runs.csv", remedy=f"add the column {needed}",
            )  # fmt: skip
    runs = tuple(_run(row, str(path), i) for i, row in enumerate(table, 2))
    if not runs:
        raise InputError("no rows", where=str(path), remedy="give at least one run below the header")
    return runs


def _run(row: Mapping[str, str | None], where: str, line: int) -> CarbonRun:
    place = f"{where}, line {line}"
    basis = (row.get("energy_basis") or "").strip()
    if basis not in BASES:
        raise InputError(
            "unknown energy basis", where=place, key="energy_basis", value=basis, suggestion=nearest(basis, BASES),
            allowed=", ".join(filter(None, BASES)), remedy="say how the energy was found, or leave it blank",
        )  # fmt: skip
    values = {name: _number(row.get(name), place, name) for name in NUMBERS}
    for key in ("pue", "n_devices"):
        value = values[key]
        if value is not None and value < 1.0:
            raise InputError(f"{key} is out of range", where=place, key=key, value=value, allowed="1 or more",
                             remedy="correct the cell, or leave it blank")  # fmt: skip
    return CarbonRun(
        (row.get("name") or "").strip(),
        (row.get("device") or "").strip(),
        basis,
        (row.get("source") or "").strip(),
        **values,
    )


def _number(text: str | None, where: str, key: str) -> float | None:
    if text is None or not text.strip():
        return None
    try:
        value = float(text.replace(",", ""))
    except ValueError:
        value = math.nan
    if not 0.0 <= value <= MOST:
        raise InputError(
            "not a number of nought or more, or far too large",
            where=where,
            key=key,
            value=text,
            remedy="correct the cell, or leave it blank",
        )
    return value


def _utilisation(run: CarbonRun, hours: float, peak: float) -> tuple[float, str]:
    active = run.active_params_b or run.params_b
    if active and run.tokens_b:
        mfu = 6.0 * active * 1e9 * run.tokens_b * 1e9 / (hours * HOUR * peak)
        if 0.0 < mfu < 1.0:
            return mfu, f"MFU {mfu:.0%} from its size"
    return UTILISATION, f"MFU taken as {UTILISATION:.0%}"


def _as_counted(parts: FootprintParts, basis: str) -> FootprintParts:
    """Keep what the row counts: the accelerators and their share of the overhead, or everything."""
    if basis != "measured_gpu_only":
        return parts
    it = parts.device_energy_j + parts.host_energy_j + parts.network_energy_j
    return parts._replace(energy_j=parts.energy_j * parts.device_energy_j / it)


def _model(run: CarbonRun) -> CarbonModel:
    return carbon_model(hardware.cluster(run.device), pue=run.pue, carbon_intensity_g_per_kwh=run.ci_g_per_kwh or 0.0)


def check_carbon_run(run: CarbonRun) -> CarbonCheck:
    """Hold one run against the model; a device that the catalogue lacks is a note, not an error."""
    hours = run.hours
    if not hours:
        return CarbonCheck(run, False, "no device-hours")
    try:
        cluster = hardware.cluster(run.device)
    except InputError:
        return CarbonCheck(run, False, f"device {run.device or '(blank)'} is not in the catalogue")
    model = _model(run)
    peak = max(cluster.device.peak[f].si for f in ("bf16", "fp16") if f in cluster.device.peak)
    mfu, note = _utilisation(run, hours, peak)
    n = run.n_devices or float(cluster.host.devices_per_host)
    parts = footprint(model.numbers, n, hours / n * HOUR, mfu)
    sampled, _ = sample_footprint(model.assemble, model.factors, n, hours / n * HOUR, mfu)
    central = float(_as_counted(parts, run.energy_basis).energy_j) / KWH
    low, high = interval(_as_counted(sampled, run.energy_basis).energy_j / KWH, central)
    if not run.measured:
        why = {"tdp": "hours times rating, no evidence", "assumed": "power assumed, no evidence"}
        note = why.get(run.energy_basis, "no energy reported")
    elif run.pue is None:
        note += "; PUE not given"
    if cluster.host.host_power.source in run.name.lower():
        note += "; the host's power was derived from this run: consistency, no evidence of it"
    return CarbonCheck(
        run, run.measured, note, central, low, high,
        central * run.ci_g_per_kwh / 1e6 if run.ci_g_per_kwh else None,
        float(parts.total_kg - parts.operational_kg) / TONNE,
    )  # fmt: skip


def check_carbon_runs(runs: Sequence[CarbonRun]) -> tuple[CarbonCheck, ...]:
    """Hold every run against the model."""
    return tuple(check_carbon_run(run) for run in runs)


def summary(checks: Sequence[CarbonCheck]) -> dict[str, float | int | None]:
    """Return the figures of merit over the scored rows: mean absolute error of energy and of carbon, coverage."""
    scored = [c for c in checks if c.scored and c.error is not None]
    carbon = [
        abs(c.operational_tco2e / c.run.tco2e_operational - 1.0)
        for c in scored
        if c.operational_tco2e and c.run.tco2e_operational
    ]
    errors = [abs(c.error) for c in scored if c.error is not None]
    return {
        "n_rows": len(checks),
        "n_scored": len(scored),
        "energy_mape": sum(errors) / len(errors) if errors else None,
        "energy_coverage": sum(bool(c.covered) for c in scored) / len(scored) if scored else None,
        "n_carbon": len(carbon),
        "operational_mape": sum(carbon) / len(carbon) if carbon else None,
    }

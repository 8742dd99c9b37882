"""Published trainings with device-hours, energy and carbon: the rows of a CSV file."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path

from carbonscaling import evidence
from carbonscaling.errors import InputError, nearest
from carbonscaling.files import read_table
from carbonscaling.record import dataclass

__all__ = ["CarbonRun", "load_carbon_runs"]

NUMBERS = (
    "params_b", "active_params_b", "tokens_b", "n_devices", "device_hours", "days", "energy_kwh",
    "avg_device_power_w", "pue", "ci_g_per_kwh", "tco2e_operational", "tco2e_embodied",
)  # fmt: skip
MOST = 1e18
"""No quantity of a training comes near, in the units of the columns."""
BASES = ("measured_with_host", "measured_gpu_only", "tdp", "assumed", "")
BEFORE_PUE = re.compile(r"\b(before|excludes|excluding|without) PUE\b", re.IGNORECASE)
"""What the notes say of an energy that leaves the data centre's overhead out."""


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
    before_pue : bool
        Whether the notes say that the energy leaves the data centre's overhead out.
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
    before_pue: bool = False

    @property
    def hours(self) -> float | None:
        """Device-hours: printed, or devices times days."""
        if self.device_hours:
            return self.device_hours
        return self.n_devices * self.days * 24.0 if self.n_devices and self.days else None

    @property
    def measured(self) -> bool:
        """Whether the energy was measured."""
        return self.energy_basis.startswith("measured") and bool(self.energy)

    @property
    def energy(self) -> float | None:
        """Reported energy in kWh, or measured watts times device-hours and PUE where only those are given."""
        if self.energy_kwh or not (self.hours and self.avg_device_power_w and self.pue):
            return self.energy_kwh
        return self.hours * self.avg_device_power_w * (1.0 if self.before_pue else self.pue) / 1e3


def load_carbon_runs(path: str | Path | None = None) -> tuple[CarbonRun, ...]:
    """Return the runs of a CSV file, or the shipped ones.

    Raises
    ------
    InputError
        The file cannot be used: a column is missing, a cell is no number, an energy basis is unknown.
    """
    if path is None:
        return tuple(_run(row, "carbon_runs.csv", i) for i, row in enumerate(evidence.rows("carbon_runs"), 2))
    needed = ("name", "device", "energy_basis")
    runs = tuple(_run(row, str(path), i) for i, row in enumerate(read_table(Path(path), needed, needed + NUMBERS), 2))
    if not runs:
        raise InputError("no rows", where=str(path), remedy="give at least one run below the header")
    return runs


def _run(row: Mapping[str, str], where: str, line: int) -> CarbonRun:
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
        before_pue=BEFORE_PUE.search(row.get("notes") or "") is not None,
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

"""Whole trainings held against the carbon model: energy given the device-hours, operational carbon, the interval.

Only rows whose energy was measured test the power model: rows that multiply hours by a rating (``tdp``) or assume the
power are listed and never scored. Where a row's own reading went into a factor, the row is held a second time against
that factor without it; that second figure is the one to judge by.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean

import numpy as np

from carbonscaling.carbon.drawn import UTILISATION
from carbonscaling.carbon.footprint import FootprintParts, footprint
from carbonscaling.carbon.host_power import without_reading
from carbonscaling.carbon.model import carbon_model
from carbonscaling.carbon.uncertainty import interval, sample_footprint
from carbonscaling.catalog import hardware
from carbonscaling.errors import InputError
from carbonscaling.evidence.carbon_run import CarbonRun
from carbonscaling.hardware.cluster import Cluster
from carbonscaling.hints import NamedTuple
from carbonscaling.record import dataclass
from carbonscaling.units import HOUR, KWH, TONNE
from carbonscaling.validate.score import score

__all__ = ["CarbonCheck", "Energy", "check_carbon_runs", "energy_of", "summary"]


class Energy(NamedTuple):
    """Our energy of a run, counted as its row counts, with the 5th and 95th percentiles; kWh."""

    kwh: float
    low: float
    high: float

    def error(self, reported: float) -> float:
        """Ours over reported, less one."""
        return self.kwh / reported - 1.0

    def covers(self, reported: float) -> bool:
        """Whether the interval holds the reported energy."""
        return self.low <= reported <= self.high


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
    shipped : Energy, optional
        With the factors that ship: facility energy, of the accelerators alone where only they were measured.
    left_out : Energy, optional
        With factors that this run entered nowhere; the same where it entered none.
    fed : tuple of str
        Factors that the run's own reading went into.
    operational_tco2e : float, optional
        Ours at the row's own carbon intensity.
    embodied_tco2e : float, optional
    """

    run: CarbonRun
    scored: bool
    note: str
    shipped: Energy | None = None
    left_out: Energy | None = None
    fed: tuple[str, ...] = ()
    operational_tco2e: float | None = None
    embodied_tco2e: float | None = None


def _utilisation(run: CarbonRun, hours: float, peak: float) -> tuple[float, str]:
    active = run.active_params_b or run.params_b
    if active and run.tokens_b:
        mfu = 6.0 * active * 1e9 * run.tokens_b * 1e9 / (hours * HOUR * peak)
        if 0.0 < mfu < 1.0:
            return mfu, f"MFU {mfu:.0%} from its size"
    return UTILISATION, f"MFU taken as {UTILISATION:.0%}"


def _as_counted(parts: FootprintParts, basis: str) -> FootprintParts:
    """Keep what a row counts: the accelerators and their share of the overhead, or everything."""
    if basis != "measured_gpu_only":
        return parts
    it = parts.device_energy_j + parts.host_energy_j + parts.network_energy_j
    return parts._replace(energy_j=parts.energy_j * parts.device_energy_j / it)


def energy_of(
    cluster: Cluster, basis: str, n_devices: float, duration_s: float, utilisation: float, pue: float | None
) -> Energy:
    """Return our energy of a run, counted as `basis` says (``measured_gpu_only``: accelerators alone, with PUE).

    Parameters
    ----------
    cluster : Cluster
    basis : str
        An energy basis of `CarbonRun`.
    n_devices, duration_s, utilisation : float
    pue : float, optional
        The default with its range if not given.
    """
    model = carbon_model(cluster, pue=pue, carbon_intensity_g_per_kwh=0.0)
    parts = footprint(model.numbers, n_devices, duration_s, utilisation)
    sampled, _ = sample_footprint(model.assemble, model.factors, n_devices, duration_s, utilisation)
    central = float(_as_counted(parts, basis).energy_j) / KWH
    return Energy(central, *interval(_as_counted(sampled, basis).energy_j / KWH, central))


def check_carbon_run(run: CarbonRun) -> CarbonCheck:
    """Hold one run against the model; a device that the catalogue lacks is a note, not an error."""
    hours = run.hours
    if not hours:
        return CarbonCheck(run, False, "no device-hours")
    try:
        cluster = hardware.cluster(run.device)
    except InputError:
        return CarbonCheck(run, False, f"device {run.device or '(blank)'} is not in the catalogue")
    peak = max(cluster.device.peak[f].si for f in ("bf16", "fp16") if f in cluster.device.peak)
    mfu, note = _utilisation(run, hours, peak)
    n = run.n_devices or float(cluster.host.devices_per_host)
    duration = hours / n * HOUR
    pue = 1.0 if run.before_pue else run.pue
    shipped = energy_of(cluster, run.energy_basis, n, duration, mfu, pue)
    measured_whole = run.energy_basis == "measured_with_host"
    other, names = without_reading(cluster, run.name) if measured_whole else (cluster, ())
    fed = tuple(f"host_power.{cluster.host.id}.{name}" for name in names)
    left_out = energy_of(other, run.energy_basis, n, duration, mfu, pue) if fed else shipped
    numbers = carbon_model(cluster, carbon_intensity_g_per_kwh=0.0).numbers
    embodied_kg = float(footprint(numbers, n, duration, mfu).total_kg)  # at no intensity: nothing else is left
    if not run.measured:
        why = {"tdp": "hours times rating, no evidence", "assumed": "power assumed, no evidence"}
        note = why.get(run.energy_basis, "no energy reported")
    elif run.before_pue:
        note += "; energy before PUE, by its notes"
    elif run.pue is None:
        note += "; PUE not given"
    return CarbonCheck(
        run, run.measured, note, shipped, left_out, fed,
        shipped.kwh * run.ci_g_per_kwh / 1e6 if run.ci_g_per_kwh else None, embodied_kg / TONNE,
    )  # fmt: skip


def check_carbon_runs(runs: Sequence[CarbonRun]) -> tuple[CarbonCheck, ...]:
    """Hold every run against the model."""
    return tuple(check_carbon_run(run) for run in runs)


def _merit(pairs: Sequence[tuple[Energy, float]]) -> tuple[float | None, float | None]:
    """Return mean absolute error and coverage."""
    if not pairs:
        return None, None
    ours, low, high, reported = np.array([(*energy, kwh) for energy, kwh in pairs]).T
    merit = score(ours, reported, low, high)
    return merit.mape, merit.coverage


def summary(checks: Sequence[CarbonCheck]) -> dict[str, float | int | None]:
    """Return the figures of merit over the scored rows: mean absolute error of energy and of carbon, coverage.

    ``energy_*`` has the factors that ship, ``left_out_*`` those that each run entered nowhere, ``untouched_*`` the latter
    over the rows alone that entered none.
    """
    scored = [(c, c.run.energy) for c in checks if c.scored and c.run.energy]
    tonnes = [(c.operational_tco2e, c.run.tco2e_operational) for c, _ in scored]
    carbon = [abs(ours / reported - 1.0) for ours, reported in tonnes if ours and reported]
    mape, coverage = _merit([(c.shipped, e) for c, e in scored if c.shipped])
    left_mape, left_coverage = _merit([(c.left_out, e) for c, e in scored if c.left_out])
    untouched = [(c.left_out, e) for c, e in scored if c.left_out and not c.fed]
    return {
        "n_rows": len(checks), "n_scored": len(scored), "energy_mape": mape, "energy_coverage": coverage,
        "left_out_mape": left_mape, "left_out_coverage": left_coverage, "n_untouched": len(untouched),
        "untouched_mape": _merit(untouched)[0], "n_carbon": len(carbon),
        "operational_mape": mean(carbon) if carbon else None,
    }  # fmt: skip

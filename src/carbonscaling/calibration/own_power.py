"""What meters say of power: the mean draw of one accelerator over whole runs, with its range."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from carbonscaling.calibration.attribution import SENSOR
from carbonscaling.calibration.emissions import EmissionsRun, is_emissions, read_emissions
from carbonscaling.calibration.meters import read_jobs
from carbonscaling.calibration.power import MeasuredPower
from carbonscaling.carbon.drawn import draw_of
from carbonscaling.carbon.model import carbon_model
from carbonscaling.catalog import hardware
from carbonscaling.errors import InputError
from carbonscaling.hardware.device import Device
from carbonscaling.sources import Datum
from carbonscaling.units import HOUR, KWH

__all__ = ["measured_power"]

HIGHEST = 1.2
"""Share of the rating that a mean over a run never exceeds: boards hold their limit within milliseconds."""


def _device(names: Sequence[str], given: str | None) -> Device:
    """Return the catalogue's device of the driver's names, or the one that the user says it is."""
    if given is not None:
        return hardware.load_device_file(given) if given.endswith(".toml") else hardware.device(given)
    found = {}
    for name in names:
        try:
            device = hardware.device(name)
        except InputError as error:
            raise InputError(
                "an accelerator that the catalogue does not know by this name" if name else "a meter that names no accelerator",
                key="gpu_model", value=name or None, suggestion=error.suggestion if name else None,
                remedy="say which it is: --device NAME (carbonscaling catalog list devices)",
            ) from error  # fmt: skip
        found[device.id] = device
    if len(found) > 1:
        raise InputError(
            "runs on several kinds of accelerator", key="gpu_model", value=", ".join(sorted(found)),
            remedy="calibrate on one kind at a time, or say which it is: --device NAME",
        )  # fmt: skip
    return next(iter(found.values()))


def measured_power(paths: Sequence[Path], device: str | None = None) -> MeasuredPower:
    """Return the mean power of an accelerator over the runs of some files of meters.

    Every run weighs by its device-hours, start and evaluation included. Of whole nodes hosts and network as the model has
    them are taken off, and their range widens the result. Nothing is said of speed.

    Parameters
    ----------
    paths : sequence of Path
        CodeCarbon's ``emissions.csv``, ``sacct``, DCGM's counters, nvidia-smi's samples.
    device : str, optional
        Catalogue name, where the driver's name is none.

    Raises
    ------
    InputError
        A file is unusable, or the power is none that this device can draw over a run.
    """
    runs = [(run, False) for path in paths if is_emissions(path) for run in read_emissions(path)]
    jobs = [job for path in paths if not is_emissions(path) for job in read_jobs(path)]
    unread = next((job.name for job in jobs if not job.kwh), None)
    if unread is not None:
        raise InputError("a job without a reading of its energy", where=", ".join(map(str, paths)), key="ConsumedEnergyRaw",
                         value=unread, remedy="leave it out, or share a cluster's meter: attribute --power")  # fmt: skip
    runs += [(EmissionsRun(j.name, j.seconds, j.devices, "", j.kwh or 0.0, 0.0), j.scope == "it") for j in jobs]
    part = _device(list(dict.fromkeys(run.model for run, _ in runs)), device)
    model = carbon_model(hardware.cluster(device or part.id), pue=1.0, carbon_intensity_g_per_kwh=0.0)
    beside = draw_of(model, 8).beside if any(nodes for _, nodes in runs) else (0.0, 0.0, 0.0)
    idle, most = part.idle_power.si, HIGHEST * part.tdp.si
    drawn = [_watts(run, beside if nodes else (0.0, 0.0, 0.0)) for run, nodes in runs]
    for (run, _), (watts, _, _) in zip(runs, drawn, strict=True):
        if not 0.5 * idle < watts <= most:
            raise InputError(
                f"{part.name} cannot have drawn this over a run", where=", ".join(map(str, paths)), key=run.run,
                value=f"{watts:.4g} W", allowed=f"{0.5 * idle:.0f} to {most:.0f} W an accelerator",
                remedy="leave out runs that did not train; check gpu_count and pue, or name the device with --device",
            )  # fmt: skip
    hours = [run.seconds * run.devices for run, _ in runs]
    mean = math.fsum(h * watts for h, (watts, _, _) in zip(hours, drawn, strict=True)) / math.fsum(hours)
    host = math.fsum(run.host_kwh for run, _ in runs) * KWH / math.fsum(run.seconds for run, _ in runs)
    datum = Datum(
        round(mean, 2), "W", "user",
        low=round(min(low for _, low, _ in drawn), 2),
        high=round(max(high for _, _, high in drawn), 2),
        basis="measured, accelerator only",
        remark="energy of the accelerators over duration and count, PUE taken out; least and most of the runs with 5 % for "
        "the sensor" + ("; of whole nodes, less hosts and network as the model has them" if beside[0] else ""),
    )  # fmt: skip
    files = ", ".join(dict.fromkeys(path.name for path in paths))
    return MeasuredPower(part.id, datum, len(runs), round(math.fsum(hours) / HOUR, 3), round(host, 1), files)


def _watts(run: EmissionsRun, beside: tuple[float, float, float]) -> tuple[float, float, float]:
    """Return watts of an accelerator of a run, with both ends: the sensor's error, and what hosts and network may draw."""
    value, (central, least, most) = run.watts, beside
    error = SENSOR * value
    return (
        value - central,
        max(value - central - math.hypot(error, most - central), 0.0),
        value - central + math.hypot(error, central - least),
    )

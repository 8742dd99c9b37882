"""What a tracker's runs say of power: the mean draw of one accelerator, with its range."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from carbonscaling.calibration.attribution import SENSOR
from carbonscaling.calibration.emissions import read_emissions
from carbonscaling.calibration.power import MeasuredPower
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
                "an accelerator that the catalogue does not know by this name", key="gpu_model", value=name,
                suggestion=error.suggestion, remedy="say which it is: --device NAME (carbonscaling catalog list devices)",
            ) from error  # fmt: skip
        found[device.id] = device
    if len(found) > 1:
        raise InputError(
            "runs on several kinds of accelerator", key="gpu_model", value=", ".join(sorted(found)),
            remedy="calibrate on one kind at a time, or say which it is: --device NAME",
        )  # fmt: skip
    return next(iter(found.values()))


def measured_power(paths: Sequence[Path], device: str | None = None) -> MeasuredPower:
    """Return the mean power of an accelerator over the runs of some files.

    Every run weighs by its device-hours, start and evaluation included. Nothing is said of speed.

    Parameters
    ----------
    paths : sequence of Path
    device : str, optional
        Catalogue name, where the driver's name is none.

    Raises
    ------
    InputError
        A file is unusable, or the power is none that this device can draw over a run.
    """
    runs = [run for path in paths for run in read_emissions(path)]
    part = _device(list(dict.fromkeys(run.model for run in runs)), device)
    idle, most = part.idle_power.si, HIGHEST * part.tdp.si
    for run in runs:
        if not 0.5 * idle < run.watts <= most:
            raise InputError(
                f"{part.name} cannot have drawn this over a run", where=", ".join(map(str, paths)), key=run.run,
                value=f"{run.watts:.4g} W", allowed=f"{0.5 * idle:.0f} to {most:.0f} W an accelerator",
                remedy="leave out runs that did not train; check gpu_count and pue, or name the device with --device",
            )  # fmt: skip
    seconds = math.fsum(run.seconds * run.devices for run in runs)
    mean = math.fsum(run.device_kwh for run in runs) * KWH / seconds
    host = math.fsum(run.host_kwh for run in runs) * KWH / math.fsum(run.seconds for run in runs)
    watts = Datum(
        round(mean, 2), "W", "user",
        low=round((1.0 - SENSOR) * min(run.watts for run in runs), 2),
        high=round((1.0 + SENSOR) * max(run.watts for run in runs), 2),
        basis="measured, accelerator only",
        remark="codecarbon: energy of the accelerators over duration and count, PUE taken out; least and most of the runs "
        "with 5 % for the sensor",
    )  # fmt: skip
    files = ", ".join(dict.fromkeys(path.name for path in paths))
    return MeasuredPower(part.id, watts, len(runs), round(seconds / HOUR, 3), round(host, 1), files)

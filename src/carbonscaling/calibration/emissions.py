"""codecarbon's ``emissions.csv``, read strictly: energy, duration and accelerators of each run."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from pathlib import Path

from carbonscaling.errors import InputError
from carbonscaling.files import read_table
from carbonscaling.record import dataclass
from carbonscaling.units import KWH

__all__ = ["EmissionsRun", "is_emissions", "read_emissions"]

COLUMNS = ("duration", "gpu_energy", "gpu_count", "gpu_model")
"""Columns that power cannot do without."""
REMEDY = "write it with codecarbon 2.1 or later, which says which accelerators it read"
_MODEL = re.compile(r"\s*(\d+) x (.+?)\s*(?=\d+ x |$)")


@dataclass(frozen=True)
class EmissionsRun:
    """One tracked run.

    Attributes
    ----------
    run : str
    seconds : float
    devices : int
        Accelerators that the tracker read.
    model : str
        As the driver names them.
    device_kwh, host_kwh : float
        Energy of the accelerators, and of processors and memory, without the PUE that the tracker multiplied in.
    end : str, optional
        When the row was written, as the file has it.
    """

    run: str
    seconds: float
    devices: int
    model: str
    device_kwh: float
    host_kwh: float
    end: str | None = None

    @property
    def watts(self) -> float:
        """Mean power of one accelerator."""
        return self.device_kwh * KWH / self.seconds / self.devices


def is_emissions(path: Path) -> bool:
    """Whether a file begins with the header of ``emissions.csv``."""
    if not os.path.isfile(path):
        return False
    try:
        with path.open(encoding="utf-8-sig") as file:
            names = set(file.readline(10_000).strip().split(","))
    except (OSError, ValueError):
        return False
    return {"duration", "energy_consumed"} <= names and "model" not in names


def _number(row: Mapping[str, str], column: str, where: str, line: int) -> float:
    text = (row.get(column) or "").strip()
    try:
        value = float(text or 0.0)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(
            f"line {line} holds no number", where=where, key=column, value=text[:40], remedy="correct the file"
        )
    return value


def _named(text: str, where: str, line: int) -> str:
    """Return the one kind of accelerator in a cell such as ``8 x NVIDIA A100-SXM4-80GB``."""
    kinds: set[str] = {name for _, name in _MODEL.findall(text)} or {text.strip()}
    if len(kinds) > 1:
        raise InputError(
            f"line {line} mixes kinds of accelerator, so that no energy belongs to one",
            where=where, key="gpu_model", value=text[:80], remedy="track one kind at a time (gpu_ids of the tracker)",
        )  # fmt: skip
    return kinds.pop()


def read_emissions(path: Path) -> list[EmissionsRun]:
    """Return the runs of an ``emissions.csv`` that read an accelerator; of a run written several times, the longest row.

    Raises
    ------
    InputError
        A column is missing, a number is none, or no row read an accelerator.
    """
    where = str(path)
    found: dict[str, EmissionsRun] = {}
    for line, row in enumerate(read_table(path, COLUMNS, remedy=REMEDY), start=2):
        seconds, count, energy = (_number(row, name, where, line) for name in ("duration", "gpu_count", "gpu_energy"))
        if seconds <= 0.0 or count < 1.0 or energy <= 0.0:
            continue  # no accelerator, a run without length, or a clock that was set back
        pue = _number(row, "pue", where, line) or 1.0
        if pue < 1.0:
            raise InputError(
                f"line {line} has an impossible PUE", where=where, key="pue", value=pue, allowed="1 or more",
                remedy="correct the file",
            )  # fmt: skip
        host = _number(row, "cpu_energy", where, line) + _number(row, "ram_energy", where, line)
        run = row.get("run_id") or f"line {line}"
        name = _named(row.get("gpu_model") or "", where, line)
        end = (row.get("timestamp") or "").strip() or None
        read = EmissionsRun(run, seconds, int(count), name, energy / pue, host / pue, end)
        if run not in found or found[run].seconds < seconds:
            found[run] = read
    if not found:
        raise InputError(
            "no row read an accelerator", where=where, allowed="duration, gpu_count and gpu_energy above 0",
            remedy="run codecarbon where it can read the accelerators (pynvml, machine mode)",
        )  # fmt: skip
    return list(found.values())

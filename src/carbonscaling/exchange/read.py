"""An existing run's launch file as a scenario."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from carbonscaling.errors import InputError
from carbonscaling.exchange.launch import Launch
from carbonscaling.exchange.simai.workload import HEADER
from carbonscaling.files import LOG, read_text

__all__ = ["launch_of", "named", "read_launch"]

_REMEDY = "name it by its kind: .sh a shell script, .toml torchtitan's, .json DeepSpeed's, .yaml MaxText's or Megatron-Bridge's"


def read_launch(path: str | Path, devices: int | None = None) -> Launch:
    """Read a launch file; which software it is for follows from what stands in it. Nothing is run.

    Parameters
    ----------
    path : str or Path
        A shell script (Megatron-LM, Megatron-DeepSpeed, MaxText), TOML (torchtitan), JSON (DeepSpeed), or YAML (MaxText,
        Megatron-Bridge); or a workload of SimAI.
    devices : int, optional
        Their number, where the file leaves it to its launcher: batches and degrees may follow from it.

    Returns
    -------
    Launch
        What it says; ``Launch.scenario()`` is the question that it asks.

    Raises
    ------
    InputError
        The file cannot be read, or no software's settings are in it.
    """
    path = Path(path)
    return launch_of(read_text(path, LOG), str(path), devices)


def launch_of(text: str, where: str, devices: int | None = None) -> Launch:
    """Read the text of a launch file; `where` it stands, whose ending says what it is.

    Raises
    ------
    InputError
        No software's settings are in it.
    """
    kind = Path(where).suffix.lower()
    readers = (
        (text.startswith(HEADER), "simai.launch:workload_launch"),
        (kind == ".toml", "torchtitan.launch:torchtitan_launch"),
        (kind == ".json" or (text.lstrip()[:1] == "{" and _is_json(text)), "deepspeed.launch:deepspeed_launch"),
        (kind in (".yml", ".yaml"), "yaml_file:yaml_launch"),
        (kind in (".sh", ".bash", ".sbatch", ".slurm", ".txt", "") or text.startswith("#!"), "script:script_launch"),
    )
    place = next((place for holds, place in readers if holds), None)
    if place is None:
        raise InputError("not a launch file that is known here", where=where, remedy=_REMEDY)
    read: Callable[[str, str, int | None], Launch] = named(place)
    return read(text, where, devices)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def named(place: str) -> Any:
    """Return a function of this package by its module and name, which is loaded only now."""
    module, _, name = place.partition(":")
    return getattr(import_module(f"carbonscaling.exchange.{module}"), name)

"""An existing run's launch file as a scenario."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from carbonscaling.errors import InputError
from carbonscaling.exchange.launch import Launch
from carbonscaling.exchange.simai.workload import HEADER
from carbonscaling.files import LOG, read_text

__all__ = ["launch_of", "read_launch"]

_REMEDY = "give a shell script, torchtitan's TOML, DeepSpeed's JSON, or YAML of MaxText or Megatron-Bridge"


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
    if text.startswith(HEADER):
        return _reader("simai.launch", "workload_launch")(text, where, devices)
    if kind == ".toml":
        return _reader("torchtitan.launch", "torchtitan_launch")(text, where, devices)
    if kind == ".json" or (text.lstrip()[:1] == "{" and _is_json(text)):
        return _reader("deepspeed.launch", "deepspeed_launch")(text, where, devices)
    if kind in (".yml", ".yaml"):
        return _reader("yaml_file", "yaml_launch")(text, where, devices)
    if kind in (".sh", ".bash", ".sbatch", ".slurm", ".txt", "") or text.startswith("#!"):
        return _reader("script", "script_launch")(text, where, devices)
    raise InputError("not a launch file that is known here", where=where, remedy=_REMEDY)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _reader(module: str, name: str) -> Callable[[str, str, int | None], Launch]:
    found: Callable[[str, str, int | None], Launch] = getattr(import_module(f"carbonscaling.exchange.{module}"), name)
    return found

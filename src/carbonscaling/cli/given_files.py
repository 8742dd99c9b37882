"""A file given where a scenario belongs: what it is, and the command that takes it."""

from __future__ import annotations

import os
from pathlib import Path

from carbonscaling.errors import InputError

__all__ = ["check_scenario_file"]

LAUNCHES = (".sh", ".bash", ".py", ".yaml", ".yml", ".slurm", ".sbatch", ".gin")
READ = 4096


def check_scenario_file(path: str) -> None:
    """Refuse what is clearly no scenario file, and name the command or option that takes it.

    Parameters
    ----------
    path : str
        As typed.

    Raises
    ------
    InputError
        It is a number, a name of the catalogue, a saved answer, a model, or a launch file.
    """
    suffix, exists = Path(path).suffix.lower(), os.path.isfile(path)
    if not exists and path.replace(".", "", 1).isdecimal():
        raise InputError(f"{path} stands alone", value=path, allowed="a scenario file, or nothing",
                         remedy="several values of an option go with commas, as in --history 1.3,0.9")  # fmt: skip
    meant = _named(path) if not exists else _held(path, suffix)
    if meant is not None:
        what, instead = meant
        raise InputError(f"this is {what}, not a scenario file", value=path, allowed="a TOML file", suggestion=instead,
                         remedy="write that instead, or name a scenario")  # fmt: skip


def _named(path: str) -> tuple[str, str] | None:
    """Return what a word that is no file names in the catalogue, and the option for it."""
    from carbonscaling.catalog import hardware, models

    for kind, option, load in (("a model", "--model", models.model_entry), ("a device", "--device", hardware.device)):
        try:
            if not path.endswith(".toml"):
                load(path)
                return f"{kind} of the catalogue", f"{option} {path}"
        except InputError:
            continue
    return None


def _held(path: str, suffix: str) -> tuple[str, str] | None:
    """Return what an existing file is, if no scenario, and the words for it."""
    try:
        with open(path, "rb") as file:
            head = file.read(READ).decode("utf-8", "replace")
    except OSError:
        return None
    if suffix == ".json" and ('"feasible"' in head or '"schema"' in head):
        return "a saved answer", f"carbonscaling again {path}"
    if suffix == ".json" and ('"model_type"' in head or '"hidden_size"' in head):
        return "a model", f"--model {path}"
    if suffix in LAUNCHES or (suffix == ".json" and "train_batch_size" in head):
        return "a launch file", f"carbonscaling estimate --from {path}"
    if suffix == ".toml" and ("[[axis]]" in head or "\n[scenario]" in head):
        return "a study", f"carbonscaling sweep {path}"
    if suffix == ".toml" and "[[stage]]" in head:
        return "a project", f"carbonscaling project {path}"
    return None

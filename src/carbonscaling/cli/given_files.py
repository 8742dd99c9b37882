"""A file given where a scenario belongs: what it is, and the command that takes it."""

from __future__ import annotations

import dataclasses
import os
import re

from carbonscaling.errors import InputError
from carbonscaling.study.scenario import Scenario

__all__ = ["check_scenario_file"]

READ = 65536
SCRIPTS = (".sh", ".bash", ".sbatch", ".slurm", ".py")
_YAML_KEY = re.compile(r"^([A-Za-z_]\w*):(?:\s|$)", re.MULTILINE)
_PYTHON = re.compile(r"^(?:import|from) \w+|^def \w+\(|^#!.*python", re.MULTILINE)
NO_LAUNCH = (
    "the file",
    "not UTF-8",
    "no setting",
    "this needs",
    "no command of the script",
    "not a launch file",
    "not valid",
)
"""How `read_launch` begins to say that a file launches nothing that is known here."""


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
    exists = os.path.isfile(path)
    if not exists and path.replace(".", "", 1).isdecimal():
        raise InputError(f"{path} stands alone", value=path, allowed="a scenario file, or nothing",
                         remedy="several values of an option go with commas, as in --history 1.3,0.9")  # fmt: skip
    meant = _named(path) if not exists else _held(path)
    if meant is not None:
        what, instead = meant
        raise InputError(f"this is {what}, not a scenario file", value=path, allowed="a TOML file", suggestion=instead,
                         remedy="write that instead, or name a scenario" if instead else REMEDY)  # fmt: skip


REMEDY = 'a scenario has lines such as model = "llama-3-8b", devices = 64: carbonscaling schema scenario lists the keys'


def _named(path: str) -> tuple[str, str | None] | None:
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


def _held(path: str) -> tuple[str, str | None] | None:
    """Return what an existing file is, if no scenario, by what it holds, and the words for it."""
    try:
        with open(path, "rb") as file:
            head = file.read(READ).decode("utf-8", "replace")
    except OSError:
        return None
    if re.match(r"\s*(?:\{|\[\s*[{\"\d])", head):
        return _held_json(path, head)
    if re.search(r"^\[\[axis\]\]|^\[scenario\]", head, re.MULTILINE):
        return "a study", f"carbonscaling sweep {path}"
    if re.search(r"^\[\[stage\]\]", head, re.MULTILINE):
        return "a project", f"carbonscaling project {path}"
    if re.search(r"^[ \t]*[\w.\"-]+[ \t]*=[ \t]*[\w\"'\[{.+-]|^\[\w", head, re.MULTILINE) and not _is_script(
        path, head
    ):
        return None
    if not path.lower().endswith(".toml") and _is_launch(path):
        return "a launch file", f"carbonscaling estimate --from {path}"
    if _PYTHON.search(head):
        return "a Python program", None
    if _is_script(path, head):
        return "a script that launches no trainer known here", None
    if {*_YAML_KEY.findall(head)} & {field.name for field in dataclasses.fields(Scenario)}:
        return "YAML", None
    return None


def _is_script(path: str, head: str) -> bool:
    return head.startswith("#!") or bool(_PYTHON.search(head)) or path.lower().endswith(SCRIPTS)


def _held_json(path: str, head: str) -> tuple[str, str | None] | None:
    if '"feasible"' in head or '"schema"' in head or '"scenario": {' in head:
        return "a saved answer", f"carbonscaling again {path}"
    if '"model_type"' in head or '"hidden_size"' in head:
        return "a model", f"--model {path}"
    return ("a launch file", f"carbonscaling estimate --from {path}") if _is_launch(path) else ("JSON", None)


def _is_launch(path: str) -> bool:
    """Return whether a file launches a training that `--from` reads, or would but for what it says itself is wrong."""
    from carbonscaling.exchange.read import read_launch

    try:
        read_launch(path)
    except InputError as error:
        return not error.problem.startswith(NO_LAUNCH)
    return True

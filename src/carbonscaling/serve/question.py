"""From a request's JSON to a scenario that names nothing but the catalogue's own entries and stays within bounds."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, Literal

from carbonscaling.catalog import hardware, laws, models, stacks
from carbonscaling.catalog.instances import device_of_instance
from carbonscaling.errors import InputError, plain_name
from carbonscaling.hardware.device import Device, Host
from carbonscaling.hints import NamedTuple
from carbonscaling.meaning import choice_meant
from carbonscaling.perf.precision import PRECISIONS
from carbonscaling.serve.limits import Limits
from carbonscaling.study.scenario import Scenario, scenario_from

__all__ = ["FILES_ONLY", "Asked", "Kind", "asked", "kind_of", "named"]

Kind = Literal["plan", "estimate"]

FILES_ONLY = ("profile", "factors", "hourly")
"""Fields of a scenario that hold nothing but file names: a request has none."""


class Asked(NamedTuple):
    """A checked question.

    Attributes
    ----------
    scenario : Scenario
        Its model is None where `config` is given.
    config : dict, optional
        An uploaded ``config.json``.
    name : str
        Name of the uploaded model.
    """

    scenario: Scenario
    config: Mapping[str, Any] | None = None
    name: str = ""

    def key(self, *parts: str) -> str:
        """Return a digest of the question and of what is asked about it."""
        data = repr(
            (
                parts,
                self.scenario,
                type(self.scenario.region).__name__,
                json.dumps(self.config, sort_keys=True),
                self.name,
            )
        )
        return hashlib.sha256(data.encode()).hexdigest()


def kind_of(scenario: Scenario) -> Kind:
    """Return what a scenario asks for: an estimate where it says how many devices there are, else a plan."""
    return "estimate" if scenario.is_counted else "plan"


def _names(kind: type, known: tuple[str, ...]) -> Collection[str]:
    return {*known, *hardware.aliases(kind)}


_KNOWN: Mapping[str, Callable[[], Collection[str]]] = {
    "model": models.model_aliases,
    "teacher": models.model_aliases,
    **dict.fromkeys(("draft", "reference", "critic", "reward"), models.model_aliases),
    **dict.fromkeys(("device", "devices", "serve_devices"), lambda: _names(Device, hardware.device_names())),
    "host": lambda: _names(Host, hardware.host_names()),
    "law": laws.law_names,
    "batch_law": laws.batch_law_names,
    "stack": stacks.stack_names,
    "fabric": hardware.fabric_names,
    "calibration": lambda: ("shipped", "none"),
}
"""Fields that may name an entry of the catalogue, or several, and nothing else."""
_MODELS = ("model", "teacher", "draft", "reference", "critic", "reward")
EXACT = ("law", "batch_law", "stack", "fabric", "calibration")
"""Those of whose names there is one spelling."""


def _meant(key: str, value: str, known: Collection[str]) -> str | None:
    """Return the entry that a value means, by the same rules as every other door."""
    if key in _MODELS:
        return models.model_meant(value)
    if key in EXACT:
        return choice_meant(key, value, known)
    return device_of_instance(plain_name(value)) or hardware.part_meant(Host if key == "host" else Device, value)


def named(data: Mapping[str, Any]) -> None:
    """Refuse every value that is, or could be, the name of a file.

    Raises
    ------
    InputError
        Such a value; the message names the catalogue's nearest entry.
    """
    for key in FILES_ONLY:
        if data.get(key) is not None:
            raise InputError(
                "a request cannot name a file", where="request", key=key, value=data[key],
                remedy="leave it out, or use the command line",
            )  # fmt: skip
    for key, names in _KNOWN.items():
        given = data.get(key)
        known: Collection[str] = ()
        for value in given if isinstance(given, list) else [given]:
            if not isinstance(value, str) or (
                key == "devices" and not any(map(str.isalpha, value))
            ):  # a count in quotes
                continue
            known = known or names()
            if value in known or (key not in EXACT and plain_name(value) in known):
                continue
            raise InputError(
                f"unknown {key}", where="request", key=key, value=value,
                suggestion=_meant(key, value, known),
                allowed=", ".join(known) if len(known) < 12 else "a name of /api/v1/catalog",
                remedy="upload its config.json in place of the name" if key == "model" else "choose one of these",
            )  # fmt: skip


def _bounded(s: Scenario, limits: Limits) -> None:
    for key, most, what in (
        ("devices", limits.devices, "devices"),
        ("max_devices", limits.devices, "devices"),
        ("batch", limits.batch, "sequences"),
    ):
        value = getattr(s, key)
        if value is not None and value > most:
            raise InputError(
                f"{key} out of range", where="request", key=key, value=value,
                allowed=f"at most {most:,} {what} here", remedy="use the command line for more",
            )  # fmt: skip
    recipes = [name.strip() for name in (s.precision or "").split(",") if name.strip()]
    if len(recipes) > limits.recipes or any(name not in PRECISIONS for name in recipes):
        raise InputError(
            "unknown precision" if len(recipes) <= limits.recipes else "too many precision recipes",
            where="request", key="precision", value=s.precision,
            allowed=f"at most {limits.recipes} of {', '.join(PRECISIONS)}", remedy="choose one of these",
        )  # fmt: skip


def _upload_name(config: Mapping[str, Any]) -> str:
    """Return a plain name for an uploaded model: the last word of its own, or its type."""
    for key in ("_name_or_path", "model_type"):
        words = re.findall(r"[\w.-]+", str(config.get(key) or "").rpartition("/")[2], re.ASCII)
        if words and words[0].strip(".") and len(words[0]) <= 64:
            return str(words[0])
    return "model"


def asked(data: Mapping[str, Any], limits: Limits) -> Asked:
    """Return the question of a request's JSON: a scenario, its model a name or the object of a ``config.json``.

    Raises
    ------
    InputError
        An unknown key or name, a wrong type, a value out of range, or the name of a file.
    """
    own = dict(data)
    config = own.pop("model") if isinstance(own.get("model"), Mapping) else None
    named(own)
    scenario = scenario_from(own, "request")
    _bounded(scenario, limits)
    return Asked(scenario, config, _upload_name(config)) if config is not None else Asked(scenario)

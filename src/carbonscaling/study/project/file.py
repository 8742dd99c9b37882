"""A project's file: its stages in TOML, each with what it says of itself and the question to the door that answers it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from carbonscaling.carbon.boundary import Boundary
from carbonscaling.catalog.read import build, keys_of_tables, packaged, read_toml
from carbonscaling.errors import InputError, nearest
from carbonscaling.meaning import choice_meant, key_meant
from carbonscaling.record import dataclass
from carbonscaling.serving.scenario import Serving
from carbonscaling.study.project.known import ALIKE, SERVED, TRAINED, TRAININGS_ALONE, check_rollouts, options
from carbonscaling.study.project.stages import (
    KINDS,
    TRAINED_AS,
    Deployment,
    Generation,
    Hours,
    Preference,
    Reinforcement,
    Share,
    Stage,
    Training,
)
from carbonscaling.study.scenario import Scenario, beside, scenario_from

__all__ = ["Entry", "Project", "load_project", "project_from", "project_names"]

SHIPPED = "carbonscaling.catalog.projects"
ROLES = ("reference", "critic", "reward")
"""Keys of stages that name a model."""


@dataclass(frozen=True)
class Entry:
    """A stage with its questions.

    Attributes
    ----------
    stage : Stage
    training : Scenario
        What is asked of `estimate`, but for the tokens; of stages that train nothing, the place and the machines.
    serving : Serving
        What is asked of `inference`.
    stated : frozenset of str
        Keys that the stage, its rollouts or what all stages share state.
    """

    stage: Stage
    training: Scenario
    serving: Serving
    stated: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Project:
    """A project.

    Attributes
    ----------
    title : str
    hours : {"reachable", "needed"}
        Whether trainings take what can be reached, or what people needed of it (`carbonscaling.study.history`).
    entries : tuple of Entry
    data : Mapping
        As it was read, so that it can be asked again.
    """

    title: str
    hours: Literal["reachable", "needed"]
    entries: tuple[Entry, ...]
    data: Mapping[str, Any]


def project_names() -> list[str]:
    """Return the names of the projects that ship."""
    files = (entry.name for entry in resources.files(SHIPPED).iterdir())
    return sorted(name.removesuffix(".toml") for name in files if name.endswith(".toml"))


def load_project(name: str | Path) -> Project:
    """Return a project that ships, by its name, or that of a TOML file; names of files in it are relative to its folder.

    Raises
    ------
    InputError
        The file cannot be used, or a stage of it is no stage.
    """
    text = str(name)
    if text in project_names():
        return project_from(packaged(SHIPPED, f"{text}.toml"), text)
    path = Path(name)
    if not path.suffix and not path.exists():
        raise InputError(
            "unknown project", value=text, suggestion=nearest(text, project_names()), allowed=", ".join(project_names()),
            remedy="name one of these, or the file of your own",
        )  # fmt: skip
    data = read_toml(path)
    stages = data.get("stage")
    if isinstance(stages, list):
        data["stage"] = [_beside(path.parent, stage) if isinstance(stage, dict) else stage for stage in stages]
    if isinstance(data.get("common"), dict):
        data["common"] = beside(path.parent, data["common"])
    return project_from(data, text)


def _beside(folder: Path, stage: dict[str, Any]) -> dict[str, Any]:
    found = beside(folder, beside(folder, stage), ROLES)
    if isinstance(rollout := stage.get("rollout"), dict):
        found["rollout"] = beside(folder, rollout)
    return found


def project_from(data: Mapping[str, Any], where: str) -> Project:
    """Return the project of parsed TOML or JSON.

    Raises
    ------
    InputError
        Unknown keys, kinds, or values out of range: where, and what is allowed.
    """
    known = ("title", "hours", "common", "stage")
    if unknown := next((key for key in data if key not in known), None):
        one = unknown in TRAINED and "stage" not in data
        raise InputError(
            "this is a training, not a project" if one else "unknown key", where=where, key=unknown,
            suggestion=f"carbonscaling estimate {where}" if one else key_meant(unknown, known), allowed=", ".join(known),
            remedy="what stages share stands in [common], each stage in a [[stage]]",
        )  # fmt: skip
    hours, common, stages = data.get("hours", "reachable"), data.get("common", {}), data.get("stage", [])
    if hours not in ("reachable", "needed"):
        raise InputError("unknown hours", where=where, key="hours", value=hours, allowed="reachable, needed",
                         remedy="choose one of these")  # fmt: skip
    if not (
        isinstance(common, Mapping)
        and isinstance(stages, list)
        and stages
        and all(isinstance(s, Mapping) for s in stages)
    ):
        raise InputError(
            "no stages", where=where, key="stage", allowed="[[stage]] tables, and one [common] of what they share",
            remedy='add [[stage]] with name = "…" and kind = "…"',
        )  # fmt: skip
    entries = tuple(_entry(dict(stage), common, f"{where}, stage {i}") for i, stage in enumerate(stages, 1))
    _check(entries, common, where)
    return Project(str(data.get("title", where)), hours, entries, data)


def _check(entries: tuple[Entry, ...], common: Mapping[str, Any], where: str) -> None:
    names = [entry.stage.name for entry in entries]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InputError("two stages of one name", where=where, key="name", value=twice, remedy="rename one of them")
    shares = [entry.stage.of for entry in entries if isinstance(entry.stage, Share)]
    shared = {name for of in shares for name in ((of,) if isinstance(of, str) else of)}
    for entry in entries:
        bought, stage = entry.training.contracts, entry.stage
        once = stage.count == 1.0 and isinstance(stage, Training | Hours) and stage.name not in shared
        if bought.mwh is not None and bought.match == "year" and ("contracts" in common or not once):
            raise InputError(
                "a volume of electricity is spent once", where=where, key=f"{stage.name}.contracts.mwh", value=bought.mwh,
                allowed="in one training or one stage of hours, that counts once and that no share refers to",
                remedy='state it there, or match it by the hour (match = "hour")',
            )  # fmt: skip
    served = any(isinstance(entry.stage, Deployment | Generation | Reinforcement) for entry in entries)
    known = (TRAINED | SERVED) - (set(TRAININGS_ALONE) if served else set())
    if unknown := next((key for key in common if key not in known), None):
        raise InputError(
            "not common to these stages", where=where, key=f"common.{unknown}",
            suggestion=key_meant(str(unknown), known, keys_of_tables(Scenario)),
            allowed="fields of a training or a serving; with stages that serve, none that a serving does not know",
            remedy="correct it, or state it in the stages that take it",
        )  # fmt: skip


def _entry(data: dict[str, Any], common: Mapping[str, Any], where: str) -> Entry:
    """Return one stage, its keys dealt to what it says of itself, to a training and to a serving."""
    kind = data.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise InputError(
            "unknown kind of stage" if kind else "a stage needs a kind", where=where, key="kind", value=kind,
            suggestion=choice_meant("kind", str(kind), KINDS), allowed=", ".join(KINDS), remedy="choose one of these",
        )  # fmt: skip
    cls = KINDS[kind]
    own = {f.name for f in dataclasses.fields(cls)}
    serves, learns = issubclass(cls, Deployment | Generation), issubclass(cls, Reinforcement)
    known = options(cls)
    rollout = data.pop("rollout", {}) if learns else {}
    if not isinstance(rollout, Mapping):
        raise InputError("rollouts are a table", where=where, key="rollout", value=rollout, allowed="fields of a serving",
                         remedy="rollout = { in_flight = 64 }, say")  # fmt: skip
    if unknown := next((key for key in data if key not in own | known), None):
        whole = {SERVED: "any field of a serving", TRAINED: "any field of a training"}
        raise InputError(
            "not a matter of such a stage" if unknown in TRAINED | SERVED else "unknown key", where=where, key=unknown,
            suggestion=key_meant(unknown, (*own, *known), keys_of_tables(Scenario) if known == TRAINED else ()),
            allowed="; and ".join(filter(None, (", ".join(sorted(own)), whole.get(known, ", ".join(sorted(known)))))),
            remedy="correct or remove the key",
        )  # fmt: skip
    stage = build(cls, {key: value for key, value in data.items() if key in own}, where)
    said = {key: value for key, value in data.items() if key not in own}
    check_rollouts(stage, said, where)
    trained = {key: value for key, value in common.items() if key in TRAINED and key not in own}
    served = {key: value for key, value in common.items() if key in SERVED and key not in ("devices", "objective")}
    if isinstance(stage, Training | Preference | Reinforcement):
        trained["train"] = TRAINED_AS.get(kind, "sft")
    trained |= {} if serves else said
    served |= said if serves else {key: value for key, value in said.items() if key in ALIKE}
    if isinstance(stage, Reinforcement):
        served |= {"prompt": stage.given("prompt"), "output": stage.given("output"), **rollout}
    if serves and "model" not in served:
        raise InputError("which model answers?", where=where, key="model", allowed="a name of the catalogue, or a file",
                         remedy="add model, here or in [common]")  # fmt: skip
    training, serving = scenario_from(trained, where), build(Serving, served, where)
    if training.boundary != Boundary():
        raise InputError(
            "a project's lines are its stages", where=where, key="boundary", remedy='add stages of kind "share" instead'
        )
    _check_rollouts_fit(stage, training, where)
    return Entry(stage, training, serving, frozenset({*common, *data, *rollout}))


def _check_rollouts_fit(stage: Stage, training: Scenario, where: str) -> None:
    if not isinstance(stage, Reinforcement) or training.seq_len is None:
        return
    tokens = (stage.prompt or 0.0) + (stage.output or 0.0)
    if tokens > training.seq_len:
        raise InputError(
            "rollouts are longer than what learns from them", where=where, key="seq_len", value=training.seq_len,
            allowed=f"{tokens:,.10g} tokens or more: a prompt and its rollout", remedy="raise seq_len, or shorten output",
        )  # fmt: skip

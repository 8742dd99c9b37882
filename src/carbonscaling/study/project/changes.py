"""The same project elsewhere, on other devices, or with another amount in one stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Literal

from carbonscaling.errors import InputError, nearest
from carbonscaling.fields import check_fields
from carbonscaling.record import dataclass
from carbonscaling.study.project.file import Project, project_from

__all__ = ["Changes", "changed"]

ONE_STAGE = ("stage", "key", "value")


@dataclass(frozen=True)
class Changes:
    """What is changed about a project; what is left out stays as it is.

    Attributes
    ----------
    hours : {"reachable", "needed"}, optional
        What trainings take: what can be reached, or what people needed of such.
    region : str, optional
        Cloud region or country of all stages.
    device : str, optional
        Device of all stages.
    pue : float, optional
        Power usage effectiveness of all stages.
    carbon_intensity_g_per_kwh : float, optional
        Of the electricity of all stages.
    price_usd_per_device_hour : float, optional
        Of the devices of all stages.
    stage : str, optional
        One stage, of which `key` becomes `value`.
    key : str, optional
        What of that stage is changed: tokens, count, requests_per_day and so on.
    value : float, optional
        What it becomes.
    """

    hours: Literal["reachable", "needed"] | None = None
    region: str | None = None
    device: str | None = None
    pue: float | None = None
    carbon_intensity_g_per_kwh: float | None = None
    price_usd_per_device_hour: float | None = None
    stage: str | None = None
    key: str | None = None
    value: float | None = None

    def __post_init__(self) -> None:
        """Refuse values of another kind, and a change that is told by halves."""
        check_fields(self)
        told = [getattr(self, name) is not None for name in ONE_STAGE]
        if any(told) and not all(told):
            missing = ONE_STAGE[told.index(False)]
            raise InputError("a stage is changed by stage, key and value", key=missing, allowed="all three, or none",
                             remedy=f"add {missing}")  # fmt: skip


def changed(asked: Project, changes: Changes) -> Project:
    """Return a project with what is changed.

    Raises
    ------
    InputError
        There is no such stage, or the project is none with these changes.
    """
    if changes == Changes():
        return asked
    common = {
        f.name: value for f in fields(changes)
        if f.name not in (*ONE_STAGE, "hours") and (value := getattr(changes, f.name)) is not None
    }  # fmt: skip
    stages = [{key: value for key, value in stage.items() if key not in common} for stage in asked.data["stage"]]
    data = {**asked.data, "common": {**asked.data.get("common", {}), **common}, "stage": stages}
    if changes.hours is not None:
        data["hours"] = changes.hours
    if changes.stage is not None:
        _stage(stages, changes.stage)[str(changes.key)] = changes.value
    return project_from(data, asked.title)


def _stage(stages: list[dict[str, Any]], name: str) -> dict[str, Any]:
    found: Mapping[str, dict[str, Any]] = {str(stage.get("name")): stage for stage in stages}
    if name not in found:
        raise InputError("no such stage", key="stage", value=name, suggestion=nearest(name, found), allowed=", ".join(found),
                         remedy="name one of these")  # fmt: skip
    return found[name]

"""Questions beside plan and estimate: servings, timetables, chances, decisions, projects, meters; their files come along."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any, Literal, get_args

from carbonscaling.catalog.read import build
from carbonscaling.errors import InputError, nearest
from carbonscaling.hints import NamedTuple
from carbonscaling.record import dataclass
from carbonscaling.serve.limits import Limits
from carbonscaling.serve.question import Asked, asked, named
from carbonscaling.study.project.changes import Changes
from carbonscaling.study.project.file import project_from, project_names
from carbonscaling.study.sweep.kinds import KINDS, check_table, own_value

__all__ = ["OTHERS", "Metered", "Other", "OtherKind", "other"]

OtherKind = Literal["inference", "schedule", "chances", "decide", "project", "attribute"]
OTHERS: tuple[OtherKind, ...] = get_args(OtherKind)
FILE_FIELDS = ("hourly", "prices", "forecast", "readings", "jobs")
"""Fields that name a file of the request, some of them with a column behind it."""
FILE_NAME = re.compile(r"[A-Za-z0-9][\w-]{0,40}\.(csv|txt)", re.ASCII)


@dataclass(frozen=True)
class Metered:
    """A cluster's meter and what ran behind it.

    Attributes
    ----------
    readings : str
        File of the request: month,kwh or begin,end,kwh or time,register_kwh; storage_kwh.
    jobs : tuple of str
        Files of the request: sacct, CodeCarbon, DCGM, nvidia-smi, or a row a job.
    energy_scope : {"devices", "it", "facility", "building"}
        What the meter counts.
    device : str
    devices : int
        All accelerators behind the meter.
    region : str, optional
    pue : float, optional
    load, outside : Mapping[str, float]
        Steady loads among the machines, and elsewhere in the building, in kW by name.
    """

    readings: str
    jobs: tuple[str, ...]
    energy_scope: Literal["devices", "it", "facility", "building"]
    device: str
    devices: int
    region: str | None = None
    pue: float | None = None
    load: dict[str, float] = field(default_factory=dict)
    outside: dict[str, float] = field(default_factory=dict)


class Other(NamedTuple):
    """A checked question.

    Attributes
    ----------
    kind : OtherKind
    own : object
        Its own dataclass; of a project its changes.
    run : Asked, optional
        The training beside it.
    project : str or Mapping, optional
    hourly : str, optional
        Hours of the grid, a file of the request.
    files : Mapping[str, str]
        Their texts by name.
    """

    kind: OtherKind
    own: Any
    run: Asked | None = None
    project: str | Mapping[str, Any] | None = None
    hourly: str | None = None
    files: Mapping[str, str] = {}

    def key(self, *parts: str) -> str:
        """Return a digest of the question and of what is asked about it."""
        run = self.run.key() if self.run else ""
        data = [parts, dataclasses.asdict(self.own), run, self.project, self.hourly, self.files]
        return hashlib.sha256(json.dumps(data, sort_keys=True, default=str).encode()).hexdigest()


def other(kind: OtherKind, data: Mapping[str, Any], limits: Limits) -> Other:
    """Return the question of a request's JSON.

    Raises
    ------
    InputError
        An unknown key or name, a wrong type, a value out of range, or the name of a file that is not in the request.
    """
    said = dict(data)
    files = _files(said.pop("files", {}))
    if kind == "project":
        what = said.pop("project", None)
        _check_project(what)
        named(said)
        return Other(kind, build(Changes, said, "request"), project=what)
    if kind == "attribute":
        named(said)
        meter = build(Metered, said, "request")
        for name in (meter.readings, *meter.jobs):
            _in_request(name, files, "readings" if name == meter.readings else "jobs")
        return Other(kind, meter, files=files)
    shape = KINDS[kind]
    own, run, hourly = said, None, said.pop("hourly", None)
    if hourly is not None:
        _in_request(hourly, files, "hourly")
    if shape.of_scenario:
        own = said.pop(shape.table, {})
        run = asked(said, limits)
    if not isinstance(own, Mapping):
        raise InputError(f"{shape.table} is a table", where="request", key=shape.table, value=own, remedy="send {…}")
    if kind == "decide":
        own = {**own, "hourly": hourly} if hourly is not None else own
    elif kind == "inference" and hourly is not None:
        raise InputError("a serving has no hours", where="request", key="hourly", value=hourly, remedy="leave it out")
    check_table(shape, own, (), "request")
    named({key: value for key, value in own.items() if key not in FILE_FIELDS})
    for key in ("prices", "forecast"):
        if own.get(key) is not None:
            _in_request(own[key], files, key)
    values = {key: own_value(shape, key, value) for key, value in own.items() if value is not None}
    return Other(kind, build(shape.asked, values, "request"), run, None, hourly, files)


def _files(given: Any) -> dict[str, str]:
    """Return the texts of the request's files."""
    if not isinstance(given, Mapping):
        raise InputError("files are texts by name", where="request", key="files", value=type(given).__name__,
                         remedy='send {"hours.csv": "time,g_per_kwh\\n…"}')  # fmt: skip
    for name, text in given.items():
        if not (FILE_NAME.fullmatch(name) and isinstance(text, str)):
            raise InputError("not a file of a request", where="request", key="files", value=name,
                             allowed="texts under names such as hours.csv or jobs.txt", remedy="rename it")  # fmt: skip
    return dict(given)


def _in_request(value: Any, files: Mapping[str, str], key: str) -> None:
    """Refuse what names no file of the request."""
    text = str(value)
    if text not in files and text.rpartition(":")[0] not in files:
        raise InputError(
            "no such file in the request", where="request", key=key, value=text, suggestion=nearest(text, files),
            allowed=", ".join(files) or "a file of the request", remedy='send its text: "files": {"hours.csv": "…"}',
        )  # fmt: skip


def _check_project(what: Any) -> None:
    """Refuse what is no project that ships and no stages that name the catalogue's own entries alone."""
    if isinstance(what, str) and what in project_names():
        return
    if not isinstance(what, Mapping):
        raise InputError(
            "unknown project", where="request", key="project", value=what, suggestion=nearest(str(what), project_names()),
            allowed=f"{', '.join(project_names())}; or its stages", remedy='name one, or send {"stage": [{…}]}',
        )  # fmt: skip
    for table in _tables(what):
        named(table)
    project_from(what, "request")


def _tables(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yield every table in nested data."""
    if isinstance(value, Mapping):
        yield value
    for inner in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        yield from _tables(inner)

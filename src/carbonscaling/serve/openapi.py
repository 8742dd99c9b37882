"""The OpenAPI description of the service, made from the table of its operations and the types of what goes in and out."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, get_args

from pydantic import TypeAdapter

from carbonscaling import __version__
from carbonscaling.record import dataclass
from carbonscaling.reporting.schema import answer_schema
from carbonscaling.serve.catalogue import launch_formats, report_formats
from carbonscaling.serve.jobs import Task
from carbonscaling.serve.limits import Limits
from carbonscaling.serve.others import Metered, OtherKind
from carbonscaling.serve.problem import Refusal
from carbonscaling.serve.question import FILES_ONLY, Kind
from carbonscaling.study.project.changes import Changes
from carbonscaling.study.project.file import project_names
from carbonscaling.study.scenario import scenario_schema
from carbonscaling.study.sweep.kinds import KINDS

__all__ = ["OPERATIONS", "Operation", "description"]

JSON = "application/json"
REFUSALS = {
    "400": "no usable JSON",
    "408": "the body came too slowly",
    "413": "the body is too large",
    "415": "the body is not JSON",
    "422": "the scenario cannot be used: the key, the value, what is allowed, the remedy",
    "500": "a bug, or a request that ended two processes",
    "503": "busy, or it took too long",
}


@dataclass(frozen=True)
class Operation:
    """What may be asked about a scenario: its path under ``/api/v1/``, what is done, what comes back.

    `kind` is the question; None where the request says it. `other` is one that asks no plan or estimate.
    `formats` are those of a file, where that is what comes back.
    """

    path: str
    task: Task
    words: str
    kind: Kind | None = None
    formats: tuple[str, ...] = ()
    other: OtherKind | None = None


SAID: dict[OtherKind, str] = {
    "inference": "what serving a model takes",
    "schedule": "when a run should work, beside policies without foresight",
    "chances": "by when a run is done, with what chance; or the plan that keeps a date",
    "decide": "size, tokens, machine and serving decided together",
    "project": "a whole project, stage by stage",
    "attribute": "a cluster's metered energy shared among its jobs",
}
OPERATIONS = (
    Operation("plan", "answer", "the best setting and device count within the deadline", "plan"),
    Operation("estimate", "answer", "what a given number of devices takes", "estimate"),
    Operation("regions", "regions", "the same run in every cloud region, least carbon first"),
    Operation("evidence", "evidence", "measured trainings of this device and size, and their predictions"),
    Operation("sources", "sources", "every number behind the answer, with unit, range, source; BibTeX"),
    Operation("curve", "curve", "loss, compute and carbon along a scaling law, on the same machine"),
    Operation("report/{format}", "report", "a statement of the run", formats=report_formats()),
    Operation(
        "launch/{format}", "launch", "launch settings of training software, or a picture", formats=launch_formats()
    ),
    *(Operation(name, "other", words, other=name) for name, words in SAID.items()),
    *(
        Operation(f"{name}/{{format}}", "other", f"a report: {words}", None, ("html",), name)
        for name, words in SAID.items()
    ),
)
BODIES: dict[str, str] = {
    "inference": "Serving", "schedule": "Timetabled", "chances": "Chanced", "decide": "Decision", "project": "Projected",
    "attribute": "Metered",
}  # fmt: skip
"""Schemas of what is sent."""
LOOKS = {
    "/api/v1/catalog": "devices, models, regions, laws; labels of what an answer holds",
    "/health": "whether the service answers",
    "/openapi.json": "this description",
}


def _component(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _moved(value: Any) -> Any:
    """Point references to the components of the description."""
    if isinstance(value, dict):
        return {
            k: v.replace("#/$defs/", "#/components/schemas/") if k == "$ref" else _moved(v)
            for k, v in value.items()
            if k not in ("$defs", "$schema")
        }
    return [_moved(v) for v in value] if isinstance(value, list) else value


@cache
def _schemas() -> Mapping[str, Any]:
    parts = {"Scenario": scenario_schema(), "Answer": answer_schema(), "Refusal": TypeAdapter(Refusal).json_schema()}
    found = {name: _moved(schema) for part in parts.values() for name, schema in part.get("$defs", {}).items()}
    found |= {name: _moved(part) for name, part in parts.items()}
    own = found["Scenario"]["properties"]
    for name in FILES_ONLY:
        own.pop(name)
    upload = {"type": "object", "description": "a Hugging Face config.json"}
    own["model"] = {"anyOf": [{"type": "string", "description": "a catalogue name"}, upload, {"type": "null"}]}
    _more(found)
    return found


def _more(found: dict[str, Any]) -> None:
    """Add what the questions beside plan and estimate take to the schemas."""
    files = {"type": "object", "additionalProperties": {"type": "string"},
             "description": "texts by name, as hours.csv, which fields such as hourly then name"}  # fmt: skip
    hourly = {"type": "string", "description": "a file of the request: hours.csv, or hours.csv:COLUMN"}
    for kind, name in BODIES.items():
        shape = KINDS.get(kind)
        own = TypeAdapter(
            Metered if kind == "attribute" else Changes if shape is None or kind == "project" else shape.asked
        )
        schema = own.json_schema(ref_template="#/components/schemas/{model}")
        found.update(schema.pop("$defs", {}))
        schema["additionalProperties"] = False
        if shape is not None and shape.of_scenario:
            found[f"{name}Table"] = schema
            run = found["Scenario"]
            schema = run | {
                "properties": {**run["properties"], shape.table: _component(f"{name}Table"), "hourly": hourly}
            }
        own_fields = schema["properties"]
        if kind == "project":
            own_fields["project"] = {"anyOf": [{"enum": project_names()}, {"type": "object"}],
                                     "description": "one that ships, or the tables of a project's file"}  # fmt: skip
        elif kind == "inference":
            own_fields["model"] = {"type": "string", "description": "a catalogue name"}
        if kind not in ("project", "inference"):
            own_fields["files"] = files
        found[name] = schema


def _content(words: str, schema: dict[str, Any], media: str = JSON) -> dict[str, Any]:
    return {"description": words, "content": {media: {"schema": schema}}}


def _asked(o: Operation) -> dict[str, Any]:
    form = {"name": "format", "in": "path", "required": True, "schema": {"enum": list(o.formats)}}
    kind = {
        "name": "kind", "in": "query", "schema": {"enum": list(get_args(Kind))},
        "description": "default: estimate where the scenario has a device count, else plan",
    }  # fmt: skip
    found = {
        **dict.fromkeys(get_args(Task), _content(o.words, {"type": "object"})),
        "answer": _content(o.words, _component("Answer")),
        **dict.fromkeys(("report", "launch"), _content(o.words, {"type": "string"}, "*/*")),
    }
    return {
        "operationId": o.path.replace("/{format}", "_report" if o.other else ""),
        "summary": o.words,
        "parameters": [form] * bool(o.formats) + [kind] * (o.kind is None and o.other is None),
        "requestBody": {
            "required": True,
            "content": {JSON: {"schema": _component(BODIES.get(o.other or "", "Scenario"))}},
        },
        "responses": {
            "200": found["report" if o.other and o.formats else o.task],
            **{status: _content(words, _component("Refusal")) for status, words in REFUSALS.items()},
        },
    }


def _looked(path: str, words: str) -> dict[str, Any]:
    name = path.rpartition("/")[2].removesuffix(".json")
    return {"operationId": name, "summary": words, "responses": {"200": _content(words, {"type": "object"})}}


def description(limits: Limits) -> dict[str, Any]:
    """Return the description."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "CarbonScaling",
            "version": __version__,
            "summary": "What it takes - devices, days, energy, carbon, money - to train a large language model.",
            "description": "Answers equal what the commands of the same names print with `--json`. "
            f"A body has at most {limits.body_bytes:,} bytes and {limits.depth} levels; an answer takes at most "
            f"{limits.job_s:g} s; a search goes to {limits.devices:,} devices and a batch to "
            f"{limits.batch:,} sequences. A scenario names catalogue entries, never "
            "files; a model may be the object of its `config.json`.",
        },
        "paths": {
            **{f"/api/v1/{o.path}": {"post": _asked(o)} for o in OPERATIONS},
            **{path: {"get": _looked(path, words)} for path, words in LOOKS.items()},
        },
        "components": {"schemas": _schemas()},
    }

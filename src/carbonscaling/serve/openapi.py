"""The OpenAPI description of the service; its schemas are those of the scenario and of the answer."""

from __future__ import annotations

from typing import Any

from carbonscaling import __version__
from carbonscaling.reporting.schema import answer_schema
from carbonscaling.serve.catalogue import report_formats
from carbonscaling.serve.limits import Limits
from carbonscaling.serve.question import FILES_ONLY
from carbonscaling.study.scenario import scenario_schema

__all__ = ["description"]

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
TEXT = {"type": ["string", "null"]}


def _moved(value: Any) -> Any:
    """Point references to the components of the description."""
    if isinstance(value, dict):
        return {
            k: v.replace("#/$defs/", "#/components/schemas/") if k == "$ref" else _moved(v)
            for k, v in value.items()
            if k not in ("$defs", "$schema")
        }
    return [_moved(v) for v in value] if isinstance(value, list) else value


def _schemas() -> dict[str, Any]:
    scenario, answer = scenario_schema(), answer_schema()
    own = _moved(scenario)
    for name in FILES_ONLY:
        own["properties"].pop(name, None)
    upload = {"type": "object", "description": "a Hugging Face config.json"}
    own["properties"]["model"] = {
        "anyOf": [{"type": "string", "description": "a catalogue name"}, upload, {"type": "null"}]
    }
    own["title"] = "Scenario"
    keys = ("where", "key", "allowed", "suggestion", "remedy")
    said = {"problem": {"type": "string"}, "value": {}, **dict.fromkeys(keys, TEXT)}
    error = {"type": "object", "properties": said, "required": ["problem"]}
    return {
        **_moved(scenario.get("$defs", {})),
        **_moved(answer["$defs"]),
        "Scenario": own,
        "Answer": _moved(answer),
        "Error": {"type": "object", "properties": {"error": error}, "required": ["error"]},
    }


def _refusals() -> dict[str, Any]:
    content = {JSON: {"schema": {"$ref": "#/components/schemas/Error"}}}
    return {status: {"description": words, "content": content} for status, words in REFUSALS.items()}


def _ask(name: str, words: str, schema: dict[str, Any] | None = None, media: str = JSON, kind: bool = True) -> Any:
    body = {"required": True, "content": {JSON: {"schema": {"$ref": "#/components/schemas/Scenario"}}}}
    found = {"description": words, "content": {media: {"schema": schema or {"type": "object"}}}}
    choice = {
        "name": "kind", "in": "query", "schema": {"enum": ["plan", "estimate"]},
        "description": "default: estimate where the scenario has a device count, else plan",
    }  # fmt: skip
    return {
        "post": {
            "operationId": name,
            "summary": words,
            "parameters": [choice] if kind else [],
            "requestBody": body,
            "responses": {"200": found, **_refusals()},
        }
    }


def _look(name: str, words: str) -> Any:
    content = {JSON: {"schema": {"type": "object"}}}
    return {
        "get": {"operationId": name, "summary": words, "responses": {"200": {"description": words, "content": content}}}
    }


def description(limits: Limits) -> dict[str, Any]:
    """Return the description."""
    answer = {"$ref": "#/components/schemas/Answer"}
    report = _ask("report", "a statement of the run", {"type": "string"}, "*/*")
    report["post"]["parameters"].insert(
        0, {"name": "format", "in": "path", "required": True, "schema": {"enum": list(report_formats())}}
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "CarbonScaling",
            "version": __version__,
            "summary": "What it takes - devices, days, energy, carbon, money - to train a large language model.",
            "description": "Answers equal those of `carbonscaling plan --json` and `carbonscaling estimate --json`. "
            f"A body has at most {limits.body_bytes:,} bytes and {limits.depth} levels; an answer takes at most "
            f"{limits.job_s:g} s; a search goes to {limits.devices:,} devices and a batch to "
            f"{limits.batch:,} sequences. A scenario names catalogue entries, never "
            "files; a model may be the object of its `config.json`.",
        },
        "paths": {
            "/api/v1/plan": _ask("plan", "the best setting and device count within the deadline", answer, kind=False),
            "/api/v1/estimate": _ask("estimate", "what a given number of devices takes", answer, kind=False),
            "/api/v1/regions": _ask("regions", "the same run in every cloud region, least carbon first"),
            "/api/v1/evidence": _ask("evidence", "measured trainings of this device and size, and their predictions"),
            "/api/v1/sources": _ask("sources", "every number behind the answer, with unit, range, source; BibTeX"),
            "/api/v1/report/{format}": report,
            "/api/v1/catalog": _look("catalog", "devices, models, regions, laws; labels of what an answer holds"),
            "/health": _look("health", "whether the service answers"),
            "/openapi.json": _look("openapi", "this description"),
        },
        "components": {"schemas": _schemas()},
    }  # fmt: skip

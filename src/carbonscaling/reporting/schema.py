"""The JSON Schema of an answer, generated from the results' own types where they have them."""

from __future__ import annotations

from typing import Any, NotRequired, get_origin, get_type_hints

from carbonscaling.carbon.boundary import BoundaryLine
from carbonscaling.carbon.footprint import FootprintParts
from carbonscaling.carbon.result import Scope2, WideningFactor
from carbonscaling.perf.memory import Memory
from carbonscaling.perf.numbers import Setting
from carbonscaling.perf.step import StepTime
from carbonscaling.study.best_run import BestRun
from carbonscaling.study.estimate import Lever
from carbonscaling.study.summary import Summary
from carbonscaling.study.versions import schema_id, stamped

__all__ = ["answer_schema"]

NUMBER: dict[str, Any] = {"type": "number"}
MAYBE_NUMBER: dict[str, Any] = {"type": ["number", "null"]}
COUNT: dict[str, Any] = {"type": "integer", "minimum": 0}
TEXT: dict[str, Any] = {"type": "string"}
TEXTS: dict[str, Any] = {"type": "array", "items": TEXT}

PAIR: dict[str, Any] = {"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2}


def _object(properties: dict[str, Any], description: str = "", **more: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    return schema | ({"description": description} if description else {}) | more


def _numbers(fields: tuple[str, ...], description: str) -> dict[str, Any]:
    return _object(dict.fromkeys((*fields, "total"), NUMBER), description)


def _typed(model: type, description: str = "", **more: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a typed result, with what is printed of it beside its fields; every integer counts something."""
    from pydantic import ConfigDict, create_model

    fields: dict[str, Any] = {name: (hint, ...) for name, hint in get_type_hints(model).items()}
    made = create_model(model.__name__, __config__=ConfigDict(protected_namespaces=()), **fields).model_json_schema()
    kinds = {
        name: COUNT if kind.get("type") == "integer" else {k: v for k, v in kind.items() if k != "title"}
        for name, kind in made["properties"].items()
    }
    found = _object(kinds | more, description)
    held = get_type_hints(model, include_extras=True)
    optional = {name for name, kind in held.items() if get_origin(kind) is NotRequired}
    return found | {"required": [name for name in found["properties"] if name not in optional]}


def _summary(*, known: bool) -> dict[str, Any]:
    """Return the schema of the flat summary; of an answer that is no every figure may be missing."""
    schema = _typed(Summary, "one flat row, units in the names" if known else "of the nearest setting, if it fitted")
    if not known:
        schema["properties"] = {
            name: {"anyOf": [kind, {"type": "null"}]} for name, kind in schema["properties"].items()
        }
    return schema


def _map(value: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": value}


def _search() -> dict[str, Any]:
    candidate = {
        **dict.fromkeys(Setting._fields, COUNT),
        "n_devices": COUNT,
        **dict.fromkeys(("step_time_s", "duration_days", "carbon_tco2e"), NUMBER),
        "cost_usd": MAYBE_NUMBER,
        "unmeasured": TEXTS,
    }
    ranges = {"carbon_interval_tco2e": PAIR, "duration_interval_days": PAIR}
    one = _object(candidate, "a setting") | {"properties": candidate | ranges}
    return _object(
        {
            "objective": TEXT,
            "n_candidates": COUNT,
            "n_layouts": COUNT,
            "n_fit": COUNT,
            "rejected": _map(COUNT),
            "near": NUMBER,
            "n_near": COUNT,
            "interrupted": {"type": "boolean"},
            "top": {"type": "array", "items": one},
            "front": {"type": "array", "items": one},
            "quantiles": {
                "type": "array",
                "items": _object({"share": NUMBER, **candidate}, "share of the feasible settings with less carbon"),
            },
        },
        "what the search looked at",
    )


def _carbon() -> dict[str, Any]:
    figures = ("energy_kwh", "operational_tco2e", "embodied_tco2e", "total_tco2e", "water_litres")
    found = _object(
        {
            **dict.fromkeys(("mode", "amortisation", "embodied_route", "carbon_basis"), TEXT),
            "parts": _object(dict.fromkeys(FootprintParts._fields, NUMBER), "SI: J, kg CO2e, litres, W"),
            "carbon_intensity_g_per_kwh": NUMBER,
            "pue": NUMBER,
            "interval_tco2e": PAIR,
            "intervals": _object(dict.fromkeys(figures, PAIR), "5th and 95th percentiles"),
            "market": _typed(Scope2, "operational carbon by the market-based method", interval_tco2e=PAIR),
            "boundary": {"type": "array", "items": _typed(BoundaryLine, "a line beside the final run")},
            "widest": {"type": "array", "items": _typed(WideningFactor)},
            "device_kg_by_route": _map(NUMBER),
            "water_litres": NUMBER,
        },
        "carbon with parts, conventions and interval",
    )
    found["properties"] |= {  # answers of 0.1.0 have none of these
        "upstream_g_per_kwh": MAYBE_NUMBER,
        "water_on_site_litres": NUMBER,
        "scope2": {"enum": ["location", "market"]},
        "location": _typed(Scope2, "operational carbon by the location-based method", interval_tco2e=PAIR),
    }
    return found


def _formula() -> dict[str, Any]:
    texts = ("name", "expression", "unit", "source", "place")
    return _object({**dict.fromkeys(texts, TEXT), "arguments": {"type": "object"}, "result": {}}, "an evaluation")


def answer_schema() -> dict[str, Any]:
    """Return the JSON Schema of what ``plan --json``, ``estimate --json`` and ``explain --json`` print."""
    best = _typed(BestRun, "the fastest published run of this device and size", mfu=NUMBER)
    feasible = _object(
        {
            "schema": {"const": schema_id("answer")},
            "feasible": {"const": True},
            "summary": _summary(known=True),
            "step_time_s": _numbers(StepTime._fields, "seconds of a steady step by cause"),
            "memory_bytes": _numbers(Memory._fields, "bytes on the fullest device; limit is what may be used"),
            "carbon": _carbon(),
            "levers": {"type": "array", "items": _typed(Lever, swing=NUMBER)},
            "search": {"anyOf": [{"$ref": "#/$defs/search"}, {"type": "null"}]},
            "best_run": {"anyOf": [best, {"type": "null"}]},
            "notes": TEXTS,
            "warnings": TEXTS,
            "sources": TEXTS,
        },
        "a setting that answers the question",
    )
    feasible["properties"]["intervals"] = _map(PAIR) | {"description": "90 % intervals of figures of the summary"}
    feasible["properties"]["formulas"] = {"type": "array", "items": _formula(), "description": "added by explain"}
    infeasible = _object(
        {
            "schema": {"const": schema_id("answer")},
            "feasible": {"const": False},
            "reason": TEXT,
            "remedies": TEXTS,
            "search": {"anyOf": [{"$ref": "#/$defs/search"}, {"type": "null"}]},
            "notes": TEXTS,
        },
        "no setting does; exit code 3",
    )
    infeasible["properties"]["summary"] = _summary(known=False)
    return stamped("answer", {"oneOf": [feasible, infeasible], "$defs": {"search": _search()}})

"""The JSON Schema of an answer; the names of its parts come from the results themselves."""

from __future__ import annotations

from typing import Any

from carbonscaling.carbon.footprint import FootprintParts
from carbonscaling.perf.memory import Memory
from carbonscaling.perf.numbers import Recompute, Schedule, Setting
from carbonscaling.perf.step import StepTime
from carbonscaling.study.versions import schema_id, stamped

__all__ = ["answer_schema"]

NUMBER: dict[str, Any] = {"type": "number"}
MAYBE_NUMBER: dict[str, Any] = {"type": ["number", "null"]}
COUNT: dict[str, Any] = {"type": "integer", "minimum": 0}
TEXT: dict[str, Any] = {"type": "string"}
TEXTS: dict[str, Any] = {"type": "array", "items": TEXT}

SUMMARY: dict[str, dict[str, Any]] = {
    **dict.fromkeys(("model", "device", "region", "objective", "precision", "carbon_mode"), TEXT),
    **dict.fromkeys(
        ("n_devices", "tp", "pp", "dp", "ep", "etp", "cp", "vpp", "zero_stage", "shard", "seq_len"),
        COUNT,
    ),
    **dict.fromkeys(("micro_batch", "n_micro", "global_batch_seqs"), NUMBER),
    **dict.fromkeys(
        ("duration_days", "steady_days", "run_overhead", "device_hours", "tokens", "n_steps", "mfu"), NUMBER
    ),
    **dict.fromkeys(("model_tflops_per_device", "tokens_per_s_per_device", "step_time_s"), NUMBER),
    **dict.fromkeys(("memory_per_device_gb", "memory_limit_gb", "energy_kwh", "water_litres"), NUMBER),
    **dict.fromkeys(("n_params", "training_flops"), NUMBER),
    **dict.fromkeys(
        (
            "carbon_operational_tco2e",
            "carbon_operational_market_tco2e",
            "carbon_embodied_tco2e",
            "carbon_boundary_tco2e",
            "carbon_total_tco2e",
        ),
        NUMBER,
    ),
    **dict.fromkeys(("carbon_low_tco2e", "carbon_high_tco2e"), NUMBER),
    **dict.fromkeys(("cost_usd", "loss"), MAYBE_NUMBER),
    "recompute": {"enum": list(Recompute.NAMES)},
    "recompute_percent": COUNT,
    "schedule": {"enum": list(Schedule.NAMES)},
}
"""Types of the flat summary; units are in the names."""
SINCE_0_2: dict[str, dict[str, Any]] = {"stack": TEXT, "practice": {"enum": ["best", "typical"]}}
"""Keys that answers of 0.1.0 do not have."""
PAIR: dict[str, Any] = {"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2}


def _object(properties: dict[str, Any], description: str = "", **more: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    return schema | ({"description": description} if description else {}) | more


def _numbers(fields: tuple[str, ...], description: str) -> dict[str, Any]:
    return _object(dict.fromkeys((*fields, "total"), NUMBER), description)


def _summary(*, known: bool) -> dict[str, Any]:
    """Return the schema of the flat summary; of an answer that is no every figure may be missing."""
    kinds = SUMMARY | SINCE_0_2
    if not known:
        kinds = {name: {"anyOf": [kind, {"type": "null"}]} for name, kind in kinds.items()}
    schema = _object(kinds, "one flat row, units in the names" if known else "of the nearest setting, if it fitted")
    return schema | {"required": list(SUMMARY)}


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
    widest = _object({"name": TEXT, "low_tco2e": NUMBER, "high_tco2e": NUMBER, "source": TEXT})
    figures = ("energy_kwh", "operational_tco2e", "embodied_tco2e", "total_tco2e", "water_litres")
    market = {"carbon_intensity_g_per_kwh": NUMBER, "basis": TEXT, "source": TEXT, "operational_tco2e": NUMBER}
    line = dict.fromkeys(("share", "energy_kwh", "operational_tco2e", "embodied_tco2e", "water_litres"), NUMBER)
    return _object(
        {
            **dict.fromkeys(("mode", "amortisation", "embodied_route", "carbon_basis"), TEXT),
            "parts": _object(dict.fromkeys(FootprintParts._fields, NUMBER), "SI: J, kg CO2e, litres, W"),
            "carbon_intensity_g_per_kwh": NUMBER,
            "pue": NUMBER,
            "interval_tco2e": PAIR,
            "intervals": _object(dict.fromkeys(figures, PAIR), "5th and 95th percentiles"),
            "market": _object({**market, "interval_tco2e": PAIR}, "operational carbon by the market-based method"),
            "boundary": {"type": "array", "items": _object({"name": TEXT, **line}, "a line beside the final run")},
            "widest": {"type": "array", "items": widest},
            "device_kg_by_route": _map(NUMBER),
            "water_litres": NUMBER,
        },
        "carbon with parts, conventions and interval",
    )


def _formula() -> dict[str, Any]:
    texts = ("name", "expression", "unit", "source", "place")
    return _object({**dict.fromkeys(texts, TEXT), "arguments": {"type": "object"}, "result": {}}, "an evaluation")


def answer_schema() -> dict[str, Any]:
    """Return the JSON Schema of what ``plan --json``, ``estimate --json`` and ``explain --json`` print."""
    lever = _object(
        {
            **dict.fromkeys(("name", "low", "high", "quantity", "source"), TEXT),
            **dict.fromkeys(("at_low", "at_high", "central", "swing"), NUMBER),
        }
    )
    best = _object(
        {
            **dict.fromkeys(("id", "source", "model"), TEXT),
            **dict.fromkeys(("n_devices", "n_alike"), COUNT),
            **dict.fromkeys(("active_params", "model_flops", "mfu"), NUMBER),
        },
        "the fastest published run of this device and size",
    )
    feasible = _object(
        {
            "schema": {"const": schema_id("answer")},
            "feasible": {"const": True},
            "summary": _summary(known=True),
            "step_time_s": _numbers(StepTime._fields, "seconds of a steady step by cause"),
            "memory_bytes": _numbers(Memory._fields, "bytes on the fullest device; limit is what may be used"),
            "carbon": _carbon(),
            "levers": {"type": "array", "items": lever},
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

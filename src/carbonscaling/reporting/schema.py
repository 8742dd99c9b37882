"""The JSON Schema of an answer, generated from types: the results' own, and of what is printed beside them."""

from __future__ import annotations

from collections.abc import Mapping
from types import GenericAlias
from typing import Annotated, Any, Literal, NotRequired, get_type_hints

from pydantic import ConfigDict, Field, TypeAdapter, with_config
from typing_extensions import TypedDict

from carbonscaling.carbon.boundary import BoundaryLine
from carbonscaling.carbon.construction import Construction
from carbonscaling.carbon.footprint import FootprintParts
from carbonscaling.carbon.result import Scope2, WideningFactor
from carbonscaling.evidence.best_run import BestRun
from carbonscaling.perf.memory import Memory
from carbonscaling.perf.numbers import Setting
from carbonscaling.perf.step import StepTime
from carbonscaling.study.choosing import Open
from carbonscaling.study.history import Needed
from carbonscaling.study.levers import Lever
from carbonscaling.study.summary import Summary
from carbonscaling.study.trained import Trained
from carbonscaling.study.usual import Usual
from carbonscaling.study.versions import schema_id, stamped

__all__ = ["answer_schema"]

Count = Annotated[int, Field(ge=0)]
Pair = Annotated[list[float], Field(min_length=2, max_length=2)]

closed = with_config(ConfigDict(extra="forbid", protected_namespaces=()))
"""A type of dictionaries with no other keys."""


def _printed(name: str, fields: Mapping[str, Any], about: str = "", **more: Any) -> Any:
    """Return the type of a record as it is printed, with what stands beside its fields; every integer counts something."""
    hints = {key: Count if hint is int else hint for key, hint in fields.items()}
    made: Any = TypedDict(name, {**hints, **more})  # type: ignore[misc]  # fields are known when it runs
    made.__doc__ = about or None
    return closed(made)


def _list(kind: Any) -> Any:
    return GenericAlias(list, (kind,))


def _numbers(record: Any, about: str, **more: Any) -> Any:
    return _printed(record.__name__, dict.fromkeys(record._fields, float), about, **more)


def _record(record: Any, about: str = "", **more: Any) -> Any:
    return _printed(record.__name__, get_type_hints(record, include_extras=True), about, **more)


CANDIDATE: Mapping[str, Any] = {
    **dict.fromkeys((*Setting._fields, "n_devices"), Count),
    **dict.fromkeys(("step_time_s", "duration_days", "carbon_tco2e"), float),
    "cost_usd": float | None,
    "unmeasured": list[str],
}
"""One setting that a search found, with what it takes."""
INTERVALS = dict.fromkeys(("carbon_interval_tco2e", "duration_interval_days"), NotRequired[Pair])
FIGURES = ("energy_kwh", "operational_tco2e", "embodied_tco2e", "total_tco2e", "water_litres")

Candidate = _printed("Candidate", CANDIDATE, "a setting", **INTERVALS)
Quantile = _printed("Quantile", CANDIDATE, "share of the feasible settings with less carbon", share=float)
FoundLayout = _printed(
    "FoundLayout", CANDIDATE, "the best setting of some degrees; how many near-optimal ones share them", n_alike=Count
)
Alternative = _printed(
    "Alternative", CANDIDATE, "a setting that something else than the objective speaks for", what=str
)
Search = _printed(
    "Search",
    {
        "objective": str, "n_candidates": int, "n_layouts": int, "n_fit": int, "rejected": dict[str, Count], "near": float,
        "n_near": int, "interrupted": bool, "top": _list(Candidate), "front": _list(Candidate), "quantiles": _list(Quantile),
        "layouts": NotRequired[_list(FoundLayout)],
    },
    "what the search looked at",
)  # fmt: skip
Carbon = _printed(
    "Carbon",
    {
        **dict.fromkeys(("mode", "amortisation", "embodied_route", "carbon_basis"), str),
        **dict.fromkeys(("carbon_intensity_g_per_kwh", "pue", "water_litres"), float),
        "parts": _numbers(FootprintParts, "SI: J, kg CO2e, litres, W"),
        "interval_tco2e": Pair,
        "intervals": _printed("Intervals", dict.fromkeys(FIGURES, Pair), "5th and 95th percentiles"),
        "market": _record(Scope2, "operational carbon by the market-based method", interval_tco2e=Pair),
        "boundary": _list(_record(BoundaryLine, "a line beside the final run")),
        "widest": _list(_record(WideningFactor)),
        "device_kg_by_route": dict[str, float],
        "upstream_g_per_kwh": NotRequired[float | None],  # answers of 0.1.0 have none of these eight
        "water_on_site_litres": NotRequired[float],
        "metals_kg_sb": NotRequired[float | None],
        "primary_energy_mj": NotRequired[float | None],
        "contracted": NotRequired[dict[str, float]],
        "construction": NotRequired[_numbers(Construction, "the building by its power, t and W") | None],
        "region_stated": NotRequired[Annotated[bool, Field(description="whether the question names a place")]],
        "scope2": NotRequired[Literal["location", "market"]],
        "location": NotRequired[
            _record(Scope2, "operational carbon by the location-based method", interval_tco2e=Pair)
        ],
    },
    "carbon with parts, conventions and interval",
)
Evaluation = _printed(
    "Evaluation",
    {
        **dict.fromkeys(("name", "expression", "unit", "source", "place"), str),
        "arguments": dict[str, Any],
        "result": Any,
    },
    "an evaluation",
)
SUMMARY = get_type_hints(Summary, include_extras=True)
Saved = _printed(
    "Saved",
    {
        "command": Literal["plan", "estimate"],
        "scenario": dict[str, Any],
        **dict.fromkeys(("version", "date", "catalogue"), str),
    },
    "what was asked, and answered with: carbonscaling again repeats it",
)
BOTH: Mapping[str, Any] = {
    "schema": Literal[schema_id("answer")], "notes": list[str], "search": Search | None, "saved": NotRequired[Saved],
}  # fmt: skip
Feasible = _printed(
    "Feasible",
    {
        **BOTH,
        "feasible": Literal[True],
        "summary": _printed("Summary", SUMMARY, "one flat row, units in the names"),
        "intervals": NotRequired[
            Annotated[dict[str, Pair], Field(description="90 % intervals of figures of the summary")]
        ],
        "needed": NotRequired[
            _record(Needed, "device-hours that people needed where device_hours can be reached: median, 90 % interval")
            | None
        ],
        "step_time_s": _numbers(StepTime, "seconds of a steady step by cause", total=float),
        "memory_bytes": _numbers(Memory, "bytes on the fullest device; limit is what may be used", total=float),
        "carbon": Carbon,
        "trained": NotRequired[_record(Trained, "what is trained, and a token's forward pass through it")],
        "levers": _list(_record(Lever, swing=float)),
        "alternatives": NotRequired[_list(Alternative)],
        "price": NotRequired[Annotated[str, Field(description="what the cost counts as a price; empty without one")]],
        "usual": NotRequired[
            _list(_record(Usual, "what measured runs choose where the question leaves the choice open"))
        ],
        "open": NotRequired[
            _record(
                Open, "how far choices left open to people move a step's time, as a root mean square of its logarithm"
            )
        ],
        "best_run": _record(BestRun, "the fastest published run of this device and size", mfu=float) | None,
        "warnings": list[str],
        "sources": list[str],
        "formulas": NotRequired[Annotated[_list(Evaluation), Field(description="added by explain")]],
    },
    "a setting that answers the question",
)
WOULD = {name: NotRequired[hint | None] for name, hint in get_type_hints(Summary).items()}
Nothing = _printed(
    "Infeasible",
    {
        **BOTH,
        "feasible": Literal[False],
        "reason": str,
        "remedies": list[str],
        "summary": NotRequired[_printed("NearestSummary", WOULD, "of the nearest setting, if it fitted")],
    },
    "no setting does; exit code 3",
)


def answer_schema() -> dict[str, Any]:
    """Return the JSON Schema of what ``plan --json``, ``estimate --json`` and ``explain --json`` print."""
    return stamped("answer", TypeAdapter(Feasible | Nothing).json_schema())

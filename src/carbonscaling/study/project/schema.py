"""The JSON Schema of a project's file: for every kind of stage its own keys, and those of the training or serving behind it."""

from __future__ import annotations

from typing import Any

from carbonscaling.serving.scenario import Serving
from carbonscaling.study.project.known import SERVED, TRAINED, options
from carbonscaling.study.project.stages import KINDS, Reinforcement, Stage
from carbonscaling.study.scenario import Scenario
from carbonscaling.study.versions import stamped

__all__ = ["project_schema"]

SORTS = tuple(dict.fromkeys(KINDS.values()))


def project_schema() -> dict[str, Any]:
    """Return the JSON Schema of a project's file."""
    from pydantic import TypeAdapter

    defs: dict[str, Any] = {}
    for cls in (Scenario, Serving, *SORTS):
        made = TypeAdapter(cls).json_schema(ref_template="#/$defs/{model}")
        inner = {name: {**part, "additionalProperties": False} for name, part in made.pop("$defs", {}).items()}
        defs |= inner | {cls.__name__: made}
    stages = {"type": "array", "minItems": 1, "items": {"oneOf": [_stage(cls) for cls in SORTS]}}
    parts = {
        "title": {"type": "string"}, "hours": {"enum": ["reachable", "needed"]}, "common": _closed(Scenario, Serving),
        "stage": stages,
    }  # fmt: skip
    whole = {"type": "object", "required": ["stage"], "additionalProperties": False, "properties": parts, "$defs": defs}
    return stamped("project", whole)


def _closed(*classes: type) -> dict[str, Any]:
    """Return the schema of a table with the keys of these classes, and no other."""
    together = [{"$ref": f"#/$defs/{cls.__name__}"} for cls in classes]
    return {"type": "object", "allOf": together, "unevaluatedProperties": False}


def _stage(cls: type[Stage]) -> dict[str, Any]:
    """Return the schema of one sort of stages."""
    known = options(cls)
    behind = {SERVED: (Serving,), TRAINED: (Scenario,)}.get(known, ())
    some = {} if behind else {key: {"$ref": f"#/$defs/Scenario/properties/{key}"} for key in sorted(known)}
    kinds: dict[str, Any] = {"kind": {"enum": [kind for kind, sort in KINDS.items() if sort is cls]}}
    rollout = {"rollout": _closed(Serving)} if issubclass(cls, Reinforcement) else {}
    return _closed(cls, *behind) | {"properties": some | kinds | rollout}

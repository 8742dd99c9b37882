"""What a page can ask for: every simple field of a scenario, what it means, what it takes."""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import Any, Literal

from carbonscaling.carbon.boundary import Boundary
from carbonscaling.fields import field_help
from carbonscaling.hints import hints_of
from carbonscaling.serve.others import Metered
from carbonscaling.serve.question import FILES_ONLY
from carbonscaling.software.options import Software
from carbonscaling.study.project.changes import Changes
from carbonscaling.study.scenario import Layout, Scenario
from carbonscaling.study.sweep.kinds import KINDS as QUESTIONS

__all__ = ["form_fields", "question_fields"]

TABLES: dict[str, type] = {"": Scenario, "layout.": Layout, "boundary.": Boundary, "software.": Software}
KINDS = {int: "whole", float: "number", bool: "bool", str: "text"}
SEVERAL = {int: "wholes", float: "numbers", str: "texts"}


def _arms(hint: Any) -> tuple[Any, ...]:
    several = typing.get_origin(hint) in (typing.Union, types.UnionType)
    return tuple(arm for arm in typing.get_args(hint) if arm is not type(None)) if several else (hint,)


def _taken(hint: Any) -> dict[str, Any] | None:
    arm = _arms(hint)[0]
    if typing.get_origin(arm) is Literal:
        return {"kind": "choice", "choices": list(typing.get_args(arm))}
    item = typing.get_args(arm)[0] if typing.get_origin(arm) is tuple else None
    if item in SEVERAL:
        return {"kind": SEVERAL[item]}
    return {"kind": KINDS[arm]} if arm in KINDS else None


def form_fields() -> dict[str, dict[str, Any]]:
    """Return the fields by the name that a request gives them, a table's behind its own name and a point.

    Each has ``meaning``, ``kind`` (number, whole, bool, text, choice; numbers, wholes, texts of several), ``default``, and
    ``choices`` where it is one of some words. Fields that hold tables or name files are left out.
    """
    return {prefix + name: said for prefix, cls in TABLES.items() for name, said in _fields_of(cls).items()}


def question_fields() -> dict[str, dict[str, dict[str, Any]]]:
    """Return the fields of every question beside plan and estimate, in the same words, by the question's name."""
    asked = {name: Changes if name == "project" else kind.asked for name, kind in QUESTIONS.items()}
    return {name: _fields_of(cls) for name, cls in {**asked, "attribute": Metered}.items()}


def _fields_of(cls: type) -> dict[str, dict[str, Any]]:
    found, hints, texts = {}, hints_of(cls), field_help(cls)
    for field in dataclasses.fields(cls):
        taken = None if field.name in FILES_ONLY else _taken(hints[field.name])
        if taken is not None:
            words = texts.get(field.name, "").replace("``", "").replace("`", "")
            default = None if field.default is dataclasses.MISSING else field.default
            found[field.name] = {"meaning": words, "default": default, **taken}
    return found

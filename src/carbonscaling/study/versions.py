"""Versions of what is written and read as JSON or TOML: scenarios, studies, answers.

A version grows when a file written before could be misread: a key leaves, or changes its meaning or unit. A new key leaves
it as it is. An answer names its schema, so that a reader (and ``carbonscaling report``) knows what it holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from carbonscaling.errors import InputError

__all__ = ["SCHEMA_VERSIONS", "check_answer", "schema_id", "stamped"]

Kind = Literal["scenario", "study", "answer", "project"]

SCHEMA_VERSIONS: dict[str, int] = {"scenario": 1, "study": 1, "answer": 1, "project": 1}
"""Current version of each schema."""


def schema_id(kind: Kind, version: int | None = None) -> str:
    """Return the identifier of a schema, its ``$id``; the current version unless another is given.

    >>> schema_id("answer", 1)
    'urn:carbonscaling:schema:answer:1'
    """
    return f"urn:carbonscaling:schema:{kind}:{version or SCHEMA_VERSIONS[kind]}"


def stamped(kind: Kind, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a JSON Schema with its dialect, identifier and title in front."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": schema_id(kind),
        **schema,
        "title": f"CarbonScaling {kind}",
    }


def check_answer(data: Mapping[str, Any], where: str) -> None:
    """Refuse a saved answer of a schema that this version cannot read.

    An answer without an identifier was saved before there were any; it has the keys of version 1.

    Raises
    ------
    InputError
        Another kind of file, or a later version.
    """
    found = data.get("schema", schema_id("answer", 1))
    known = [schema_id("answer", version) for version in range(1, SCHEMA_VERSIONS["answer"] + 1)]
    if found not in known:
        raise InputError(
            "this answer has a schema that this version does not read",
            where=where,
            key="schema",
            value=found,
            allowed=", ".join(known),
            remedy="update carbonscaling, or save the answer again with this version",
        )

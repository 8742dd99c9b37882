"""A record as one CSV row, or as JSON with its parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from carbonscaling.files import csv_text
from carbonscaling.reporting.jsonable import to_json
from carbonscaling.reporting.statements.record import Record

__all__ = ["as_csv", "as_json"]


def _flat(r: Record) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for field in fields(r):
        value = getattr(r, field.name)
        if field.name == "plan":
            continue
        if field.name == "lines":
            row |= {
                f"{line.name.replace(' ', '_')}.{k}": v for line in value for k, v in vars(line).items() if k != "name"
            }
        elif isinstance(value, Mapping):
            for key, inner in value.items():
                if isinstance(inner, tuple):
                    row |= {f"{key}_low": inner[0], f"{key}_high": inner[1]}
                else:
                    row[f"{field.name}.{key}"] = inner
        else:
            row[field.name] = " ".join(value) if isinstance(value, tuple) else value
    return row


def as_csv(r: Record) -> str:
    """Return a header and a row; where a plan is known, a row for it too."""
    rows = [_flat(x) for x in (r.plan, r) if x is not None]
    return csv_text(list(dict.fromkeys(key for row in rows for key in row)), rows)


def as_json(r: Record) -> str:
    """Return the record with its parts, and the plan's beside it where known."""
    return to_json(r)

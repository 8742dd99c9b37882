"""Data against a JSON schema, which is itself checked once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from jsonschema import validators  # type: ignore[import-untyped]


@cache
def _validator(schema: str) -> Any:
    data = json.loads(schema)
    kind = validators.validator_for(data)
    kind.check_schema(data)
    return kind(data)


def validate(data: Any, schema: Mapping[str, Any]) -> None:
    """As ``jsonschema.validate``; raises its ``ValidationError`` or ``SchemaError``."""
    _validator(json.dumps(schema)).validate(data)

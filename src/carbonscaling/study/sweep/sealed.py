"""Small JSON files that notice when they are not what was written: they carry a checksum of themselves."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

__all__ = ["CHECKSUM", "seal_holds", "sealed"]

CHECKSUM = "checksum"


def _checksum(data: Mapping[str, Any]) -> str:
    own = {key: value for key, value in data.items() if key != CHECKSUM}
    return hashlib.sha256(json.dumps(own, sort_keys=True).encode()).hexdigest()[:16]


def sealed(data: Mapping[str, Any], indent: int | None = None) -> bytes:
    """Return an object as a JSON file that carries its checksum."""
    return (json.dumps({**data, CHECKSUM: _checksum(data)}, indent=indent) + "\n").encode()


def seal_holds(data: Mapping[str, Any]) -> bool:
    """Return whether an object that was read is the one that was written."""
    return data.get(CHECKSUM) == _checksum(data)

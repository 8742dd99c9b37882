"""Which shipped numbers an answer was made with: a stamp that changes when any of them does."""

from __future__ import annotations

import hashlib
from functools import lru_cache

from carbonscaling.files import PACKAGE

__all__ = ["catalogue_stamp"]

LENGTH = 12
"""Hexadecimal digits shown: two catalogues agree by chance once in 3e14."""


@lru_cache(maxsize=1)
def catalogue_stamp() -> str:
    """Return the start of the SHA-256 of every table of the catalogue (TOML, CSV), names included, in order of names."""
    folder, found = PACKAGE / "catalog", hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.suffix in (".toml", ".csv")):
        for part in (path.relative_to(folder).as_posix().encode(), path.read_bytes().replace(b"\r\n", b"\n")):
            found.update(len(part).to_bytes(8, "big") + part)
    return found.hexdigest()[:LENGTH]

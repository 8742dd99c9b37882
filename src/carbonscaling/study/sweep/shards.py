"""Shards by name: a folder's listing says what is done.

``shards/00000012-<stamp>-<checksum>-<cases in error>.parquet``: the stamp is that of study, catalogue and code, the
checksum that of the content. A shard counts where both are right. Content that was read once is not read again while
size and time of the file stay (``checked.json``, which may be deleted at any time).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from carbonscaling.study.sweep.store import Store

__all__ = ["CHECKED", "FOLDER", "Shard", "checksum", "known_shards", "read_name", "remember", "verified"]

FOLDER = "shards"
CHECKED = "checked.json"


@dataclass(frozen=True)
class Shard:
    """A shard's file name, read."""

    name: str
    number: int
    stamp: str
    checksum: str
    n_errors: int


def read_name(name: str) -> Shard | None:
    """Return what a file name says; None where it is no shard's."""
    parts = name.removesuffix(".parquet").split("-")
    if not name.endswith(".parquet") or len(parts) != 4 or not (parts[0].isdigit() and parts[3].isdigit()):
        return None
    return Shard(f"{FOLDER}/{name}", int(parts[0]), parts[1], parts[2], int(parts[3]))


def checksum(content: bytes) -> str:
    """Return the checksum in a shard's name."""
    return hashlib.sha256(content).hexdigest()[:16]


def known_shards(store: Store) -> list[Shard]:
    """Return the shards in a folder, of whatever study and version."""
    return [shard for name in store.names(FOLDER) if (shard := read_name(name))]


def _checked(store: Store) -> Mapping[str, str]:
    try:
        found = json.loads(store.read(CHECKED))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def remember(store: Store, shards: Iterable[Shard]) -> None:
    """Note that the content of these shards is right; where that cannot be written, it is read again next time."""
    states = store.listing(FOLDER)
    names = [shard.name for shard in shards]
    known = {name: state for name in names if (state := states.get(name.removeprefix(f"{FOLDER}/")))}
    if known != _checked(store):
        with contextlib.suppress(OSError):
            store.write(CHECKED, json.dumps(known).encode())


def verified(store: Store, shards: Iterable[Shard]) -> tuple[list[Shard], list[Shard]]:
    """Return the shards whose content is what was written, and those whose content is not."""
    every, states, before = list(shards), store.listing(FOLDER), _checked(store)

    def right(shard: Shard) -> bool:
        state = states.get(shard.name.removeprefix(f"{FOLDER}/"))
        if state is not None and before.get(shard.name) == state:
            return True
        try:
            return checksum(store.read(shard.name)) == shard.checksum
        except OSError:
            return False

    if store.fs is None:
        found = [right(shard) for shard in every]
    else:
        with ThreadPoolExecutor(16) as pool:
            found = list(pool.map(right, every))
    good = [shard for shard, ok in zip(every, found, strict=True) if ok]
    if good:
        remember(store, good)
    return good, [shard for shard, ok in zip(every, found, strict=True) if not ok]

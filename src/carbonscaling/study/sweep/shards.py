"""Shards by name: a folder's listing says what is done.

``shards/00000012-<stamp>-<checksum>-<cases in error>.parquet``: the stamp is that of study, catalogue and code, the
checksum that of the content. A shard counts where both are right. Content that was read once is not read again while
size, times and inode of the file stay (``checked.json``, which may be deleted at any time).
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from carbonscaling.errors import InputError
from carbonscaling.record import dataclass
from carbonscaling.study.sweep.contents import Contents, contents_of
from carbonscaling.study.sweep.sealed import seal_holds, sealed
from carbonscaling.study.sweep.store import Store

__all__ = [
    "CHECKED",
    "FOLDER",
    "Note",
    "Shard",
    "Verdict",
    "checksum",
    "known_shards",
    "read_name",
    "remember",
    "verified",
]

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


@dataclass(frozen=True)
class Note:
    """A shard whose content was read and is right: the state of its file then, and what it holds."""

    state: str | None
    contents: Contents


@dataclass(frozen=True)
class Verdict:
    """What reading shards has shown.

    Attributes
    ----------
    good : dict of int to Shard
        One shard a number, of those whose content is what was written: the one with the fewest cases in error.
    bad : list of Shard
        Those whose content is not.
    contents : dict of int to Contents
        What the good ones hold.
    """

    good: dict[int, Shard]
    bad: list[Shard]
    contents: dict[int, Contents]


def _notes(store: Store) -> dict[str, Note]:
    try:
        data = json.loads(store.read(CHECKED))
        if not seal_holds(data):
            return {}
        return {name: Note(state, Contents(*held)) for name, (state, *held) in data["shards"].items()}
    except (OSError, InputError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}  # nothing is taken on trust then


def _keep(store: Store, notes: Mapping[str, Note]) -> None:
    held = {
        name: (n.state, *dataclasses.astuple(n.contents)) for name, n in sorted(notes.items()) if n.state is not None
    }
    # Where it cannot be written (a store may only be readable), shards are read again next time.
    with contextlib.suppress(OSError, NotImplementedError):
        store.write(CHECKED, sealed({"shards": held}))


def remember(store: Store, notes: Mapping[str, Note]) -> None:
    """Note that the content of these shards, by name, is right."""
    if notes:
        _keep(store, {**_notes(store), **notes})


def _read(store: Store, shard: Shard, span: tuple[int, int], state: str | None) -> Note | None:
    """Return a note of a shard; None where its content is not what was written, or is not that of its number."""
    try:
        content = store.read(shard.name)
    except (OSError, InputError):
        return None
    contents = contents_of(content) if checksum(content) == shard.checksum else None
    return Note(state, contents) if contents and (contents.first, contents.stop) == span else None


def verified(store: Store, shards: Iterable[Shard], span: Callable[[int], tuple[int, int]]) -> Verdict:
    """Read the shards that are not known to be right already, and say which are.

    Parameters
    ----------
    span : callable
        First case of a shard, by its number, and the one after its last.
    """
    every, states, before = list(shards), store.listing(FOLDER), _notes(store)

    def note(shard: Shard) -> Note | None:
        state, known = states.get(shard.name.removeprefix(f"{FOLDER}/")), before.get(shard.name)
        if known is not None and state is not None and known.state == state:
            return known
        return _read(store, shard, span(shard.number), state)

    if store.fs is None:
        found = [note(shard) for shard in every]
    else:
        pool = ThreadPoolExecutor(16)
        try:
            found = list(pool.map(note, every))
        finally:
            pool.shutdown(cancel_futures=True)
    notes = {shard: n for shard, n in zip(every, found, strict=True) if n is not None}
    now = {name: n for name, n in before.items() if name.removeprefix(f"{FOLDER}/") in states}
    now |= {shard.name: n for shard, n in notes.items()}
    if now != before:
        _keep(store, now)
    good = {s.number: s for s in sorted(notes, key=lambda s: (-s.n_errors, s.name))}
    return Verdict(
        dict(sorted(good.items())),
        [shard for shard in every if shard not in notes],
        {number: notes[shard].contents for number, shard in good.items()},
    )

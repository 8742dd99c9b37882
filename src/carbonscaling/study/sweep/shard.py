"""Shards: the rows of a run of cases, in one Parquet file whose name says what it holds.

``shards/00000012-<stamp>-<checksum>-<cases in error>.parquet``: the stamp is that of study, catalogue and code, the
checksum that of the content. A shard counts where both are right, so a listing and one pass over the bytes say what is done.
"""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from carbonscaling.errors import InputError
from carbonscaling.study.sweep.answers import Answers
from carbonscaling.study.sweep.manifest import case_sources, read_manifest, study_of
from carbonscaling.study.sweep.store import Store

__all__ = [
    "FOLDER",
    "Shard",
    "ShardNotes",
    "known_shards",
    "parquet",
    "probe",
    "run_shard",
    "shard_sources",
    "verified",
]

FOLDER = "shards"


@dataclass(frozen=True)
class Shard:
    """A shard's file name, read."""

    name: str
    number: int
    stamp: str
    checksum: str
    n_errors: int


@dataclass(frozen=True)
class ShardNotes:
    """What a worker tells of a shard it has written."""

    shard: Shard
    n_cases: int
    n_bytes: int
    statuses: Mapping[str, int]
    best_tco2e: float | None
    best_case: int | None
    seconds: float
    peak_bytes: int


def _read_name(name: str) -> Shard | None:
    parts = name.removesuffix(".parquet").split("-")
    if not name.endswith(".parquet") or len(parts) != 4 or not (parts[0].isdigit() and parts[3].isdigit()):
        return None
    return Shard(f"{FOLDER}/{name}", int(parts[0]), parts[1], parts[2], int(parts[3]))


def checksum(content: bytes) -> str:
    """Return the checksum in a shard's name."""
    return hashlib.sha256(content).hexdigest()[:16]


def known_shards(store: Store) -> list[Shard]:
    """Return the shards in a folder, of whatever study and version."""
    return [shard for name in store.names(FOLDER) if (shard := _read_name(name))]


def verified(store: Store, shards: Iterable[Shard]) -> tuple[list[Shard], list[Shard]]:
    """Return the shards whose content is what was written, and those whose content is not."""

    def right(shard: Shard) -> bool:
        try:
            return checksum(store.read(shard.name)) == shard.checksum
        except OSError:
            return False

    every = list(shards)
    if store.fs is None:
        good = [right(shard) for shard in every]
    else:
        with ThreadPoolExecutor(16) as pool:
            good = list(pool.map(right, every))
    return (
        [shard for shard, ok in zip(every, good, strict=True) if ok],
        [shard for shard, ok in zip(every, good, strict=True) if not ok],
    )


def parquet(table: Any, stamp: str) -> bytes:
    """Return a table as a Parquet file that carries the stamp."""
    out = io.BytesIO()
    table.write_parquet(out, compression="zstd", statistics=True, metadata={"carbonscaling.stamp": stamp})
    return out.getvalue()


@lru_cache(maxsize=2)
def _answers(url: str, stamp: str) -> Answers:
    """Return what answers the study that the folder's manifest describes; a worker reads it once."""
    data = read_manifest(Store(url))
    if data["stamp"] != stamp:
        raise InputError(
            "another study has taken this folder", where=url, remedy="give every study its own folder (-o)"
        )
    return Answers(study_of(data))


def probe(url: str, stamp: str, first: int, stop: int) -> None:
    """Answer some cases and keep nothing, to see whether a worker survives them."""
    _answers(url, stamp).table(range(first, stop))


def shard_sources(url: str, stamp: str) -> list[str]:
    """Return the reference keys behind a study's answers."""
    return case_sources(_answers(url, stamp).study)


def peak_bytes() -> int:
    """Return the most memory this process has held."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def run_shard(url: str, stamp: str, shard: int, poisoned: Mapping[int, str]) -> ShardNotes:
    """Answer a shard's cases and write them.

    Parameters
    ----------
    url : str
        Where the study's manifest and results lie.
    stamp : str
        Of study, catalogue and code.
    poisoned : Mapping[int, str]
        Cases not to be tried, with the error to record for them.
    """
    begin, answers = time.perf_counter(), _answers(url, stamp)
    table = answers.table(range(*answers.study.span(shard)), poisoned)
    best = table.filter((table["kind"] == "best") & (table["rank"] == 0))
    statuses = {str(status): int(n) for status, n in best["status"].value_counts().rows()}
    content = parquet(table, stamp)
    name = f"{shard:08d}-{stamp}-{checksum(content)}-{statuses.get('error', 0)}.parquet"
    Store(url).write(f"{FOLDER}/{name}", content)
    found = _read_name(name)
    assert found is not None
    place = best["carbon_total_tco2e"].arg_min()
    least_tco2e, least_case = (None, None) if place is None else best.select("carbon_total_tco2e", "case").row(place)
    seconds = time.perf_counter() - begin
    return ShardNotes(found, len(best), len(content), statuses, least_tco2e, least_case, seconds, peak_bytes())

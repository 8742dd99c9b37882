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
from carbonscaling.study.sweep.case import COLUMNS, case_rows, column
from carbonscaling.study.sweep.extra import need
from carbonscaling.study.sweep.manifest import case_sources, read_manifest, study_of
from carbonscaling.study.sweep.store import Store
from carbonscaling.study.sweep.studyfile import Study

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


def parquet(study: Study, rows: list[dict[str, Any]], stamp: str) -> bytes:
    """Return rows as a Parquet file that carries the stamp."""
    pl = need("polars", "sweep")
    types = {int: pl.Int64, float: pl.Float64, str: pl.String, bool: pl.Boolean}
    schema: dict[str, Any] = {"case": types[int]}
    for block in study.blocks:
        for key, values in block.columns.items():
            kinds = {type(v) for v in values}
            kind = float if kinds == {int, float} else kinds.pop() if len(kinds) == 1 else str
            schema[column(key)] = types[kind]
    schema |= {name: types[kind] for name, kind in COLUMNS.items() if name not in schema}
    frame = pl.DataFrame({name: _column([row.get(name) for row in rows], kind, pl) for name, kind in schema.items()})
    out = io.BytesIO()
    frame.write_parquet(out, compression="zstd", statistics=True, metadata={"carbonscaling.stamp": stamp})
    return out.getvalue()


def _column(values: list[Any], kind: Any, pl: Any) -> Any:
    if kind == pl.String:
        values = [None if v is None else str(v) for v in values]
    return pl.Series(values, dtype=kind, strict=False)


def _evaluate(study: Study, shard: int, poisoned: Mapping[int, str]) -> list[dict[str, Any]]:
    rows = []
    for case in range(*study.span(shard)):
        if case in poisoned:
            varied = {column(key): value for key, value in study.varied(case).items()}
            reason = poisoned[case]
            rows.append({"case": case, **varied, "status": "error", "kind": "best", "rank": 0, "reason": reason})
        else:
            rows += case_rows(study, case)
    return rows


@lru_cache(maxsize=2)
def _study(url: str, stamp: str) -> Study:
    """Return the study that the folder's manifest describes; a worker reads it once."""
    data = read_manifest(Store(url))
    if data["stamp"] != stamp:
        raise InputError(
            "another study has taken this folder", where=url, remedy="give every study its own folder (-o)"
        )
    return study_of(data)


def probe(url: str, stamp: str, first: int, stop: int) -> None:
    """Answer some cases and keep nothing, to see whether a worker survives them."""
    study = _study(url, stamp)
    for case in range(first, stop):
        case_rows(study, case)


def shard_sources(url: str, stamp: str) -> list[str]:
    """Return the reference keys behind a study's answers."""
    return case_sources(_study(url, stamp))


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
    begin, study = time.perf_counter(), _study(url, stamp)
    rows = _evaluate(study, shard, poisoned)
    best = [row for row in rows if row["kind"] == "best" and row["rank"] == 0]
    statuses: dict[str, int] = {}
    for row in best:
        statuses[row["status"]] = statuses.get(row["status"], 0) + 1
    content = parquet(study, rows, stamp)
    n_errors = statuses.get("error", 0)
    name = f"{shard:08d}-{stamp}-{checksum(content)}-{n_errors}.parquet"
    Store(url).write(f"{FOLDER}/{name}", content)
    found = _read_name(name)
    assert found is not None
    least_tco2e, least_case = min(
        ((row["carbon_total_tco2e"], row["case"]) for row in best if row["status"] == "ok"), default=(None, None)
    )
    return ShardNotes(
        found, len(best), len(content), statuses, least_tco2e, least_case,
        time.perf_counter() - begin, peak_bytes(),
    )  # fmt: skip

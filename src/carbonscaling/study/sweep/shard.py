"""Work on a shard: answer a run of cases and write their rows as one Parquet file."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from carbonscaling.errors import InputError
from carbonscaling.platform import peak_memory_bytes
from carbonscaling.record import dataclass
from carbonscaling.study.sweep.answers import Answers
from carbonscaling.study.sweep.contents import Contents, contents_of, counted, noted
from carbonscaling.study.sweep.kinds import KINDS
from carbonscaling.study.sweep.manifest import case_sources, read_manifest, study_of
from carbonscaling.study.sweep.shards import Shard, checksum, read_name
from carbonscaling.study.sweep.singly import Singly
from carbonscaling.study.sweep.store import Store
from carbonscaling.study.sweep.studyfile import Study

__all__ = ["ShardNotes", "answers_of", "parquet", "probe", "run_shard", "shard_sources"]


@dataclass(frozen=True)
class ShardNotes:
    """What a worker tells of a shard it has written."""

    shard: Shard
    state: str | None
    contents: Contents
    n_bytes: int
    seconds: float
    processor_s: float
    peak_bytes: int


def parquet(table: Any, stamp: str) -> bytes:
    """Return a table as a Parquet file that carries the stamp, and what the table holds."""
    out, contents = io.BytesIO(), counted(table)
    metadata = {"carbonscaling.stamp": stamp, **(noted(contents) if contents else {})}
    table.write_parquet(out, compression="zstd", statistics=True, metadata=metadata)
    return out.getvalue()


def answers_of(study: Study) -> Answers | Singly:
    """Return what answers a study's cases: trainings together, any other question one by one."""
    return Singly(study) if study.answer in KINDS else Answers(study)


@lru_cache(maxsize=2)
def _answers(url: str, stamp: str) -> Answers | Singly:
    """Return what answers the study that the folder's manifest describes; a worker reads it once."""
    data = read_manifest(Store(url))
    if data["stamp"] != stamp:
        raise InputError(
            "another study has taken this folder", where=url, remedy="give every study its own folder (-o)"
        )
    return answers_of(study_of(data))


def probe(url: str, stamp: str, first: int, stop: int) -> None:
    """Answer some cases and keep nothing, to see whether a worker survives them."""
    _answers(url, stamp).table(range(first, stop))


def shard_sources(url: str, stamp: str) -> list[str]:
    """Return the reference keys behind a study's answers."""
    return case_sources(_answers(url, stamp).study)


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
    begin, begin_cpu, answers = time.perf_counter(), time.process_time(), _answers(url, stamp)
    table = answers.table(range(*answers.study.span(shard)), poisoned)
    content = parquet(table, stamp)
    contents = contents_of(content)
    assert contents is not None
    name = f"{shard:08d}-{stamp}-{checksum(content)}-{contents.statuses.get('error', 0)}.parquet"
    store, found = Store(url), read_name(name)
    assert found is not None
    store.write(found.name, content)
    return ShardNotes(
        shard=found,
        state=store.state(found.name),
        contents=contents,
        n_bytes=len(content),
        seconds=time.perf_counter() - begin,
        processor_s=time.process_time() - begin_cpu,
        peak_bytes=peak_memory_bytes(),
    )

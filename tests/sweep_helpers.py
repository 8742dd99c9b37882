"""Small studies, and functions that worker processes import by name."""

from __future__ import annotations

import contextlib
import os
import signal
import textwrap
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from carbonscaling.study.sweep import shard
from carbonscaling.study.sweep.answers import Answers
from carbonscaling.study.sweep.shard import ShardNotes
from carbonscaling.study.sweep.state import state_of
from carbonscaling.study.sweep.store import Store
from carbonscaling.study.sweep.studyfile import Study, load_study

SMALL = """
    name = "small"
    shard_cases = 10
    [scenario]
    model = "gpt-3-1.3b"
    tokens = 1e10
    objective = "time"
    batch = 64
    [[axis]]
    key = "devices"
    values = [8, 16]
    [[axis]]
    key = "region"
    catalog = "us-east*, france, germany"
    [samples]
    n = 5
    [samples.factors]
    pue = {low = 1.05, high = 1.4}
"""
DEADLY = 23
FRAIL = 2


def written(folder: Path, text: str = SMALL) -> Path:
    """Write a study file."""
    path = folder / "study.toml"
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return path


def study(folder: Path, text: str = SMALL) -> Study:
    return load_study(written(folder, text))


def case_rows(question: Study, case: int) -> list[dict[str, Any]]:
    """Return the rows of one case."""
    rows: list[dict[str, Any]] = Answers(question).table([case]).to_dicts()
    return rows


def table(question: Study, store: Store) -> pl.DataFrame:
    """Return all rows of the study's own shards."""
    names = [s.name for _, s in sorted(state_of(question, store).done.items())]
    return pl.concat([pl.read_parquet(store.read(name)) for name in names])


def deadly_shard(url: str, stamp: str, number: int, poisoned: Mapping[int, str]) -> ShardNotes:
    """Write a shard in a worker that case `DEADLY` kills."""
    _arm()
    return shard.run_shard(url, stamp, number, poisoned)


def deadly_probe(url: str, stamp: str, first: int, stop: int) -> None:
    _arm()
    shard.probe(url, stamp, first, stop)


def frail_shard(url: str, stamp: str, number: int, poisoned: Mapping[int, str]) -> ShardNotes:
    """Write a shard; the first to begin shard `FRAIL` is killed at it."""
    if number == FRAIL:
        with contextlib.suppress(FileExistsError):
            Path(url, "killed").touch(exist_ok=False)
            os.kill(os.getpid(), signal.SIGKILL)
    return shard.run_shard(url, stamp, number, poisoned)


def slow_shard(url: str, stamp: str, number: int, poisoned: Mapping[int, str]) -> ShardNotes:
    """Write a shard, slowly enough for a signal to come between two."""
    time.sleep(0.5)
    return shard.run_shard(url, stamp, number, poisoned)


def _arm() -> None:
    plain = Answers.table

    def deadly(answers: Answers, cases: Iterable[int], poisoned: Mapping[int, str] | None = None) -> pl.DataFrame:
        every = list(cases)
        if DEADLY in every and DEADLY not in (poisoned or {}):
            os.kill(os.getpid(), signal.SIGKILL)
        table: pl.DataFrame = plain(answers, every, poisoned)
        return table

    if plain.__name__ != "deadly":
        setattr(Answers, "table", deadly)  # noqa: B010 - mypy keeps methods from being assigned


def files_of(folder: Path) -> list[Path]:
    """Return all files below a folder, in order."""
    return sorted(path for path in folder.rglob("*") if path.is_file())

"""``carbonscaling sweep``."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from carbonscaling.cli import output as out
from carbonscaling.cli.common import OUTPUT, Json
from carbonscaling.cli.ending import Ended, ended_by_signals
from carbonscaling.cli.options import whole_number
from carbonscaling.errors import ExitCode, InputError
from carbonscaling.study.sweep.state import State, Tally, state_of
from carbonscaling.study.sweep.store import Store
from carbonscaling.study.sweep.studyfile import Study, load_study

__all__ = ["Folder", "folder_of", "sweep"]

Folder = Annotated[
    str | None,
    Parameter(
        name=("--folder", "-o"),
        help="Folder of the results, or an fsspec URL such as s3://bucket/study (default: the study file's name, .sweep).",
        group=OUTPUT,
    ),
]


def folder_of(study: str, folder: str | None) -> str:
    """Return where the results of a study file lie."""
    return folder or str(Path(study).with_suffix(".sweep"))


def sweep(
    study: Annotated[str, Parameter(help="Study file (TOML); see: carbonscaling schema study.")],
    /,
    *,
    folder: Folder = None,
    executor: Annotated[
        Literal["processes", "inprocess", "ray"], Parameter(help="Where the work is done.", group=OUTPUT)
    ] = "processes",
    workers: Annotated[
        int | None,
        Parameter(help="Workers (default: one a processor).", group=OUTPUT, converter=whole_number, n_tokens=1),
    ] = None,
    address: Annotated[
        str | None, Parameter(help="Address of a Ray cluster (default: a local one).", group=OUTPUT)
    ] = None,
    dry_run: Annotated[bool, Parameter(negative=(), help="Say what it would take, and stop.", group=OUTPUT)] = False,
    retry_errors: Annotated[
        bool, Parameter(negative=(), help="Run shards again in which a case ended in an error.", group=OUTPUT)
    ] = False,
    json: Json = False,
) -> int:
    """Run a study; what is done already is not done again.

    Results are Parquet files in the folder; carbonscaling query and carbonscaling plot read them, and so does anything else.
    """
    if workers is not None and workers < 1:
        raise InputError(
            "not a number of workers", key="workers", value=workers, allowed="1 or more", remedy="correct it"
        )
    if executor == "inprocess" and workers not in (None, 1):
        raise InputError(
            "in-process work has one worker", key="workers", value=workers, remedy="use --executor processes"
        )
    if dry_run:
        return _forecast(load_study(Path(study)), workers, json)
    where = folder_of(study, folder)
    try:
        with ended_by_signals():
            question, store = load_study(Path(study)), Store(where)
            return _hand_over(_swept(question, store, executor, workers, address, retry_errors), store, study, json)
    except Ended as signal:
        raise IncompleteError(
            f"the sweep was ended by {signal}", where=where, remedy="run the same command again: what is done is kept"
        ) from signal


def _swept(
    study: Study, store: Store, executor: str, workers: int | None, address: str | None, retry_errors: bool
) -> Tally:
    if store.url.startswith("memory:") and executor != "inprocess":
        raise InputError("memory is not shared between processes", key="folder", remedy="add --executor inprocess")
    try:
        state = state_of(study, store, retry_errors=retry_errors)
    except OSError as error:
        raise InputError(
            f"the results cannot be read: {(error.strerror or str(error)).lower()}", where=store.url,
            remedy="check the rights of the folder, or name another with -o",
        ) from error  # fmt: skip
    _say_state(study, store, state)
    if len(state.done) == study.n_shards:
        sys.stderr.write(f"nothing to do: {study.n_cases:,} cases in {study.n_shards:,} shards are there\n")
        executor = "inprocess"  # the manifest may still have to be written, which needs no workers
    return _run(study, store, state, executor, workers, address)


def _say_state(study: Study, store: Store, state: State) -> None:
    if state.corrupted:
        sys.stderr.write(f"{len(state.corrupted):,} shards are not what was written: done again\n")
    if state.others:
        sys.stderr.write(
            f"{state.others:,} shards of another study, catalogue or code version in {store.url} are left aside\n"
        )
    if 0 < len(state.done) < study.n_shards:
        sys.stderr.write(f"resumed: {len(state.done):,} of {study.n_shards:,} shards are there\n")


def _run(study: Study, store: Store, state: State, name: str, workers: int | None, address: str | None) -> Tally:
    from carbonscaling.cli.progress import SweepProgress
    from carbonscaling.study.sweep.drive import drive
    from carbonscaling.study.sweep.executors import executor

    progress = SweepProgress()
    at_work = executor(name, workers, address)
    try:
        return drive(study, store, at_work, state=state, progress=progress)
    except OSError as error:
        raise IncompleteError(
            f"the results cannot be written: {(error.strerror or str(error)).lower()}", where=store.url,
            remedy="make room, then run the same command again: what is done is kept",
        ) from error  # fmt: skip
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"what is done is kept in {store.url}: run the same command again to go on") from None
    finally:
        progress.end()
        at_work.close()


class IncompleteError(InputError):
    """A sweep ended early and can be resumed."""

    exit_code = ExitCode.INCOMPLETE


def _forecast(study: Study, workers: int | None, json: bool) -> int:
    from carbonscaling.cli.progress import span_words
    from carbonscaling.study.sweep.dryrun import forecast
    from carbonscaling.study.sweep.executors import executor

    at_work = executor("processes", workers)
    try:
        f = forecast(study, at_work)
    finally:
        at_work.close()
    if json:
        out.show_json(dataclasses.asdict(f))
        return 0
    low, high = (span_words(3600 * hours) for hours in (f.low_hours, f.high_hours))
    sys.stdout.write(
        f"{f.n_cases:,} cases in {f.n_shards:,} shards, {f.n_runs:,} runs over {f.candidates:.3g} settings\n"
        f"a run {1e3 * f.run_s:.3g} ms, a case that has it {1e3 * f.case_s:.3g} ms ({f.n_tried:,} cases tried)\n"
        f"time: {span_words(3600 * f.hours)} with {f.n_workers} workers (between {low} and {high})\n"
        f"disk: {f.disk_bytes / 1e6:.3g} MB\n"
    )
    return 0


def _hand_over(t: Tally, store: Store, study: str, json: bool) -> int:
    data: dict[str, Any] = {
        "folder": store.url,
        "complete": t.complete,
        "n_cases": t.n_cases,
        "n_shards": t.n_shards,
        "done_cases": t.done_cases,
        "done_before": t.before_cases,
        "statuses": {k: v for k, v in t.statuses.items() if v},
        "least_tco2e": t.best_tco2e,
        "least_case": t.best_case,
        "given_up_shards": {str(k): v for k, v in t.given_up.items()},
        "tries_again": t.retried,
        "cases_per_s": t.rate,
        "bytes_written": t.n_bytes,
        "peak_worker_bytes": t.peak_bytes,
    }
    if json:
        out.show_json(data)
    else:
        statuses = ", ".join(f"{v:,} {k}" for k, v in t.statuses.items() if v)
        sys.stdout.write(f"{t.done_cases:,} of {t.n_cases:,} cases in {store.url} ({statuses})\n")
    for number, reason in t.given_up.items():
        sys.stderr.write(f"shard {number} was given up: {reason}\n")
    if not t.complete:
        hint = f"see: carbonscaling query {study} --view failures; --retry-errors tries them again"
        sys.stderr.write(
            f"incomplete: {t.statuses['error']:,} cases in error, {len(t.given_up)} shards missing; {hint}\n"
        )
    return int(ExitCode.OK if t.complete else ExitCode.INCOMPLETE)

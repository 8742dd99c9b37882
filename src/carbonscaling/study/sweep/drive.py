"""Drive a study: hand out the shards that are not there yet, survive what goes wrong, and say how far it is."""

from __future__ import annotations

import errno
import time
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from typing import Any

from carbonscaling.study.sweep.executors import Executor, WorkerDiedError
from carbonscaling.study.sweep.manifest import manifest, read_sources, write_manifest
from carbonscaling.study.sweep.shard import Shard, ShardNotes, known_shards, probe, run_shard, shard_sources, verified
from carbonscaling.study.sweep.stamp import study_stamp
from carbonscaling.study.sweep.store import Store
from carbonscaling.study.sweep.studyfile import Study

__all__ = ["State", "Tally", "drive", "state_of"]

RETRIES = 2
"""Times that a shard is tried again before its cases are tried apart."""
AHEAD = 2
"""Shards handed out for each worker: one at work, one waiting."""


@dataclass(frozen=True)
class State:
    """What a folder holds of a study.

    Attributes
    ----------
    done : dict of int to Shard
        Whole shards of this study and version.
    corrupted : list of Shard
        Shards whose content is not what was written.
    others : int
        Shards of another study, catalogue or code version: left aside, never mixed in.
    stamp : str
    """

    done: dict[int, Shard]
    corrupted: list[Shard]
    others: int
    stamp: str


@dataclass
class Tally:
    """How far a study is."""

    n_shards: int
    n_cases: int
    done_shards: int = 0
    done_cases: int = 0
    before_cases: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    n_bytes: int = 0
    best_tco2e: float | None = None
    best_case: int | None = None
    retried: int = 0
    given_up: dict[int, str] = field(default_factory=dict)
    peak_bytes: int = 0
    begin: float = field(default_factory=time.monotonic)

    @property
    def rate(self) -> float:
        """Cases a second since the start."""
        return (self.done_cases - self.before_cases) / max(time.monotonic() - self.begin, 1e-9)

    @property
    def complete(self) -> bool:
        """Whether every shard is there and no case ended in an error."""
        return self.done_shards == self.n_shards and not self.statuses["error"] and not self.given_up

    def add(self, notes: ShardNotes) -> None:
        """Count a shard that was written."""
        self.done_shards += 1
        self.done_cases += notes.n_cases
        self.statuses.update(notes.statuses)
        self.n_bytes += notes.n_bytes
        self.peak_bytes = max(self.peak_bytes, notes.peak_bytes)
        if notes.best_tco2e is not None and (self.best_tco2e is None or notes.best_tco2e < self.best_tco2e):
            self.best_tco2e, self.best_case = notes.best_tco2e, notes.best_case


def state_of(study: Study, store: Store, *, retry_errors: bool = False) -> State:
    """Return what is there of a study.

    Parameters
    ----------
    retry_errors : bool
        Shards with a case in error do not count.
    """
    stamp = study_stamp(study)
    known = known_shards(store)
    own = [s for s in known if s.stamp == stamp and s.number < study.n_shards and not (retry_errors and s.n_errors)]
    good, bad = verified(store, own)
    others = sum(s.stamp != stamp for s in known)
    return State({s.number: s for s in good}, bad, others, stamp)


def _poisoned(executor: Executor, url: str, stamp: str, first: int, stop: int) -> dict[int, str]:
    """Return the cases of a span that kill their worker, found by halving."""
    try:
        executor.submit(probe, url, stamp, first, stop).result()
    except WorkerDiedError as error:
        if stop - first == 1:
            return {first: str(error)}
    else:
        return {}
    middle = (first + stop) // 2
    return _poisoned(executor, url, stamp, first, middle) | _poisoned(executor, url, stamp, middle, stop)


class _Drive:
    def __init__(self, study: Study, store: Store, executor: Executor, state: State, tally: Tally) -> None:
        self.study, self.store, self.executor, self.state, self.tally = study, store, executor, state, tally
        self.waiting = deque(n for n in range(study.n_shards) if n not in state.done)
        self.running: dict[Future[Any], int] = {}
        self.failures: Counter[int] = Counter()
        self.poison: dict[int, dict[int, str]] = {}

    def hand_out(self) -> None:
        while self.waiting and len(self.running) < AHEAD * self.executor.n_workers:
            number = self.waiting.popleft()
            arguments = (self.store.url, self.state.stamp, number, self.poison.get(number, {}))
            self.running[self.executor.submit(run_shard, *arguments)] = number

    def take(self, future: Future[Any]) -> None:
        number = self.running.pop(future)
        error = future.exception()
        if error is None:
            self.tally.add(future.result())
            return
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES):
            raise error
        self.failures[number] += 1
        self.tally.retried += 1
        if self.failures[number] <= RETRIES:
            self.waiting.append(number)
        elif isinstance(error, WorkerDiedError) and number not in self.poison:
            self.poison[number] = _poisoned(self.executor, self.store.url, self.state.stamp, *self.study.span(number))
            self.waiting.append(number)
        else:
            self.tally.given_up[number] = f"{type(error).__name__}: {error}"


def drive(
    study: Study,
    store: Store,
    executor: Executor,
    *,
    state: State | None = None,
    progress: Callable[[Tally], None] | None = None,
) -> Tally:
    """Run every shard of a study that is not there yet.

    Parameters
    ----------
    state : State, optional
        What is there, where it is known already.
    progress : callable, optional
        Told after every shard, and twice a second in between.

    Raises
    ------
    OSError
        The results cannot be written (a full disk): what is done stays, the study can be resumed.
    KeyboardInterrupt
        As above.
    """
    state = state or state_of(study, store)
    for shard in state.corrupted:
        store.remove(shard.name)
    tally = Tally(study.n_shards, study.n_cases, len(state.done))
    tally.done_cases = tally.before_cases = sum(b - a for a, b in map(study.span, state.done))
    tally.statuses["error"] = sum(s.n_errors for s in state.done.values())
    sources = read_sources(store, state.stamp)
    write_manifest(store, manifest(study, state.stamp, sources))
    run = _Drive(study, store, executor, state, tally)
    while run.waiting or run.running:
        run.hand_out()
        finished, _ = wait(run.running, timeout=0.5, return_when=FIRST_COMPLETED)
        for future in finished:
            run.take(future)
        if progress is not None:
            progress(tally)
    if not sources:
        sources = executor.submit(shard_sources, store.url, state.stamp).result()
        write_manifest(store, manifest(study, state.stamp, sources))
    return tally

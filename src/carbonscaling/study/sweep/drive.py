"""Drive a study: hand out the shards that are not there yet, survive what goes wrong, and say how far it is."""

from __future__ import annotations

import errno
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any

from carbonscaling.study.sweep.executors import Executor, WorkerDiedError
from carbonscaling.study.sweep.manifest import manifest, read_sources, write_manifest
from carbonscaling.study.sweep.shard import probe, run_shard, shard_sources
from carbonscaling.study.sweep.shards import Note, remember
from carbonscaling.study.sweep.state import State, Tally, state_of
from carbonscaling.study.sweep.store import Store
from carbonscaling.study.sweep.studyfile import Study

__all__ = ["drive"]

RETRIES = 2
"""Times that a shard is tried again before its cases are tried apart."""
AHEAD = 2
"""Shards handed out for each worker: one at work, one waiting."""


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
        self.written: dict[str, Note] = {}

    def hand_out(self) -> None:
        while self.waiting and len(self.running) < AHEAD * self.executor.n_workers:
            number = self.waiting.popleft()
            arguments = (self.store.url, self.state.stamp, number, self.poison.get(number, {}))
            self.running[self.executor.submit(run_shard, *arguments)] = number

    def take(self, future: Future[Any]) -> None:
        number = self.running.pop(future)
        error = future.exception()
        if error is None:
            notes = future.result()
            self.tally.add(notes)
            self.written[notes.shard.name] = Note(notes.state, notes.contents)
            for old in self.state.again:
                if old.number == number and old.name != notes.shard.name:
                    self.store.remove(old.name)
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
    """Run every shard of a study that is not there yet; where all are, leave the manifest that says so.

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
    tally = Tally(study.n_shards, study.n_cases)
    for contents in state.contents.values():
        tally.count(contents)
    tally.before_cases = tally.done_cases
    sources = read_sources(store, state.stamp)
    write_manifest(store, manifest(study, state.stamp, sources))
    run = _Drive(study, store, executor, state, tally)
    try:
        while run.waiting or run.running:
            run.hand_out()
            finished, _ = wait(run.running, timeout=0.5, return_when=FIRST_COMPLETED)
            for future in finished:
                run.take(future)
            if progress is not None:
                progress(tally)
    finally:
        remember(store, run.written)
    if sources is None:
        sources = executor.submit(shard_sources, store.url, state.stamp).result()
        write_manifest(store, manifest(study, state.stamp, sources))
    return tally

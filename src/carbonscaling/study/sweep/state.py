"""What is there of a study, and how far it is."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from carbonscaling.study.sweep.contents import Contents
from carbonscaling.study.sweep.shards import Shard, known_shards, verified
from carbonscaling.study.sweep.stamp import study_stamp
from carbonscaling.study.sweep.store import Store
from carbonscaling.study.sweep.studyfile import Study

if TYPE_CHECKING:
    from carbonscaling.study.sweep.shard import ShardNotes

__all__ = ["State", "Tally", "state_of"]


@dataclass(frozen=True)
class State:
    """What a folder holds of a study.

    Attributes
    ----------
    done : dict of int to Shard
        Whole shards of this study and version.
    contents : dict of int to Contents
        What they hold.
    corrupted : list of Shard
        Shards whose content is not what was written.
    again : list of Shard
        Shards that are to be done again for their cases in error; they go once that is done.
    others : int
        Shards of another study, catalogue or code version: left aside, never mixed in.
    stamp : str
    """

    done: dict[int, Shard]
    contents: dict[int, Contents]
    corrupted: list[Shard]
    again: list[Shard]
    others: int
    stamp: str


@dataclass
class Tally:
    """How far a study is: counts are of all of it, whichever run made a shard."""

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
    busy_s: float = 0.0
    processor_s: float = 0.0
    begin: float = field(default_factory=time.monotonic)

    @property
    def rate(self) -> float:
        """Cases a second since the start."""
        return (self.done_cases - self.before_cases) / max(time.monotonic() - self.begin, 1e-9)

    @property
    def complete(self) -> bool:
        """Whether every shard is there and no case ended in an error."""
        return self.done_shards == self.n_shards and not self.statuses["error"] and not self.given_up

    def count(self, contents: Contents) -> None:
        """Count a shard that is there."""
        self.done_shards += 1
        self.done_cases += contents.n_cases
        self.statuses.update(contents.statuses)
        least = contents.best_tco2e
        if least is not None and (self.best_tco2e is None or least < self.best_tco2e):
            self.best_tco2e, self.best_case = least, contents.best_case

    def add(self, notes: ShardNotes) -> None:
        """Count a shard that was written."""
        self.count(notes.contents)
        self.n_bytes += notes.n_bytes
        self.peak_bytes = max(self.peak_bytes, notes.peak_bytes)
        self.busy_s += notes.seconds
        self.processor_s += notes.processor_s


def state_of(study: Study, store: Store, *, retry_errors: bool = False) -> State:
    """Return what is there of a study.

    Parameters
    ----------
    retry_errors : bool
        Shards with a case in error do not count.
    """
    stamp = study_stamp(study)
    known = known_shards(store)
    own = [s for s in known if s.stamp == stamp and s.number < study.n_shards]
    again = [s for s in own if retry_errors and s.n_errors]
    found = verified(store, [s for s in own if s not in again], study.span)
    others = sum(s.stamp != stamp for s in known)
    return State(found.good, found.contents, found.bad, again, others, stamp)

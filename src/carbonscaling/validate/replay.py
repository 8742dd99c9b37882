"""A measured row made complete: the scenario that it states, and how what it leaves open is settled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from carbonscaling import evidence
from carbonscaling.errors import InputError
from carbonscaling.evidence.row import RunRow, Unusable, parse_row
from carbonscaling.perf.numbers import Setting
from carbonscaling.record import dataclass
from carbonscaling.study.outcome import held_devices
from carbonscaling.study.practice import Settled, settle
from carbonscaling.study.setup import OfSetup, Setup
from carbonscaling.validate.rows import setup_of

__all__ = ["Completed", "Replay", "complete", "complete_row", "completed_runs"]


@dataclass(frozen=True)
class Replay(OfSetup):
    """A row made complete.

    Attributes
    ----------
    row : RunRow
    setup : Setup
        Its scenario, looked up.
    settled : Settled
        How people settle what it leaves open.
    assumed : tuple of str
        What the row left out, in words.
    """

    row: RunRow
    setup: Setup
    settled: Settled
    assumed: tuple[str, ...]

    @property
    def setting(self) -> Setting:
        """The layout."""
        return self.settled.setting

    @property
    def n_devices(self) -> int:
        """Devices that the run held."""
        return int(held_devices(self.scenario, self.setting))

    @property
    def tokens_per_step(self) -> float:
        """Tokens of a step."""
        return self.settled.batch * self.setup.seq_len

    @property
    def inferred(self) -> tuple[str, ...]:
        """What the row left open, in words."""
        return (*self.assumed, *self.settled.notes)


def complete_row(row: RunRow) -> Replay:
    """Complete a row.

    Raises
    ------
    Unusable
        As `setup_of`.
    """
    found, notes = setup_of(row)
    try:
        return Replay(row, found, settle(found), notes)
    except InputError as error:
        raise Unusable(error.problem) from error


Completed = tuple[Sequence[int], Sequence[Replay], Mapping[int, str]]
"""Positions of the rows that can be replayed, their replays, and the reason of every other row."""


def complete(rows: Sequence[Mapping[str, str]]) -> Completed:
    """Complete every row that can be: its index, its replay; and the reason of every other."""
    index: list[int] = []
    replays: list[Replay] = []
    reasons: dict[int, str] = {}
    for i, row in enumerate(rows):
        try:
            replays.append(complete_row(parse_row(row)))
            index.append(i)
        except Unusable as verdict:
            reasons[i] = str(verdict)
        except InputError as error:  # a shape that cannot be: one row's fault, not the file's
            reasons[i] = f"{error.problem}: {error.key} {error.value}"
    return index, replays, reasons


@cache
def completed_runs() -> Completed:
    """Complete the shipped runs, once a process."""
    return complete(evidence.rows("runs"))

"""Every component check by name: on the shipped rows, and on a user's file."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from carbonscaling.errors import InputError, nearest
from carbonscaling.evidence.row import Cells, Row
from carbonscaling.files import csv_text, read_table
from carbonscaling.hints import NamedTuple
from carbonscaling.units import TERA
from carbonscaling.validate.parts.collectives import check_collectives, collective_outcomes
from carbonscaling.validate.parts.gemm import check_gemm, gemm_outcomes
from carbonscaling.validate.parts.megatron import check_megatron
from carbonscaling.validate.parts.memory import check_memory, check_oom, memory_outcomes, oom_outcomes
from carbonscaling.validate.parts.part import Component, Outcome, lines
from carbonscaling.validate.parts.pipeline import check_pipeline
from carbonscaling.validate.parts.power import check_power, power_outcomes

__all__ = ["PARTS", "RESULTS", "ROWS", "Judged", "component_rows", "component_table"]

PARTS: Mapping[str, Callable[[], tuple[Component, ...]]] = {
    "gemm": check_gemm,
    "collectives": check_collectives,
    "memory": check_memory,
    "oom": check_oom,
    "power": check_power,
    "pipeline": check_pipeline,
    "megatron": check_megatron,
}
"""Checks of the shipped rows by the name of the part."""


class _Kind(NamedTuple):
    """How the rows of a part are read: columns that a file must have, the unit of answers, what is said of rows.

    Runs that rows refer to may be given too; parts other than memory need none.
    """

    needed: tuple[str, ...]
    unit: str
    outcomes: Callable[[Sequence[Row], Iterable[Mapping[str, str]] | None], list[Outcome]]


ROWS: Mapping[str, _Kind] = {
    "gemm": _Kind(("device", "m", "n", "k", "dtype"), "TFLOP/s", lambda rows, _runs: gemm_outcomes(rows)),
    "collectives": _Kind(
        ("device", "n_devices", "collective", "bytes"), "us", lambda rows, _runs: collective_outcomes(rows)
    ),
    "memory": _Kind(("model", "device"), "GiB", memory_outcomes),
    "oom": _Kind(("model", "device"), "GiB", oom_outcomes),
    "power": _Kind(("device", "utilisation_or_workload"), "W", lambda rows, _runs: power_outcomes(rows)),
}
"""Parts that a user's own rows can be held against."""

SLIP = 1e6
"""Factor between measured and predicted that no error of a model makes."""
RESULTS = ("status", "reason", "predicted", "low", "high", "measured", "unit", "fits")
"""Columns that follow a row's own in the file of answers: ``ok``, ``too_large`` or ``unusable``; what was measured, as read."""


class Judged(NamedTuple):
    """A file of rows, what is said of each, and the lines of the table."""

    part: str
    rows: tuple[Row, ...]
    outcomes: tuple[Outcome, ...]
    table: tuple[Component, ...]

    @property
    def reasons(self) -> list[str]:
        """Why rows are not answered."""
        return [one.reason for one in self.outcomes if one.reason]

    @property
    def answers(self) -> list[dict[str, object]]:
        """What is said of each row, by `RESULTS`: the time of a multiplication as its rate, of a collective in us."""
        return [*map(self._answer, self.rows, self.outcomes)]

    def _answer(self, row: Row, one: Outcome) -> dict[str, object]:
        unit, names = ROWS[self.part].unit, ("predicted", "low", "high", "measured")
        found = {name: _in_unit(getattr(one, name), unit, one.work) for name in names}
        known: dict[str, object] = {name: None if math.isnan(v) else v for name, v in found.items()}
        if one.right is not None:
            known["measured"] = row["status"]
        status = "unusable" if one.reason else "too_large" if one.fits is False else "ok"
        fits = None if one.fits is None else "yes" if one.fits else "no"
        return {**known, "status": status, "reason": one.reason, "unit": unit, "fits": fits}

    def csv(self) -> str:
        """Return every row with what is said of it."""
        own = dict.fromkeys(column for row in self.rows for column in row if column not in RESULTS)
        lines = ({**row, **answer} for row, answer in zip(self.rows, self.answers, strict=True))
        return csv_text([*own, *RESULTS], lines)


def _sound(one: Outcome) -> Outcome:
    """Return what is said of a row: nothing where its inputs lead to no figure, unscored where its measurement is a slip."""
    if not one.reason and not 0.0 < one.predicted < math.inf:
        return Outcome(reason="the inputs lead to no finite figure")
    slip = one.right is None and not 1.0 / SLIP < one.measured / (one.predicted or 1.0) < SLIP
    return replace(one, groups=()) if slip else one


def _in_unit(value: float, unit: str, work: float) -> float:
    if unit == "TFLOP/s":
        return work / value / TERA if value else math.nan
    return value * 1e6 if unit == "us" else value


def _known(part: str, names: Iterable[str]) -> None:
    if part not in names:
        raise InputError(
            "unknown component", key="components", value=part, allowed=", ".join(names), suggestion=nearest(part, names),
            remedy="choose one of these",
        )  # fmt: skip


def component_table(part: str | None = None) -> tuple[Component, ...]:
    """Return the lines of one part on the shipped rows, or of all.

    Raises
    ------
    InputError
        No such part.
    """
    _known(part or "all", (*PARTS, "all"))
    return tuple(line for name, check in PARTS.items() if part in (None, "all", name) for line in check())


def component_rows(part: str, file: Path, runs: Iterable[Mapping[str, str]] | None = None) -> Judged:
    """Return what the model says of every row of a user's file.

    Parameters
    ----------
    part : str
        One of `ROWS`.
    file : Path
        With the columns of the shipped file of that name; those that a prediction can do without may be missing.
    runs : iterable of mapping, optional
        Runs that rows of memory refer to by `run_id`; the shipped ones if not given.

    Raises
    ------
    InputError
        No such part, or the file cannot be used.
    """
    _known(part, ROWS)
    rows = tuple(Cells(row) for row in read_table(file, ROWS[part].needed))
    outcomes = tuple(map(_sound, ROWS[part].outcomes(rows, runs)))
    return Judged(part, rows, outcomes, lines(part, outcomes))

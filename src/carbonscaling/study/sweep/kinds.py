"""Questions beside trainings that a study asks: servings, timetables, decisions, chances, projects; tables and columns."""

from __future__ import annotations

import dataclasses
import math
import typing
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from carbonscaling.errors import InputError, nearest
from carbonscaling.hints import hints_of
from carbonscaling.meaning import key_meant
from carbonscaling.record import dataclass
from carbonscaling.serving.scenario import Serving
from carbonscaling.study.assured import Failures, Target
from carbonscaling.study.project.changes import Changes
from carbonscaling.study.project.stages import PARTS
from carbonscaling.study.scheduling.options import Timetabling
from carbonscaling.study.together.decision import Decision

__all__ = [
    "KINDS",
    "OWN_PATHS",
    "Answer",
    "Chanced",
    "Kind",
    "Training",
    "check_kind",
    "check_table",
    "extra_columns",
    "field_names",
    "own_value",
]

Training = Literal["plan", "estimate"]
Answer = Literal["plan", "estimate", "inference", "schedule", "decide", "chances", "project"]


@dataclass(frozen=True)
class Chanced(Failures):
    """What is asked of chances, as the options of the command: `Failures`, and a `Target` or limits.

    Attributes
    ----------
    write_s : float
        Seconds to write a checkpoint, the run waiting.
    restart_s : float
        Seconds from an interruption to training again.
    mtbf_device_hours : float, optional
        Hours between interruptions times devices; Llama 3's if not given.
    interval_s : float, optional
        Seconds of training between checkpoints; the optimum if not given.
    device_variation : float, optional
        What the slowest of like devices takes longer than the fastest, outliers left out; published if not given.
    within_days : float, optional
        Limit: days from start to end.
    under_kwh, under_tco2e, under_usd : float, optional
        Limit: most energy, carbon and money.
    by : str, optional
        Day (YYYY-MM-DD) before which the run has ended.
    not_before : str, optional
        Earliest start (YYYY-MM-DD); today if not given.
    confidence : float, optional
        With it a plan is sought that keeps the limits; without it their probability.
    """

    within_days: float | None = None
    under_kwh: float | None = None
    under_tco2e: float | None = None
    under_usd: float | None = None
    by: str | None = None
    not_before: str | None = None
    confidence: float | None = None

    @property
    def failures(self) -> Failures:
        """How the run is interrupted."""
        return Failures(**{name: getattr(self, name) for name in Failures.__dataclass_fields__})

    @property
    def limits(self) -> tuple[float, float, float]:
        """Most energy, carbon and money."""
        given = (self.under_kwh, self.under_tco2e, self.under_usd)
        energy, carbon, usd = (math.inf if value is None else value for value in given)
        return energy, carbon, usd

    @property
    def target(self) -> Target | None:
        """What a plan is sought for; None where the run is given."""
        if self.confidence is None and self.by is None:
            return None
        return Target(
            self.by,
            self.within_days,
            self.not_before,
            0.9 if self.confidence is None else self.confidence,
            *self.limits,
        )


@dataclass(frozen=True)
class Projected(Changes):
    """What is asked of a project: its file, and what is changed about it.

    Attributes
    ----------
    file : str
        Name of a project that ships, or a TOML file.
    """

    file: str = ""


@dataclass(frozen=True)
class Kind:
    """A question beside trainings.

    Attributes
    ----------
    table : str
        Table of the study file that holds it.
    asked : type
        Dataclass of that table's fields.
    of_scenario : bool
        Whether a training stands beside it, in the table ``[scenario]``; its fields then vary as ``table.field``.
    columns : tuple of str
        Columns of numbers beside the usual ones.
    """

    table: str
    asked: type
    of_scenario: bool
    columns: tuple[str, ...]


KINDS: Mapping[str, Kind] = {
    "inference": Kind("serving", Serving, False, (
        "copies", "in_flight", "tpot_s", "ttft_s", "watts_per_device", "joules_per_token", "joules_low", "joules_high",
        "requests_per_day", "tokens_per_day", "wh_per_request", "wh_per_request_low", "wh_per_request_high",
        "g_co2e_per_request", "kg_co2e_per_million_tokens", "usd_per_million_tokens",
    )),
    "schedule": Kind("timetable", Timetabling, True, (
        "paused_days", "slowed_days", "n_pauses", "n_moves", "saved_tco2e", "later_days", "more_usd", "guarantee", "floor",
        "forecast_error", "filled_hours",
    )),
    "decide": Kind("decision", Decision, False, (
        "served_tokens", "training", "serving", "per_served_token", "total", "total_low", "total_high", "saved_share",
        "less_than_compared_from", "wins_from", "wins_until", "combinations", "start_hour", "serve_devices",
    )),
    "chances": Kind("chances", Chanced, True, (
        "within", "days_p05", "days_p90", "days_p95", "tco2e_p05", "tco2e_p90", "tco2e_p95", "kwh_p90", "usd_p90",
        "interruptions", "checkpoint_interval_s", "start_days",
    )),
    "project": Kind("project", Projected, False, (
        "energy_low", "energy_high", "water_low", "water_high", "cost_low", "cost_high", "metals_kg_sb", "development_percent",
        *(f"{part}_{figure}" for part in PARTS for figure in ("kwh", "tco2e", "device_hours")),
    )),
}  # fmt: skip
"""By what `answer` of a study file names."""
OWN_PATHS = ("timetable.prices", "timetable.forecast")
"""Fields of these tables that name files, with a column behind it at times."""


def extra_columns(answer: str) -> tuple[str, ...]:
    """Return the columns of numbers that rows have beside the usual ones."""
    return KINDS[answer].columns if answer in KINDS else ()


def field_names(kind: Kind) -> set[str]:
    """Return the fields of its table that may vary, as keys of axes."""
    names = {field.name for field in dataclasses.fields(kind.asked)}
    return {f"{kind.table}.{name}" for name in names} if kind.of_scenario else names


def own_value(kind: Kind, name: str, value: Any) -> Any:
    """Return an axis' value as its field takes it: whole numbers whole, one or several names or numbers as a list.

    >>> own_value(KINDS["decide"], "counts", 512.0), own_value(KINDS["decide"], "devices", "h100-sxm,h200")
    ((512,), ('h100-sxm', 'h200'))

    Raises
    ------
    InputError
        One of several is not of the field's kind.
    """
    hint = hints_of(kind.asked)[name]
    if typing.get_origin(hint) is tuple:
        (item, *_) = get_args(hint)
        values = value.split(",") if isinstance(value, str) else value if isinstance(value, list | tuple) else [value]
        plain = (one.strip() if isinstance(one, str) else one for one in values)
        try:
            return tuple(item(one) if isinstance(item, type) else one for one in plain)
        except (TypeError, ValueError, OverflowError) as error:
            what = {int: "whole numbers", float: "numbers"}.get(item, "names")
            raise InputError(
                f"{name} is not understood", key=name, value=value, allowed=what, remedy="write them with commas"
            ) from error
    counts = int in (get_args(hint) or (hint,)) and isinstance(value, float) and value.is_integer()
    return int(value) if counts else value


def check_table(kind: Kind, own: Mapping[str, Any], varied: Sequence[str], where: str) -> None:
    """Refuse a table with an unknown field, or without one that nothing else gives.

    Raises
    ------
    InputError
    """
    known = {field.name: field for field in dataclasses.fields(kind.asked)}
    prefix = f"{kind.table}." if kind.of_scenario else ""
    for name in own:
        if name not in known:
            raise InputError(f"not a field of [{kind.table}]", where=where, key=name, suggestion=key_meant(name, known),
                             allowed=", ".join(known), remedy="name one of these")  # fmt: skip
    for name, field in known.items():
        if field.default is dataclasses.MISSING and name not in own and prefix + name not in varied:
            raise InputError("missing key", where=where, key=name, remedy=f"add {name}, or an axis of it")


def check_kind(answer: str, tables: Mapping[str, Mapping[str, Any]], has_scenario: bool, where: str) -> None:
    """Refuse tables of another question than the one asked, and a question without its own.

    Raises
    ------
    InputError
    """
    own = KINDS.get(answer)
    for name in tables:
        if own is None or name != own.table:
            belongs = next(kind for kind, k in KINDS.items() if k.table == name)
            raise InputError(
                f"the table [{name}] belongs to answer = \"{belongs}\"", where=where, key=name, value=answer,
                remedy=f'write answer = "{belongs}", or leave the table out',
            )  # fmt: skip
    if own is not None and not own.of_scenario and has_scenario:
        raise InputError(
            f"answer = \"{answer}\" has no scenario", where=where, key="scenario", suggestion=nearest("scenario", [own.table]),
            remedy=f"write its fields in the table [{own.table}]",
        )  # fmt: skip

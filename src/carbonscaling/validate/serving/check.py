"""Measured servings beside what is said of them: one line a row, and scores by source, model and device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from carbonscaling import evidence
from carbonscaling.arrays import Array
from carbonscaling.evidence.row import Cells
from carbonscaling.files import csv_text
from carbonscaling.record import dataclass
from carbonscaling.serving.factors import ServingFactors, shipped_factors, unfitted
from carbonscaling.serving.predict import predict
from carbonscaling.serving.width import KINDS, QUANTITIES, half_width, interval, kind_of
from carbonscaling.validate.score import Score, score
from carbonscaling.validate.serving.baselines import constant_efficiency, ecologits
from carbonscaling.validate.serving.table import Servings, servings

__all__ = ["COLUMNS", "FOLDS", "Checked", "Line", "check_servings", "shipped_check", "shipped_servings"]


COLUMNS = (
    "id", "source", "status", "reason", "known",
    *(f"{q}{end}" for q in QUANTITIES for end in ("_measured", "_predicted", "_low", "_high")),
)  # fmt: skip
"""Columns of the file of answers: tokens a second and device, watts of a device, J an output token."""
FOLDS = ("source", "model", "device")


@dataclass(frozen=True)
class Line:
    """How one quantity does on a group of rows.

    Attributes
    ----------
    quantity, group : str
        A source, one of `serving.width.KINDS`, or "all".
    left_out : str
        What no fit saw: source, model, device; "nothing" for the shipped factors on a file; "everything" for the physics
        before any row.
    score : Score
    factor : float
        Median half-width of the intervals, as a factor; not-a-number without any.
    others : Mapping[str, float]
        Median errors of other methods on the same rows.
    """

    quantity: str
    left_out: str
    group: str
    score: Score
    factor: float
    others: Mapping[str, float]


@dataclass(frozen=True)
class Checked:
    """Rows and lines.

    Attributes
    ----------
    lines : tuple of Line
    rows : tuple of mapping
        By `COLUMNS`.
    n_known : int
        Rows that the shipped factors were learnt from.
    """

    lines: tuple[Line, ...]
    rows: tuple[Mapping[str, Any], ...]
    n_known: int

    def csv(self) -> str:
        """Return every row as text."""
        return csv_text(COLUMNS, self.rows)

    def refused(self) -> dict[str, int]:
        """Count the rows without an answer by reason."""
        found: dict[str, int] = {}
        for row in self.rows:
            if row["status"] != "ok":
                found[row["reason"]] = found.get(row["reason"], 0) + 1
        return found


@lru_cache(maxsize=1)
def shipped_servings() -> Servings:
    """Return the shipped rows."""
    return servings([Cells(row) for row in evidence.rows("inference")])


def _off(predicted: Array, measured: Array) -> float:
    known = np.isfinite(predicted) & np.isfinite(measured)
    return float(np.median(np.abs(predicted[known] / measured[known] - 1.0))) if known.any() else float("nan")


def _lines(
    s: Servings, told: Mapping[str, Array], kinds: Sequence[str], left_out: str, factors: ServingFactors,
    others: Mapping[str, Mapping[str, Array]],
) -> list[Line]:  # fmt: skip
    """Score every quantity over all rows, by what is known of them, and by source."""
    found, known_as = [], np.array(kinds)
    for quantity in QUANTITIES:
        measured: Array = getattr(s, quantity)
        width = np.array(
            [half_width(quantity, kind, q.output, factors) for kind, q in zip(kinds, s.work.questions, strict=True)]
        )
        known = np.isfinite(measured) & np.isfinite(told[quantity])
        for group in ("all", *KINDS, *np.unique(s.sources[known])):
            own = known & ((s.sources == group) | (known_as == group) | (group == "all"))
            if not own.any():
                continue
            p, w = told[quantity][own], width[own]
            merit = score(p, measured[own], p * np.exp(-w), p * np.exp(w))
            beside = {
                name: _off(values[quantity][own], measured[own])
                for name, values in others.items()
                if quantity in values
            }
            factor = float(np.exp(np.median(w))) if np.isfinite(w).all() else float("nan")
            found.append(Line(quantity, left_out, str(group), merit, factor, beside))
    return found


def _kinds(s: Servings, factors: ServingFactors) -> list[str]:
    return [kind_of(question, factors) for question in s.work.questions]


def _rows(
    s: Servings, told: Mapping[str, Array], kinds: Sequence[str], factors: ServingFactors
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for i, row in enumerate(s.rows):
        line: dict[str, Any] = {
            "id": row.id,
            "source": row.source,
            "status": "ok",
            "reason": "",
            "known": kinds[i],
        }
        for quantity in QUANTITIES:
            value, measured = float(told[quantity][i]), float(getattr(s, quantity)[i])
            alone, q = quantity == "watts" and "node" not in row.watts_scope.lower(), s.work.questions[i]
            most = q.cluster.device.tdp.si if alone else np.inf  # a board draws its rating at most
            low, high = interval(value, quantity, kinds[i], q.output, factors, most)
            line |= {f"{quantity}_predicted": value, f"{quantity}_low": float(low), f"{quantity}_high": float(high)}
            line[f"{quantity}_measured"] = measured if np.isfinite(measured) else None
        found.append(line)
    found += [{"id": name, "status": "unusable", "reason": reason} for name, reason in s.refused]
    return found


def check_servings(cells: Sequence[Cells]) -> Checked:
    """Answer the rows of a table with the shipped factors, and score them.

    Raises
    ------
    InputError
        No row can be answered.
    """
    s, factors = servings(cells), shipped_factors()
    told = s.told(predict(s.work, factors))
    kinds = _kinds(s, factors)
    others = {"constant": constant_efficiency(s, shipped_servings()), "ecologits": {"joules": ecologits(s)}}
    known = {row["id"] for row in evidence.rows("inference")}
    return Checked(
        tuple(_lines(s, told, kinds, "nothing", factors, others)), tuple(_rows(s, told, kinds, factors)),
        sum(row.id in known for row in s.rows),
    )  # fmt: skip


def shipped_check() -> Checked:
    """Score the shipped rows as predicted without their source, model or device, and by the physics before any row."""
    s, factors = shipped_servings(), shipped_factors()
    place = {row.id: i for i, row in enumerate(s.rows)}
    lines: list[Line] = []
    first = s.told(predict(s.work, unfitted()))
    lines += _lines(s, first, ["none"] * len(s.rows), "everything", factors, {})
    for fold in FOLDS:
        told = {q: np.full(len(s.rows), np.nan) for q in QUANTITIES}
        kinds = [""] * len(s.rows)
        for row in evidence.rows("inference_left_out"):
            if row["fold"] == fold and row["id"] in place:
                i = place[row["id"]]
                kinds[i] = row["known"]
                for q in QUANTITIES:
                    told[q][i] = float(row[q])
        others = {"constant": constant_efficiency(s, s, s.groups[fold]), "ecologits": {"joules": ecologits(s)}}
        lines += _lines(s, told, kinds, fold, factors, others)
    rows = _rows(s, s.told(predict(s.work, factors)), _kinds(s, factors), factors)
    return Checked(tuple(lines), tuple(rows), len(s.rows))

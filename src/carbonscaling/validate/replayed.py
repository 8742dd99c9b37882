"""A whole file replayed: predictions, rows by status, reasons, and the score where speeds were measured."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from carbonscaling.calibration.profile import Calibration
from carbonscaling.errors import InputError
from carbonscaling.files import make_folder, write_file
from carbonscaling.study.scenario import Scenario
from carbonscaling.study.scenario_file import scenario_toml
from carbonscaling.validate.runs import Prediction, complete, replay_rows, scored_sample
from carbonscaling.validate.score import Score, score

__all__ = ["COLUMNS", "Replayed", "replay_file", "write_scenarios"]

COLUMNS = (
    "id", "status", "reason", "step_time_s", "tokens_per_s_per_device", "low", "high", "memory_gb", "bottleneck",
)  # fmt: skip


@dataclass(frozen=True)
class Replayed:
    """Outcome of a file.

    Attributes
    ----------
    predictions : list of Prediction
        One per row, in order.
    scenarios : dict of str to Scenario
        What every usable row states, by its id.
    counts, reasons : dict
        Rows by status; unusable rows by reason.
    score : Score, optional
        None where no row has a measured speed. The shipped rows' score with the shipped calibration is in-sample.
    """

    predictions: list[Prediction]
    scenarios: dict[str, Scenario]
    counts: dict[str, int]
    reasons: dict[str, int]
    score: Score | None

    def csv(self) -> str:
        """Return the predictions as CSV text."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(COLUMNS)
        for p in self.predictions:
            values = (getattr(p, name) for name in COLUMNS)
            writer.writerow(["" if v is None else v for v in values])
        return out.getvalue()


def write_scenarios(found: Replayed, folder: Path, calibration: str) -> int:
    """Write the scenario of every usable row as ``ID.toml``; return how many.

    Parameters
    ----------
    found : Replayed
    folder : Path
        Made if it is not there.
    calibration : str
        Which the predictions were made with: "shipped", or a file.

    Raises
    ------
    InputError
        An id that cannot be the name of a file, or a folder that cannot be written to.
    """
    notes = {p.id: p.reason for p in found.predictions}
    make_folder(folder)
    for name, scenario in found.scenarios.items():
        if not name or name != Path(name).name or name.startswith("."):
            raise InputError("an id cannot be the name of a file", key="id", value=name, remedy="choose another id")
        own = replace(scenario, calibration=calibration)
        write_file(folder / f"{name}.toml", scenario_toml(own, notes.get(name, "")))
    return len(found.scenarios)


def replay_file(rows: Sequence[Mapping[str, str]], calibration: Calibration) -> Replayed:
    """Predict every row from its inputs, then score those that have a measured speed."""
    completed = complete(rows)
    predictions = replay_rows(rows, calibration, completed)
    scored = None
    sampled, where = scored_sample(rows, completed)
    if sampled is not None:
        use = [k for k, i in enumerate(where) if predictions[i].tokens_per_s_per_device is not None]
        columns = [
            np.array([getattr(predictions[where[k]], name) for k in use], dtype=float)
            for name in ("tokens_per_s_per_device", "low", "high")
        ]
        if use:
            scored = score(columns[0], sampled.measured[use], columns[1], columns[2])
    unusable = [p for p in predictions if p.status == "unusable"]
    return Replayed(
        predictions=predictions,
        scenarios={r.row.id: r.scenario for r in completed[1]},
        counts=dict(Counter(p.status for p in predictions)),
        reasons=dict(Counter(p.reason for p in unusable)),
        score=scored,
    )

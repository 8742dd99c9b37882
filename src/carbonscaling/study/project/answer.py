"""The answer to a project: energy, carbon, water and money by stage and in all, with intervals that add up draw by draw."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from carbonscaling.errors import InputError
from carbonscaling.record import dataclass
from carbonscaling.study.project.changes import Changes, changed
from carbonscaling.study.project.file import Project, load_project, project_from
from carbonscaling.study.project.pieces import Piece, pieces
from carbonscaling.study.project.said import assumed, counted
from carbonscaling.study.project.stages import PARTS, Part
from carbonscaling.study.project.sums import FIGURES, Accounted, accounted, added, alone, development, summed
from carbonscaling.study.project.widest import Unknown, widest

__all__ = ["ProjectAnswer", "project"]


@dataclass(frozen=True)
class ProjectAnswer:
    """What a project takes.

    Attributes
    ----------
    project : Project
    stages : Mapping[str, Accounted]
        By the stage's name.
    parts : Mapping[str, Accounted]
        Training, development, serving, storage, as far as there are any.
    total : Accounted
    pieces : Mapping[str, tuple of Piece]
        What each stage was made of, as the doors answered it.
    development_share : tuple of float
        Development over development and training, by energy: the value, and its 5th and 95th percentile.
    widest : tuple of Unknown
        What makes the total carbon unsure, most first.
    """

    project: Project
    stages: Mapping[str, Accounted]
    parts: Mapping[Part, Accounted]
    total: Accounted
    pieces: Mapping[str, tuple[Piece, ...]]
    development_share: tuple[float, float, float]
    widest: tuple[Unknown, ...]

    @property
    def counted(self) -> tuple[str, ...]:
        """How many answers and tokens stages generate."""
        return counted(self.project.entries)

    @property
    def notes(self) -> tuple[str, ...]:
        """What nothing stated and was assumed, and what was cut, with the stages that it holds for."""
        return assumed(self.project.entries, self.pieces)

    @property
    def headline(self) -> str:
        """The answer in a sentence."""
        t = self.total
        low, high = t.intervals["total_tco2e"]
        return (
            f"{self.project.title}: {len(self.stages)} stages, {t.energy_kwh:,.0f} kWh and {t.total_tco2e:,.1f} t CO2e "
            f"(between {low:,.1f} and {high:,.1f})"
        )

    def __repr__(self) -> str:
        """Return the headline; printed too."""
        return self.headline

    def summary(self) -> dict[str, Any]:
        """Return the flat summary: one row, units in the names."""
        shares = {
            f"{name}_percent_of_energy": 100.0 * part.energy_kwh / self.total.energy_kwh
            for name, part in self.parts.items()
        }
        hours = sum(self.parts[p].device_hours for p in ("development", "training") if p in self.parts)
        developed = self.parts["development"].device_hours if "development" in self.parts else 0.0
        found = {name: getattr(self.total, name) for name in FIGURES}
        return {
            "title": self.project.title,
            "hours": self.project.hours,
            "n_stages": len(self.stages),
            **found,
            "metals_kg_sb": self.total.metals_kg_sb,
            "development_percent": 100.0 * self.development_share[0],
            "development_percent_of_device_hours": 100.0 * developed / hours if hours else 0.0,
            **shares,
        }

    def rows(self) -> list[dict[str, Any]]:
        """Return a flat row a stage, and one of the total: the table of every file of rows."""
        stages = {entry.stage.name: entry.stage for entry in self.project.entries}
        rows = [
            {"stage": name, "kind": stages[name].kind, "part": stages[name].counts_as, **_flat(found, self.total)}
            for name, found in self.stages.items()
        ]
        return [*rows, {"stage": "total", "kind": "", "part": "", **_flat(self.total, self.total)}]

    def to_dict(self) -> dict[str, Any]:
        """Return question and answer as plain data."""
        return {
            "project": dict(self.project.data),
            "summary": self.summary(),
            "development_percent_interval": [100.0 * end for end in self.development_share[1:]],
            "total": self.total.to_dict(),
            "counted": list(self.counted),
            "notes": list(self.notes),
            "widest": [one._asdict() for one in self.widest],
            "parts": {name: part.to_dict() for name, part in self.parts.items()},
            "stages": [
                {
                    "name": e.stage.name, "kind": e.stage.kind, "part": e.stage.counts_as, "source": e.stage.source,
                    "remark": e.stage.remark, **self.stages[e.stage.name].to_dict(),
                    "pieces": [_piece(p) for p in self.pieces[e.stage.name]],
                }
                for e in self.project.entries
            ],
        }  # fmt: skip


def _flat(found: Accounted, whole: Accounted) -> dict[str, Any]:
    spans = {f"{name}_{end}": found.intervals[name][i] for name in FIGURES for i, end in enumerate(("low", "high"))}
    share = found.energy_kwh / whole.energy_kwh
    return {**{name: getattr(found, name) for name in FIGURES}, **spans, "percent_of_energy": 100.0 * share}


def _piece(p: Piece) -> dict[str, Any]:
    return {
        "what": p.what, "device_hours": p.device_hours, "n_devices": p.assessment.n_devices,
        "energy_kwh": p.times * float(p.assessment.footprint.energy_kwh),
        "answer": None if p.answer is None else p.answer.summary(),
    }  # fmt: skip


def project(what: str | Path | Mapping[str, Any] | Project, /, **changes: Any) -> ProjectAnswer:
    """Say what a whole project takes: every stage by its own door, added up with the errors that stages share.

    Parameters
    ----------
    what : str, Path, Mapping or Project
        Name of a project that ships, a TOML file, or the same as a dictionary.
    **changes
        Fields of `Changes`: another region, device or hours, or an amount of one stage.

    Raises
    ------
    InputError
        The file cannot be used, a stage is no stage, or nothing is feasible for it.
    """
    asked = changed(what if isinstance(what, Project) else _read(what), Changes(**changes))
    made = {e.stage.name: pieces(e, asked.hours) for e in asked.entries}
    stages = {e.stage.name: e.stage for e in asked.entries}
    parts = {p: [name for name, stage in stages.items() if stage.counts_as == p] for p in PARTS}
    sums = summed(stages, made)
    total = accounted(list(sums.values()))
    if not 0.0 < total.energy_kwh < math.inf:
        raise InputError("the stages come to no energy that can be told", where=asked.title, key="stage",
                         value=total.energy_kwh, remedy="correct their amounts")  # fmt: skip
    return ProjectAnswer(
        project=asked,
        stages={name: accounted(alone([name], stages, made)) for name in stages},
        parts={p: accounted(alone(names, stages, made)) for p, names in parts.items() if names},
        total=total,
        pieces=made,
        development_share=development(*([sums[name] for name in parts[p]] for p in ("development", "training"))),
        widest=widest(stages, made, added(list(sums.values())).drawn["total_tco2e"]),
    )


def _read(what: str | Path | Mapping[str, Any]) -> Project:
    return project_from(what, "project") if isinstance(what, Mapping) else load_project(what)

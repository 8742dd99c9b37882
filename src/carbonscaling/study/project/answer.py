"""The answer to a project: energy, carbon, water and money by stage and in all, with intervals that add up draw by draw."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from carbonscaling.carbon.result import Footprint
from carbonscaling.errors import InputError, nearest
from carbonscaling.study.project.errors import Shared, amounts, ends
from carbonscaling.study.project.file import Project, load_project, project_from
from carbonscaling.study.project.pieces import Piece, pieces
from carbonscaling.study.project.stages import PARTS, Part, Share, Stage
from carbonscaling.units import KWH, TONNE

__all__ = ["Accounted", "ProjectAnswer", "project"]

Array = npt.NDArray[np.float64]
Drawn = dict[str, Array | float]

FIGURES = ("energy_kwh", "operational_tco2e", "embodied_tco2e", "total_tco2e", "water_litres", "cost_usd", "device_hours")
"""Figures of a stage, of a part, and of the whole: each sum of stages is that of the whole."""


@dataclass(frozen=True)
class Accounted:
    """What a stage, a part of a project, or all of it takes.

    Attributes
    ----------
    energy_kwh, operational_tco2e, embodied_tco2e, total_tco2e, water_litres, device_hours : float
    cost_usd : float
        Of what has a price.
    unpriced : bool
        Whether something has none.
    metals_kg_sb : float, optional
        Depletion of metals and minerals; None where it is not known of something.
    intervals : Mapping[str, tuple of float]
        5th and 95th percentiles, by figure.
    """

    energy_kwh: float
    operational_tco2e: float
    embodied_tco2e: float
    total_tco2e: float
    water_litres: float
    cost_usd: float
    device_hours: float
    unpriced: bool
    metals_kg_sb: float | None
    intervals: Mapping[str, tuple[float, float]]

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        return {
            **{name: getattr(self, name) for name in FIGURES},
            "unpriced": self.unpriced,
            "metals_kg_sb": self.metals_kg_sb,
            "intervals": {name: list(pair) for name, pair in self.intervals.items()},
        }


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
    """

    project: Project
    stages: Mapping[str, Accounted]
    parts: Mapping[Part, Accounted]
    total: Accounted
    pieces: Mapping[str, tuple[Piece, ...]]
    development_share: tuple[float, float, float]

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
        shares = {f"{name}_percent_of_energy": 100.0 * part.energy_kwh / self.total.energy_kwh for name, part in self.parts.items()}
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
        "energy_kwh": p.times * float(p.assessment.footprint().energy_kwh),
        "answer": None if p.answer is None else p.answer.summary(),
    }  # fmt: skip


def project(what: str | Path | Mapping[str, Any] | Project, /) -> ProjectAnswer:
    """Say what a whole project takes: every stage by its own door, added up with the errors that stages share.

    Parameters
    ----------
    what : str, Path, Mapping or Project
        Name of a project that ships, a TOML file, or the same as a dictionary.

    Raises
    ------
    InputError
        The file cannot be used, a stage is no stage, or nothing is feasible for it.
    """
    asked = what if isinstance(what, Project) else project_from(what, "project") if isinstance(what, Mapping) else load_project(what)
    made = {e.stage.name: pieces(e, asked.hours) for e in asked.entries}
    stages = {e.stage.name: e.stage for e in asked.entries}
    sums = _sums(stages, made)
    parts = {p: [sums[name] for name, stage in stages.items() if stage.counts_as == p] for p in PARTS}
    return ProjectAnswer(
        project=asked,
        stages={name: _accounted([_alone(stage, stages, made)]) for name, stage in stages.items()},
        parts={p: _accounted(found) for p, found in parts.items() if found},
        total=_accounted(list(sums.values())),
        pieces=made,
        development_share=_development(parts["development"], parts["training"]),
    )


def _alone(stage: Stage, stages: Mapping[str, Stage], made: Mapping[str, tuple[Piece, ...]]) -> _Sums:
    """Return a stage's sums with the very draws that its own answer has."""
    of = stage.of if isinstance(stage, Share) else ()
    names = (stage.name, *((of,) if isinstance(of, str) else of))
    return _sums({name: stages[name] for name in names}, made)[stage.name]


def _sums(stages: Mapping[str, Stage], made: Mapping[str, tuple[Piece, ...]]) -> dict[str, _Sums]:
    """Return the sums of stages, drawn together."""
    shared = Shared((p.assessment, p.clock) for name in stages for p in made[name])
    sums = {name: _summed(stage, made[name], shared) for name, stage in stages.items()}
    shares = {name for name, stage in stages.items() if isinstance(stage, Share)}
    return sums | {name: _share(stage, sums, shares) for name, stage in stages.items() if isinstance(stage, Share)}


@dataclass(frozen=True)
class _Sums:
    """Central values of a stage and its draws, by figure."""

    central: dict[str, float]
    drawn: Drawn
    unpriced: bool
    metals: float | None

    def times(self, factor: float, of: Array | float = 1.0) -> _Sums:
        return _Sums(
            {name: factor * value for name, value in self.central.items()},
            {name: factor * value * of for name, value in self.drawn.items()},
            self.unpriced,
            None if self.metals is None else factor * self.metals,
        )


NOTHING = _Sums(dict.fromkeys(FIGURES, 0.0), dict.fromkeys(FIGURES, 0.0), False, 0.0)


def _added(found: Sequence[_Sums]) -> _Sums:
    metals = [one.metals for one in found]
    return _Sums(
        {name: math.fsum(one.central[name] for one in found) for name in FIGURES},
        {name: sum(one.drawn[name] for one in found) for name in FIGURES},
        any(one.unpriced for one in found),
        None if None in metals else math.fsum(m for m in metals if m is not None),
    )


def _summed(stage: Stage, made: tuple[Piece, ...], shared: Shared) -> _Sums:
    """Return a stage's sums: its pieces, as often as it happens, within the range of its amount."""
    return _added([_of_piece(p, shared) for p in made] or [NOTHING]).times(stage.count, amounts(stage.name, stage.amount_range))


def _of_piece(p: Piece, shared: Shared) -> _Sums:
    f: Footprint = p.assessment.footprint()
    parts = p.assessment.drawn(shared.normals(p.assessment, p.clock))
    slower = 1.0 if p.pace is None or p.pace.low is None else shared.of_time(p.clock, p.pace)
    usd = p.usd or 0.0
    central = {
        "energy_kwh": f.energy_kwh, "operational_tco2e": f.operational_tco2e, "embodied_tco2e": f.embodied_tco2e,
        "total_tco2e": f.total_tco2e, "water_litres": f.water_litres,
    }  # fmt: skip
    drawn: Drawn = {
        "energy_kwh": parts.energy_j / KWH,
        "operational_tco2e": parts.operational_kg / TONNE,
        "embodied_tco2e": (parts.total_kg - parts.operational_kg) / TONNE,
        "total_tco2e": parts.total_kg / TONNE,
        "water_litres": parts.water_l,
    }
    return _Sums(
        {**{name: p.times * value for name, value in central.items()}, "cost_usd": usd, "device_hours": p.device_hours},
        {
            **{name: p.times * value for name, value in drawn.items()},
            "cost_usd": usd * slower, "device_hours": p.device_hours * slower,
        },
        p.usd is None,
        None if f.metals_kg_sb is None else p.times * f.metals_kg_sb,
    )  # fmt: skip


def _share(stage: Share, sums: Mapping[str, _Sums], shares: set[str]) -> _Sums:
    """Return a share of other stages, whose errors it has."""
    names = (stage.of,) if isinstance(stage.of, str) else stage.of
    if wrong := next((name for name in names or ("",) if name not in sums or name in shares), None):
        raise InputError(
            "a share of no stage", where=f"stage {stage.name!r}", key="of", value=wrong, suggestion=nearest(wrong, sums),
            allowed=", ".join(name for name in sums if name not in shares), remedy="name stages that are no shares themselves",
        )  # fmt: skip
    one = _added([sums[name] for name in names])
    return one.times(stage.count * stage.given("share"), amounts(stage.name, stage.amount_range))


def _accounted(found: Sequence[_Sums]) -> Accounted:
    one = _added(found)
    spans = ends({name: [one.drawn[name]] for name in FIGURES}, one.central)
    return Accounted(**one.central, unpriced=one.unpriced, metals_kg_sb=one.metals, intervals=spans)


def _development(before: Sequence[_Sums], final: Sequence[_Sums]) -> tuple[float, float, float]:
    if not before:
        return 0.0, 0.0, 0.0
    a, b = _added(before), _added(final or [NOTHING])
    value = a.central["energy_kwh"] / (a.central["energy_kwh"] + b.central["energy_kwh"])
    drawn = a.drawn["energy_kwh"] / (a.drawn["energy_kwh"] + b.drawn["energy_kwh"])
    low, high = ends({"share": [drawn]}, {"share": value})["share"]
    return value, low, high

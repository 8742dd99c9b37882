"""What stages take, added up: central values, and the draws behind their intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from carbonscaling.arrays import Array
from carbonscaling.carbon.result import Footprint
from carbonscaling.errors import InputError, nearest
from carbonscaling.record import dataclass
from carbonscaling.study.project.errors import Shared, amounts, ends
from carbonscaling.study.project.pieces import Piece
from carbonscaling.study.project.stages import Share, Stage
from carbonscaling.units import KWH, TONNE

__all__ = ["FIGURES", "Accounted", "Sums", "accounted", "added", "alone", "development", "summed"]

Drawn = dict[str, Array | float]

FIGURES = (
    "energy_kwh",
    "operational_tco2e",
    "embodied_tco2e",
    "total_tco2e",
    "water_litres",
    "cost_usd",
    "device_hours",
)
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
class Sums:
    """Central values of a stage and its draws, by figure."""

    central: dict[str, float]
    drawn: Drawn
    unpriced: bool
    metals: float | None

    def times(self, factor: float, of: Array | float = 1.0) -> Sums:
        """Return a multiple; its draws within a range too."""
        return Sums(
            {name: factor * value for name, value in self.central.items()},
            {name: factor * value * of for name, value in self.drawn.items()},
            self.unpriced,
            None if self.metals is None else factor * self.metals,
        )


NOTHING = Sums(dict.fromkeys(FIGURES, 0.0), dict.fromkeys(FIGURES, 0.0), False, 0.0)


def added(found: Sequence[Sums]) -> Sums:
    """Return several together."""
    metals = [one.metals for one in found]
    return Sums(
        {name: math.fsum(one.central[name] for one in found) for name in FIGURES},
        {name: sum(one.drawn[name] for one in found) for name in FIGURES},
        any(one.unpriced for one in found),
        None if None in metals else math.fsum(m for m in metals if m is not None),
    )


def _of_stage(stage: Stage, made: tuple[Piece, ...], shared: Shared) -> Sums:
    """Return a stage's sums: its pieces, as often as it happens, within the range of its amount."""
    return added([_of_piece(p, shared) for p in made] or [NOTHING]).times(
        stage.count, amounts(stage.name, stage.amount_range)
    )


def _of_piece(p: Piece, shared: Shared) -> Sums:
    f: Footprint = p.assessment.footprint
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
    return Sums(
        {**{name: p.times * value for name, value in central.items()}, "cost_usd": usd, "device_hours": p.device_hours},
        {
            **{name: p.times * value for name, value in drawn.items()},
            "cost_usd": usd * slower, "device_hours": p.device_hours * slower,
        },
        p.usd is None,
        None if f.metals_kg_sb is None else p.times * f.metals_kg_sb,
    )  # fmt: skip


def _share(stage: Share, sums: Mapping[str, Sums], shares: set[str]) -> Sums:
    """Return a share of other stages, whose errors it has."""
    names = (stage.of,) if isinstance(stage.of, str) else stage.of
    wrong = next((name for name in names if name not in sums or name in shares), None if names else "")
    if wrong is not None:
        others = [name for name in sums if name not in shares]
        raise InputError(
            "a share of a share" if wrong in shares else "a share of no stage", where=f"stage {stage.name!r}", key="of",
            value=wrong, suggestion=nearest(wrong, others), allowed=", ".join(others) or "stages that are no shares",
            remedy="name one of these stages, or several" if others else "add the stage that it is a share of",
        )  # fmt: skip
    one = added([sums[name] for name in names])
    return one.times(stage.count * stage.given("share"), amounts(stage.name, stage.amount_range))


def accounted(found: Sequence[Sums]) -> Accounted:
    """Return sums with their intervals."""
    one = added(found)
    spans = ends({name: [one.drawn[name]] for name in FIGURES}, one.central)
    return Accounted(**one.central, unpriced=one.unpriced, metals_kg_sb=one.metals, intervals=spans)


def alone(names: Sequence[str], stages: Mapping[str, Stage], made: Mapping[str, tuple[Piece, ...]]) -> list[Sums]:
    """Return the sums of some stages, drawn as if they were all there is: one has the very draws of its own answer."""
    of = [stage.of for name in names if isinstance(stage := stages[name], Share)]
    used = {*names, *(name for one in of for name in ((one,) if isinstance(one, str) else one))}
    found = summed({name: stage for name, stage in stages.items() if name in used}, made)
    return [found[name] for name in names]


def summed(stages: Mapping[str, Stage], made: Mapping[str, tuple[Piece, ...]]) -> dict[str, Sums]:
    """Return the sums of stages, drawn together."""
    shared = Shared((p.assessment, p.clock) for name in stages for p in made[name])
    sums = {name: _of_stage(stage, made[name], shared) for name, stage in stages.items()}
    shares = {name for name, stage in stages.items() if isinstance(stage, Share)}
    return sums | {name: _share(stage, sums, shares) for name, stage in stages.items() if isinstance(stage, Share)}


def development(before: Sequence[Sums], final: Sequence[Sums]) -> tuple[float, float, float]:
    """Return the share of development in the energy of development and final training, with its 90 % interval."""
    if not before:
        return 0.0, 0.0, 0.0
    a, b = added(before), added(final or [NOTHING])
    both = a.central["energy_kwh"] + b.central["energy_kwh"]
    if not both > 0.0:  # too little to be told
        return 0.0, 0.0, 0.0
    value = a.central["energy_kwh"] / both
    drawn = a.drawn["energy_kwh"] / (a.drawn["energy_kwh"] + b.drawn["energy_kwh"])
    low, high = ends({"share": [drawn]}, {"share": value})["share"]
    return value, low, high

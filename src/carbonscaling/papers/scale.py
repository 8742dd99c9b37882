"""The papers' family on any device by the papers' own engine: how far training scales, size by size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace

from carbonscaling.carbon.footprint import FootprintParts, footprint
from carbonscaling.catalog import laws
from carbonscaling.errors import InputError
from carbonscaling.laws.paper import PaperFamily, PaperModel
from carbonscaling.papers.engine import Best, fewest_devices
from carbonscaling.papers.realisation import realisation
from carbonscaling.papers.variants import Engine, chip, training, variant
from carbonscaling.record import dataclass
from carbonscaling.study.resolve import resolve
from carbonscaling.study.scale import default_sizes
from carbonscaling.study.scenario import Scenario
from carbonscaling.units import DAY

__all__ = ["EnginePoint", "engine_curve", "engine_of"]

TAKEN = frozenset(
    ("law", "device", "host", "nic_gbps", "max_devices", "max_days", "precision", "region", "carbon_intensity_g_per_kwh", "pue",
     "lifetime_years", "carbon_mode", "paper_version", "amortisation", "shared_hosts", "factors", "years_ahead", "cpa_growth")
)  # fmt: skip
"""What the engine and the carbon of its answers follow from."""
DAYS = 90.0
"""The papers' three months."""
UNBOUNDED = 2.0**56
"""Devices where the question names no most: the end of the loop of algorithm 1, 2^50, times 64 experts."""


@dataclass(frozen=True)
class EnginePoint:
    """One size.

    Attributes
    ----------
    model : PaperModel
    batch_tokens : float
        Critical batch.
    deadline_days : float
    best : Best, optional
        None where nothing trains in time.
    duration_s, utilisation : float
        NaN there.
    parts : FootprintParts, optional
    """

    model: PaperModel
    batch_tokens: float
    deadline_days: float
    best: Best | None
    duration_s: float
    utilisation: float
    parts: FootprintParts | None


def engine_of(law: str | None, name: str) -> Engine:
    """Return the engine that a name stands for; "paper" is the law's own version's.

    Raises
    ------
    InputError
        A law that is not of the papers' family, which is all that the engine knows.
    """
    if law not in ("paper_v1", "paper_v2"):
        raise InputError(
            "the papers' engine times the papers' family alone", key="law", value=law, allowed="paper_v1, paper_v2",
            remedy="leave --engine out for any other law",
        )  # fmt: skip
    own = realisation()
    versions: dict[str, Engine] = {"paper_v1": own.engine_v1, "paper_v2": own.engine_v2}
    engines: dict[str, Engine] = {"paper": versions[law], "F": "F", "E": "E", "S": "S"}
    return engines[name]


def _refuse_the_rest(s: Scenario) -> None:
    plain = Scenario()
    ours = [f.name for f in fields(s) if f.name not in TAKEN and getattr(s, f.name) != getattr(plain, f.name)]
    if ours:
        raise InputError(
            "the papers' engine does not take this", key=ours[0], value=getattr(s, ours[0]), allowed=", ".join(sorted(TAKEN)),
            remedy="leave it out, or leave --engine out: this project's kernels take it",
        )  # fmt: skip


def engine_curve(s: Scenario, engine: Engine, sizes: Sequence[float] | None = None, *,
                 aggressive: bool = False) -> list[EnginePoint]:  # fmt: skip
    """Return the fewest devices of every width of a paper's family that train in time.

    Parameters
    ----------
    s : Scenario
        Law, device, deadline (90 days if not given), years ahead, and what its carbon follows from. Without a most of its
        own, as many devices as it takes.
    engine : {"F", "E", "S"}
    sizes : sequence of float, optional
        Widths.
    aggressive : bool
        Critical batch as C^0.33 in place of C^1/6.

    Raises
    ------
    InputError
        What the engine does not take, or no width of the family.
    """
    _refuse_the_rest(s)
    law, days = laws.law(s.law or ""), s.max_days or DAYS
    most = UNBOUNDED if s.max_devices == Scenario().max_devices else float(s.max_devices)
    points = []
    for size in sizes or default_sizes(s.law or ""):
        if not isinstance(law, PaperFamily):
            raise InputError("no law of the papers", key="law", value=s.law, remedy="use paper_v1 or paper_v2")
        model = law.integer(int(size))
        at = replace(s, d_model=int(size), max_days=days)
        r = resolve(at)
        device = chip(resolve(replace(at, years_ahead=0.0)).cluster, r.cluster, r.recipe.format)
        run = training(model, r.recipe.name, aggressive=aggressive)
        best = fewest_devices(variant(engine), device, run, days * DAY, most)
        duration_s = utilisation = float("nan")
        parts = None
        if best is not None:
            duration_s = run.n_tokens / run.batch_tokens * best.step_s
            utilisation = run.step_flops / (best.step_s * best.n_devices * device.peak)
            parts = footprint(r.carbon.numbers, best.n_devices, duration_s, utilisation)
        points.append(EnginePoint(model, run.batch_tokens, days, best, duration_s, utilisation, parts))
    return points

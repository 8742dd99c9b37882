"""What training takes for every size: each kind of device, count and batch searched once, each place and start by formula.

The fastest setting of a kind, count and batch depends neither on the place nor on the hour, so that a search serves all of
them; at one count and batch it is also the setting of least energy, carbon and money, which grow with the time.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import product

import numpy as np

from carbonscaling.carbon.footprint import CarbonNumbers
from carbonscaling.carbon.hourly import Hours, mean_by_start
from carbonscaling.carbon.profile import HourlyProfile
from carbonscaling.catalog.grids import Basis
from carbonscaling.catalog.regions import common_basis
from carbonscaling.catalog.regions import place as place_named
from carbonscaling.errors import InputError
from carbonscaling.hints import NamedTuple
from carbonscaling.search.engine import search
from carbonscaling.study.asked import asked, question_of, space_of
from carbonscaling.study.decide import decided
from carbonscaling.study.hours import file_and_column, hour_of, profile_of
from carbonscaling.study.outcome import held_devices, idle_share, run_footprint, utilisation
from carbonscaling.study.resolve import Resolved, carbon_of
from carbonscaling.study.scenario import Scenario
from carbonscaling.study.together.decision import Decision
from carbonscaling.study.together.sizes import Sizes
from carbonscaling.units import DAY, HOUR, to_si

__all__ = ["Place", "Trained", "places_of", "trained"]


class Place(NamedTuple):
    """Where a run may be: its region, what its intensity counts, the file of its hours, and these; a name for people."""

    name: str
    region: str
    basis: Basis | None
    hourly: str | None
    profile: HourlyProfile | None


class _Run(NamedTuple):
    """The fastest run of a size on one kind and number of devices with one batch, and what its place has no say in."""

    scenario: Scenario
    resolved: Resolved
    duration_s: float
    n_devices: int
    idle_share: float
    mfu: float


class Trained(NamedTuple):
    """The best training of a size.

    Attributes
    ----------
    takes : float
        In the unit of the objective; infinite where none ends in time.
    scenario : Scenario, optional
        The question whose estimate it is.
    place : Place, optional
    """

    takes: float
    scenario: Scenario | None = None
    place: Place | None = None


def places_of(d: Decision) -> tuple[Place, ...]:
    """Return where a run may be.

    Raises
    ------
    InputError
        The file of hours cannot be used, or the regions have no basis in common.
    """
    if d.hourly is None:
        basis = common_basis(map(place_named, d.regions), d.basis) if len(d.regions) > 1 else d.basis
        return tuple(Place(region, region, basis, None, None) for region in d.regions)
    path, column = file_and_column(d.hourly)
    files = [f"{path}:{name}" for name in d.columns] or [d.hourly]
    names = d.columns or (column or d.regions[0],)
    return tuple(
        Place(name, d.regions[0], d.basis, file, profile_of(Scenario(hourly=file, basis=d.basis)))
        for name, file in zip(names, files, strict=True)
    )


def n_ways(d: Decision, places: Sequence[Place]) -> int:
    """Return how many trainings of a size are decided between."""
    starts = [1 if p.profile is None else len(d.starts or p.profile.g_per_kwh) for p in places]
    return len(d.devices) * len(d.counts) * max(1, len(d.batches)) * sum(starts)


def trained(d: Decision, sizes: Sizes, places: Sequence[Place]) -> list[Trained]:
    """Return the best training of every size by the objective; of equals the one with least carbon."""
    best: list[tuple[tuple[float, float], Trained]] = [((math.inf, math.inf), Trained(math.inf))] * len(sizes.specs)
    for kind in d.devices:
        place_runs = _searched(d, sizes, kind)
        kept = [(i, run) for i, run in place_runs if run.duration_s <= d.within_days * DAY]
        if not kept:
            continue
        if d.objective == "cost" and kept[0][1].resolved.price is None:
            raise InputError(f"no price is known for {kind}", key="devices", value=kind,
                             remedy="leave it out, or choose another objective")  # fmt: skip
        for place in places:
            for (i, run), (key, start) in zip(kept, _taken(d, [run for _, run in kept], place), strict=True):
                if key < best[i][0]:
                    s = replace(
                        run.scenario, region=place.region, basis=place.basis, hourly=place.hourly, start_hour=start
                    )
                    best[i] = key, Trained(key[0], s, place)
    return [found for _, found in best]


def _searched(d: Decision, sizes: Sizes, kind: str) -> list[tuple[int, _Run]]:
    """Return the fastest run of every size, count and batch on a kind of device, with the place of its size."""
    found, like = [], None
    ways: Iterable[tuple[int, int | None]] = product(d.counts, d.batches or (None,))
    for (i, spec), (count, batch) in product(enumerate(sizes.specs), tuple(ways)):
        s, r, counts, deadline = asked(
            Scenario(
                model=spec, tokens=float(sizes.n_tokens[i]), device=kind, devices=count, batch=batch, objective="time",
                precision=d.precision, pue=d.pue,
            ), "estimate", like,
        )  # fmt: skip
        like, space = r, space_of(s, r)
        if _least_s(r, count) > d.within_days * DAY:
            continue
        c = search(
            decided(question_of(s, r, counts, deadline), space), space, top=1, near=0.0, prune=True, explain=False
        ).best
        if c is not None:
            mfu = float(utilisation(r, c.step_s, c.setting.n_devices, batch=r.batch_of(c.setting)))
            n = int(held_devices(s, c.setting))
            found.append((i, _Run(s, r, c.duration_s, n, idle_share(s, c.setting), mfu)))
    return found


def _least_s(r: Resolved, count: int) -> float:
    """Return seconds below which no run ends: the FLOPs of the model at peak, with the fewest tokens that a batch needs."""
    return float(r.tokens_at(min(r.batches.every)) * r.work.model_flops / (count * r.machine.formats.peak_mfu))


def _taken(d: Decision, runs: Sequence[_Run], place: Place) -> list[tuple[tuple[float, float], float]]:
    """Return what runs on one kind of device take in a place (objective, carbon), and from which hour on."""
    r = runs[0].resolved
    s = replace(runs[0].scenario, region=place.region, basis=place.basis)
    numbers: CarbonNumbers = carbon_of(s, r.cluster).numbers
    duration, n, idle, mfu = (
        np.array([getattr(run, name) for run in runs], dtype=float)
        for name in ("duration_s", "n_devices", "idle_share", "mfu")
    )
    found = [_start(d, place, float(t) / HOUR) for t in duration]
    if place.profile is not None:
        numbers = numbers._replace(carbon_intensity=np.array([to_si(g, "g/kWh") for _, g in found]))
    price = math.nan if r.price is None else r.price.si
    run = run_footprint(numbers._replace(idle_share=idle), n, duration, mfu, price, None)
    by = {"energy": run.parts.energy_j, "carbon": run.total_kg, "cost": run.cost_usd}
    taken = np.asarray(by[d.objective], dtype=float).tolist()
    carbon = np.asarray(run.total_kg, dtype=float).tolist()
    return [(key, start) for key, (start, _) in zip(zip(taken, carbon, strict=True), found, strict=True)]


def _start(d: Decision, place: Place, duration_h: float) -> tuple[float, float]:
    """Return the cleanest start of a run of this length, in hours of the profile, and the intensity that it meets there."""
    profile = place.profile
    if profile is None:
        return 0.0, math.nan
    if d.starts:
        begins = [hour_of(start, profile) for start in d.starts]
        met = [float(Hours(profile, hour).mean(duration_h)) for hour in begins]
        return begins[int(np.argmin(met))], min(met)
    every = mean_by_start(profile, duration_h)
    return float(every.argmin()) * profile.step_h, float(every.min())

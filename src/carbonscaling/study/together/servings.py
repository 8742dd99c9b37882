"""What a served token takes for every size: each kind of device, layout, number in flight and place, at full load."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from carbonscaling.arrays import Array
from carbonscaling.errors import InputError
from carbonscaling.hints import NamedTuple
from carbonscaling.serving.asked import carbon_of, price_of, question_of
from carbonscaling.serving.factors import shipped_factors
from carbonscaling.serving.load import Mean, day_of
from carbonscaling.serving.predict import predict, worked
from carbonscaling.serving.question import Question
from carbonscaling.serving.scenario import Serving
from carbonscaling.serving.search import ways
from carbonscaling.study.together.decision import Decision
from carbonscaling.study.together.sizes import Sizes
from carbonscaling.study.together.trainings import Place
from carbonscaling.units import DAY

__all__ = ["ServedToken", "served"]


class ServedToken(NamedTuple):
    """The best serving of a size: what a token takes, and the question whose `inference` it is."""

    takes: float
    serving: Serving | None = None


def served(d: Decision, sizes: Sizes, places: Sequence[Place]) -> tuple[list[ServedToken], int]:
    """Return the best serving of every size by the objective, of equals the one with least carbon; and how many were tried
    over all sizes of the grid.

    Raises
    ------
    InputError
        No device holds any size, or no price is known.
    """
    nothing = (math.inf, math.inf)
    best: list[tuple[tuple[float, float], ServedToken]] = [(nothing, ServedToken(math.inf))] * len(sizes.specs)
    tried = 0
    for kind in d.serve_devices or d.devices:
        asked = [(i, s, way) for i, s in _asked(d, sizes, kind) for way in ways(s, question_of(s))]
        if not asked:
            continue
        told = predict(worked([way for *_, way in asked]), shipped_factors())
        tried += sum(i < len(best) - sizes.compared for i, *_ in asked) * len(places)
        for place in places:
            keys = _taken(d, asked[0][1], asked, place, told.speed, told.watts)
            for (i, s, way), key in zip(asked, keys, strict=True):
                if key < best[i][0]:
                    of_it = way.layout
                    layout = replace(s, tp=int(of_it.tp), pp=int(of_it.pp), ep=int(of_it.ep), in_flight=way.in_flight)
                    best[i] = key, ServedToken(key[0], in_place(layout, place))
    if not any(math.isfinite(found.takes) for _, found in best):
        raise InputError("no device holds any of these sizes", key="serve_devices", value=", ".join(d.serve_devices),
                         remedy="choose a larger device, or weights in fewer bits")  # fmt: skip
    return [found for _, found in best], tried


def _asked(d: Decision, sizes: Sizes, kind: str) -> list[tuple[int, Serving]]:
    plain = Serving(device=kind, engine=d.engine, weights=d.weights, prompt=d.prompt, output=d.output, pue=d.pue)
    return [(i, replace(plain, model=spec, in_flight=n)) for i, spec in enumerate(sizes.specs) for n in d.in_flight]


def in_place(s: Serving, place: Place) -> Serving:
    """Return the serving there: of a place with hours, in the mean of all of them."""
    if place.profile is None:
        return replace(s, region=place.region, basis=place.basis)
    return replace(s, region=place.region, carbon_intensity_g_per_kwh=place.profile.average)


def _taken(
    d: Decision, s: Serving, asked: Sequence[tuple[int, Serving, Question]], place: Place, speed: Array, watts: Array
) -> list[tuple[float, float]]:
    """Return what a token takes (objective, carbon) in a place."""
    cluster, here = asked[0][2].cluster, in_place(s, place)
    n = np.array([float(way.layout.devices) for *_, way in asked])
    parts = day_of(carbon_of(here, cluster).numbers, n, Mean(watts))
    tokens = speed * n * DAY
    price = price_of(here, cluster)
    if d.objective == "cost" and price is None:
        raise InputError(f"no price is known for {s.device}", key="serve_devices", value=s.device,
                         remedy="leave it out, or choose another objective")  # fmt: skip
    usd = math.nan if price is None else price * 24.0 * n
    by = {"energy": parts.energy_j, "carbon": parts.total_kg, "cost": usd}
    taken, carbon = np.asarray(by[d.objective] / tokens), np.asarray(parts.total_kg / tokens)
    return list(zip(taken.tolist(), carbon.tolist(), strict=True))

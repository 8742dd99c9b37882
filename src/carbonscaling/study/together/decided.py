"""Sizes beside each other with the best training and the best serving of each: the least of all combinations."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import numpy as np

from carbonscaling.arrays import Array
from carbonscaling.catalog.laws import law_row
from carbonscaling.errors import InputError
from carbonscaling.hints import NamedTuple
from carbonscaling.record import dataclass, stated
from carbonscaling.serving.answer import Served, inference
from carbonscaling.serving.lifetime import envelope, served_flops, training_flops
from carbonscaling.serving.said import cut_notes
from carbonscaling.study.answer import estimate, sources_used
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.together.decision import UNITS, Decision
from carbonscaling.study.together.servings import ServedToken, served
from carbonscaling.study.together.sizes import Sizes, sizes_of
from carbonscaling.study.together.trainings import Trained, n_ways, places_of, trained

__all__ = ["BreakEven", "Decided", "decide"]

MOST_ROWS = 240
"""Sizes that plain data list."""


class BreakEven(NamedTuple):
    """From how many served tokens on a size takes the least, and the 90 % interval of that number."""

    served: float
    place: int
    low: float
    high: float


@dataclass(frozen=True)
class Decided:
    """Sizes beside each other.

    Attributes
    ----------
    decision : Decision
    sizes : Sizes
    training, per_token : array
        Of every size: what the best training takes, and what a served token takes, in `unit`.
    trainings : tuple of Trained
    servings : tuple of ServedToken
        How these come about; empty by FLOPs.
    best : int
        Place of the least at the served tokens.
    estimate : Estimate, optional
        The best size's training.
    inference : Served, optional
        The best size's serving.
    combinations : int
        Combinations of all that may be chosen, of which it is the least.
    errors : (float, float), (float, float)
        5th and 95th percentile of the training over its central value, and of the serving.
    break_even : tuple of BreakEven
        From how many served tokens on which size takes the least.
    """

    decision: Decision
    sizes: Sizes
    training: Array
    per_token: Array
    trainings: tuple[Trained, ...]
    servings: tuple[ServedToken, ...]
    best: int
    estimate: Estimate | None
    inference: Served | None
    combinations: int
    errors: tuple[tuple[float, float], tuple[float, float]]
    break_even: tuple[BreakEven, ...]

    @property
    def unit(self) -> str:
        """Unit of what is least."""
        return UNITS[self.decision.objective]

    @property
    def loss(self) -> float:
        """Loss that all sizes reach."""
        return self.sizes.loss

    @property
    def n_params(self) -> Array:
        """Parameters of every size."""
        return self.sizes.n_params

    @property
    def n_tokens(self) -> Array:
        """Training tokens of every size."""
        return self.sizes.n_tokens

    @property
    def n_grid(self) -> int:
        """Sizes of the grid; the one that is compared with stands after them."""
        return len(self.training) - self.sizes.compared

    def total(self, place: int) -> float:
        """Return what a size takes in all."""
        return float(self.training[place] + self.per_token[place] * self.decision.served_tokens)

    def interval(self, place: int) -> tuple[float, float]:
        """Return the 90 % interval of a total: the errors of training and of serving have nothing to do with each other."""
        parts = float(self.training[place]), float(self.per_token[place] * self.decision.served_tokens)
        low, high = (
            math.hypot(*(part * (error[end] - 1.0) for part, error in zip(parts, self.errors, strict=True)))
            for end in (0, 1)
        )
        return sum(parts) - low, sum(parts) + high

    def beats_compared_from(self) -> float | None:
        """Return the served tokens from which on the best size takes less than the one to compare with; None where never."""
        if not self.sizes.compared:
            return None
        gained = float(self.per_token[-1] - self.per_token[self.best])
        spent = float(self.training[self.best] - self.training[-1])
        return max(0.0, spent / gained) if gained > 0.0 and math.isfinite(spent) else None

    def params_range(self) -> tuple[float, float]:
        """Return the sizes that take the least where training is at one end of its interval and serving at the other."""
        grid, n = slice(self.n_grid), self.decision.served_tokens
        (a, b), (c, d) = self.errors
        ends = [
            float(self.n_params[int(np.argmin(t * self.training[grid] + s * self.per_token[grid] * n))])
            for t, s in ((b, c), (a, d))
        ]
        return min(ends), max(ends)

    def summary(self) -> dict[str, Any]:
        """Return the figures, units in the names."""
        best, total, d = self.best, self.total(self.best), self.decision
        given = self.total(len(self.training) - 1) if self.sizes.compared else math.nan
        known = math.isfinite(given)
        found: dict[str, Any] = {
            "law": d.law, "loss": self.loss, "objective": d.objective, "unit": self.unit,
            "served_tokens": d.served_tokens, "params": float(self.n_params[best]),
            "tokens": float(self.n_tokens[best]), "training": float(self.training[best]),
            "serving": total - float(self.training[best]), "per_served_token": float(self.per_token[best]), "total": total,
            "interval": self.interval(best), "compared_with": given if known else None,
            "compared_tokens": float(self.n_tokens[-1]) if known else None,
            "saved": given - total if known else None, "saved_share": 1.0 - total / given if known else None,
            "less_than_compared_from": self.beats_compared_from(), "params_range": self.params_range(),
            "combinations": self.combinations,
            "unreached": list(self.sizes.unreached),
            "break_even": [
                {"served_tokens": b.served, "interval": (b.low, b.high), "params": float(self.n_params[b.place]),
                 "tokens": float(self.n_tokens[b.place])}
                for b in self.break_even
            ],
        }  # fmt: skip
        if self.estimate is not None and self.inference is not None:
            where, run = self.trainings[best].place, self.estimate
            assert where is not None
            found["train"] = {
                "device": run.scenario.device, "n_devices": run.n_devices, "batch": run.resolved.batch, "place": where.name,
                "start_hour": run.scenario.start_hour if where.profile else None,
                "start": where.profile.at(run.scenario.start_hour) if where.profile else None,
                "days": run.summary()["duration_days"], "energy_kwh": run.footprint.energy_kwh,
                "total_tco2e": run.footprint.total_tco2e, "cost_usd": run.cost_usd,
            }  # fmt: skip
            q = self.inference.question
            notes = cut_notes(self.inference.scenario, q)
            if q.in_flight not in self.decision.in_flight:
                notes = (f"fewer requests in flight than asked for: a copy's memory holds {q.in_flight:,.10g}", *notes)
            found["serve"] = self.inference.summary() | {"notes": list(notes)}
        return found

    def rows(self) -> list[dict[str, Any]]:
        """Return what the sizes of the grid take, by size: all, or every so manieth and all that win somewhere."""
        grid = sorted((i for i in range(self.n_grid) if math.isfinite(self.total(i))), key=self.n_params.__getitem__)
        winners = {self.best, *(point.place for point in self.break_even)}
        step = -(-len(grid) // MOST_ROWS)
        return [
            {"params": float(self.n_params[i]), "tokens": float(self.n_tokens[i]), "training": float(self.training[i]),
             "per_served_token": float(self.per_token[i]), "total": self.total(i), "interval": self.interval(i)}
            for rank, i in enumerate(grid) if rank % step == 0 or rank == len(grid) - 1 or i in winners
        ]  # fmt: skip

    def sources(self) -> tuple[str, ...]:
        """Return the reference keys of the law and of what trains, sorted."""
        law = {datum.source for datum in law_row(self.decision.law).coefficients.values()}
        return tuple(sorted(law | set(sources_used(self.estimate) if self.estimate is not None else ())))

    def to_dict(self) -> dict[str, Any]:
        """Return question and answer, what each size takes, and the works behind it, as plain data."""
        return {
            "decision": asdict(self.decision), "answer": self.summary(), "sizes": self.rows(), "sources": self.sources(),
        }  # fmt: skip


def decide(decision: Decision | None = None, /, **fields: Any) -> Decided:
    """Decide size and training tokens with devices, batch, place and start of the training, and with the serving.

    Exact over its grid: what a size takes is a line in the served tokens, whose constant is the least of all its trainings
    and whose slope is the least of all its servings, because neither has a say in the other.

    Parameters
    ----------
    decision : Decision, optional
    **fields
        Fields of `Decision`, in place of the decision's.

    Raises
    ------
    InputError
        A name is unknown, a value out of range, no size reaches the loss, or none can be trained and served.
    """
    d = stated(Decision, decision, fields)
    sizes = sizes_of(d)
    if d.objective == "flops":
        trains, serves = training_flops(sizes.n_params, sizes.n_tokens), served_flops(sizes.n_params, 1.0)
        n_grid = len(sizes.n_params) - sizes.compared
        return _decided(d, sizes, np.asarray(trains), np.asarray(serves), (), (), n_grid)
    places = places_of(d)
    runs, (tokens, n_servings) = trained(d, sizes, places), served(d, sizes, places)
    fixed, slope = np.array([run.takes for run in runs]), np.array([token.takes for token in tokens])
    n_grid = len(fixed) - sizes.compared
    if not np.isfinite(fixed[:n_grid] + slope[:n_grid]).any():
        raise InputError(
            "no size is trained in time", key="within_days", value=d.within_days,
            allowed="a size that fits on one of the counts of devices", remedy="give more days, or higher counts",
        )  # fmt: skip
    return _decided(d, sizes, fixed, slope, tuple(runs), tuple(tokens), n_ways(d, places) * n_servings)


def _decided(
    d: Decision, sizes: Sizes, fixed: Array, slope: Array, runs: tuple[Trained, ...], tokens: tuple[ServedToken, ...],
    combinations: int,
) -> Decided:  # fmt: skip
    n_grid = len(fixed) - sizes.compared
    best = int(np.argmin(fixed[:n_grid] + slope[:n_grid] * d.served_tokens))
    run = token = None
    errors = ((1.0, 1.0), (1.0, 1.0))
    if runs:
        scenario, serving = runs[best].scenario, tokens[best].serving
        assert scenario is not None
        assert serving is not None
        answer, token = estimate(scenario), inference(serving)
        assert isinstance(answer, Estimate)
        run = answer
        errors = _training_error(d, run), _serving_error(d, token)
    (a, b), (c, e) = errors
    lower, upper = (math.exp(math.hypot(math.log(x), math.log(y))) for x, y in ((a, e), (b, c)))
    points = tuple(
        BreakEven(point.served, point.place, point.served / lower, point.served * upper)
        for point in envelope(fixed[:n_grid], slope[:n_grid])
    )
    return Decided(d, sizes, fixed, slope, runs, tokens, best, run, token, combinations, errors, points)


def _training_error(d: Decision, run: Estimate) -> tuple[float, float]:
    """Return the ends of a training's 90 % interval over its central value."""
    central = {
        "energy": run.footprint.energy_kwh,
        "carbon": run.footprint.total_tco2e,
        "cost": run.cost_usd or math.nan,
    }
    name = {"energy": "energy_kwh", "carbon": "carbon_total_tco2e", "cost": "cost_usd"}[d.objective]
    low, high = run.intervals[name]
    return low / central[d.objective], high / central[d.objective]


def _serving_error(d: Decision, token: Served) -> tuple[float, float]:
    """Return the ends of a serving's 90 % interval over its central value."""
    if d.objective == "cost":
        low, high = token.intervals["speed"]
        return token.speed / high, token.speed / low
    f = token.footprint
    name, central = ("energy_kwh", f.energy_kwh) if d.objective == "energy" else ("total_tco2e", f.total_tco2e)
    low, high = f.intervals[name]
    return low / central, high / central

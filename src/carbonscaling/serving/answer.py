"""The answer to a serving: devices and layout, speed and latencies, watts, energy, carbon and money a request."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from carbonscaling.arrays import Array, Number
from carbonscaling.carbon.assess import CarbonModel
from carbonscaling.carbon.assessment import Assessment
from carbonscaling.carbon.coefficients import Values
from carbonscaling.carbon.footprint import CarbonNumbers
from carbonscaling.carbon.result import Footprint
from carbonscaling.errors import InputError, NothingFitsError
from carbonscaling.record import dataclass, stated
from carbonscaling.serving.asked import carbon_of, price_of, question_of
from carbonscaling.serving.cycle import TERMS
from carbonscaling.serving.factors import shipped_factors
from carbonscaling.serving.load import Mean, at_mean, day_of, mean_at
from carbonscaling.serving.numbers import Layout
from carbonscaling.serving.predict import Predicted, predict, worked
from carbonscaling.serving.question import Question
from carbonscaling.serving.said import notes_of
from carbonscaling.serving.scenario import Objective, Serving
from carbonscaling.serving.search import DEGREES, MOST_STAGES, copies_for, ways
from carbonscaling.serving.width import interval, kind_of
from carbonscaling.sources import Datum
from carbonscaling.units import DAY
from carbonscaling.words import counted, plain

__all__ = ["Served", "inference"]

Indices = NDArray[np.intp]

YEAR = 365.25 * DAY
_FIGURES = {
    "devices": ("n_devices", "devices"), "cost": ("usd_per_million_tokens", "USD a million output tokens"),
    "energy": ("wh_per_request", "Wh a request"), "carbon": ("g_co2e_per_request", "g CO2e a request"),
}  # fmt: skip
"""The figure that an objective is about, for people."""


@dataclass(frozen=True)
class Served:
    """What a serving takes; intervals hold 90 %.

    Attributes
    ----------
    scenario : Serving
    question : Question
        With the layout and the requests in flight that were chosen.
    copies : int
        Copies of the model.
    speed, watts, joules : float
        At peak: output tokens a second and device, W of a device, J of the devices an output token.
    mean_watts, mean_joules : float
        The same at mean load, idle time included.
    tpot_s, ttft_s : float
    intervals : dict of str to (float, float)
        Of speed, watts, joules.
    kind : str
        What is known of servings like it.
    tokens_per_day, requests_per_day : float
        At mean load.
    assessment : Assessment
        Of a day.
    footprint : Footprint
        Its footprint.
    cost_usd_per_day : float, optional
    n_ways : int
        Layouts and numbers in flight that were compared.
    by_in_flight : tuple of (float, float, float, float)
        Requests in flight on this layout, output tokens a second and device, J an output token, s between tokens.
    seconds : dict of str to float
        Share of a cycle by cause.
    """

    scenario: Serving
    question: Question
    copies: int
    speed: float
    watts: float
    joules: float
    mean_watts: float
    mean_joules: float
    tpot_s: float
    ttft_s: float
    intervals: dict[str, tuple[float, float]]
    kind: str
    tokens_per_day: float
    requests_per_day: float
    assessment: Assessment
    footprint: Footprint
    cost_usd_per_day: float | None
    n_ways: int
    by_in_flight: tuple[tuple[float, float, float, float], ...]
    seconds: dict[str, float]

    def __repr__(self) -> str:
        """Return the headline and the energy and carbon of a request; printed too."""
        a = self.summary()
        low, high = a["wh_per_request_interval"]
        return (
            f"{self.headline}\n"
            f"A request takes {plain(a['wh_per_request'])} Wh (between {plain(low)} and {plain(high)}) and "
            f"{plain(a['g_co2e_per_request'])} g CO2e."
        )

    @property
    def headline(self) -> str:
        """What serves, in a sentence."""
        q, at = self.question, self.layout
        layout = f"TP {at.tp:g}, PP {at.pp:g}" + (f", EP {at.ep:g}" if at.ep > 1 else "")
        said = (
            f"Serve {q.spec.name} ({q.weights.name}, {self.scenario.engine}): {self.n_devices:,} x {q.cluster.device.name}, "
            f"{self.copies:,} {'copy' if self.copies == 1 else 'copies'} at {layout}, "
            f"{counted(q.in_flight or 0.0, 'request')} in flight each."
        )
        return said + (f" {self.prompt_copies:,} of the copies work out prompts." if self.prompt_copies else "")

    @cached_property
    def with_pipelines(self) -> Served | None:
        """The best with a number of pipeline stages, where that is better by a percent at least; stages are not searched."""
        s, found = self.scenario, []
        for pp in (p for p in DEGREES if 1 < p <= min(MOST_STAGES, self.question.spec.n_layers) and s.pp is None):
            with suppress(InputError):  # nothing fits, or is quick enough
                found.append(inference(replace(s, pp=pp)))
        best = min(found, key=lambda one: one.of_a_token(s.objective), default=None)
        return best if best and best.of_a_token(s.objective) < 0.99 * self.of_a_token(s.objective) else None

    def of_a_token(self, objective: Objective) -> float:
        """Return what an output token takes by an objective: devices, which money follows, kWh or tonnes."""
        tokens, f = self.tokens_per_day, self.footprint
        if objective in ("devices", "cost"):
            return self.n_devices / tokens
        return (f.total_tco2e if objective == "carbon" else f.energy_kwh) / tokens

    @property
    def notes(self) -> tuple[str, ...]:
        """What was cut, assumed or shared, and what was not searched and would be better."""
        notes, other = notes_of(self.scenario, self.question, self.n_devices), self.with_pipelines
        if other is None:
            return notes
        at, figure = int(other.layout.pp), _FIGURES[self.scenario.objective]
        if self.scenario.requests_per_day is None and self.scenario.objective == "devices":
            figure = ("tokens_per_s_per_device", "output tokens/s a device")
        key, words = figure
        mine, its = (one.summary()[key if one.summary()[key] is not None else "n_devices"] for one in (self, other))
        which = f"more than {self.layout.pp:g} pipeline stages" if self.layout.pp > 1 else "pipelines"
        return (*notes, f"{which} are not searched, as few measured servings have them: with --pp {at} it would be "
                        f"{plain(its)} {words} in place of {plain(mine)}")  # fmt: skip

    @property
    def layout(self) -> Layout:
        """Layout of one copy."""
        return self.question.layout

    @property
    def prompt_copies(self) -> int:
        """Copies that work prompts out where those are apart: the share of a balanced cycle that prompts take."""
        if not self.scenario.disaggregated:
            return 0
        return min(max(round(self.seconds["prefill"] * self.copies), 1), self.copies - 1)

    @property
    def is_measured(self) -> bool:
        """Whether servings by this engine were learnt from; without them its speed is that of engines in general."""
        return f"engine {self.question.engine.family}" in shipped_factors().time.rows

    @property
    def n_devices(self) -> int:
        """Devices of all copies."""
        return int(self.copies * self.layout.devices)

    def summary(self) -> dict[str, Any]:
        """Return the figures, units in the names."""
        f, q = self.footprint, self.question
        requests, tokens = self.requests_per_day, self.tokens_per_day
        kg = 1e3 * f.total_tco2e
        return {
            "model": q.spec.name, "device": q.cluster.device.id, "engine": self.scenario.engine,
            "engine_measured": self.is_measured, "weights": q.weights.name,
            "kv_cache": q.kv.name, "n_devices": self.n_devices, "copies": self.copies,
            "prompt_copies": self.prompt_copies, "tp": int(self.layout.tp),
            "pp": int(self.layout.pp), "ep": int(self.layout.ep), "in_flight": q.in_flight,
            "tokens_per_s_per_device": self.speed, "tokens_per_s_interval": self.intervals["speed"],
            "tpot_s": self.tpot_s, "ttft_s": self.ttft_s, "watts_per_device": self.watts,
            "watts_interval": self.intervals["watts"], "joules_per_token": self.joules,
            "joules_interval": self.intervals["joules"], "mean_watts_per_device": self.mean_watts,
            "mean_joules_per_token": self.mean_joules, "requests_per_day": requests, "tokens_per_day": tokens,
            "device_wh_per_request": self.mean_joules * self.scenario.output / 3600.0,
            "wh_per_request": f.energy_kwh * 1e3 / requests,
            "wh_per_request_interval": tuple(1e3 * x / requests for x in f.intervals["energy_kwh"]),
            "g_co2e_per_request": 1e3 * kg / requests,
            "g_co2e_per_request_interval": tuple(1e6 * x / requests for x in f.intervals["total_tco2e"]),
            "kg_co2e_per_million_tokens": kg / tokens * 1e6, "kwh_per_million_tokens": f.energy_kwh / tokens * 1e6,
            "water_l_per_request": f.water_litres / requests,
            "usd_per_million_tokens": None if self.cost_usd_per_day is None else self.cost_usd_per_day / tokens * 1e6,
            "known": self.kind, "n_ways": self.n_ways,
        }  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """Return question and answer as plain data."""
        return {
            "scenario": asdict(self.scenario),
            "answer": self.summary(),
            "cycle": self.seconds,
            "by_in_flight": self.by_in_flight,
            "notes": list(self.notes),
        }


def drawing(model: CarbonModel, mean: Mean) -> CarbonModel:
    """Return the carbon of devices at a mean load."""

    def drawn(assemble: Any, values: Values) -> CarbonNumbers:
        return at_mean(assemble(values), mean)

    assemble = partial(drawn, model.assemble)
    return replace(model, numbers=at_mean(model.numbers, mean), assemble=assemble)


def _pair(ends: tuple[Number, Number]) -> tuple[float, float]:
    return float(ends[0]), float(ends[1])


def _promised(s: Serving, found: Predicted) -> NDArray[np.bool_]:
    ttft = np.inf if s.ttft_s is None else s.ttft_s
    tpot = np.inf if s.tpot_s is None else s.tpot_s
    return np.asarray((found.ttft_s <= ttft) & (found.tpot_s <= tpot))


def inference(scenario: Serving | None = None, /, **fields: Any) -> Served:
    """Answer a serving: the layout and requests in flight that are best by its objective, each of them tried.

    Parameters
    ----------
    scenario : Serving, optional
    **fields
        Fields of `Serving`, in place of the scenario's.

    Raises
    ------
    InputError
        A name is unknown, a value out of range, or nothing fits or keeps its promises.
    """
    s = stated(Serving, scenario, fields)
    tried = ways(s, question_of(s))
    if not tried:
        raise _too_few(s) or NothingFitsError(
            "no layout holds the model", key="devices", value=s.devices or s.tp,
            remedy="allow more devices or ranks, another device, weights in fewer bits, or shorter requests",
        )  # fmt: skip
    found = predict(worked(tried), shipped_factors())
    kept = np.flatnonzero(_promised(s, found))
    if not len(kept):
        raise NothingFitsError(
            "no layout keeps these latencies", key="tpot_s" if s.tpot_s else "ttft_s", value=s.tpot_s or s.ttft_s,
            allowed=f"tpot_s from {found.tpot_s.min():.4f}, ttft_s from {found.ttft_s.min():.4f}",
            remedy="allow longer times, more ranks, or another device",
        )  # fmt: skip
    copies, total = _copies(s, tried, found)
    if s.devices is not None:
        kept = kept[total[kept] <= s.devices]
        if not len(kept):
            raise _too_few(s) or NothingFitsError(
                "the devices do not serve this demand", key="devices", value=s.devices
            )
    mean_rate = _mean_rate(s)
    rates = found.speed if mean_rate is None else np.minimum(mean_rate / total, found.speed)
    best, mean = _best(s, tried, found, kept, total, rates)
    return _served(s, tried, int(copies[best]), found, best, float(rates[best]), mean)


def _mean_rate(s: Serving) -> float | None:
    return None if s.requests_per_day is None else s.requests_per_day * s.output / DAY


def _copies(s: Serving, tried: list[Question], found: Predicted) -> tuple[Array, Array]:
    """Return the copies of each way that the demand takes, and their devices."""
    devices, mean_rate = np.array([float(way.layout.devices) for way in tried]), _mean_rate(s)
    copies = np.ones(len(tried))
    if mean_rate is not None:
        copies = np.array(
            [copies_for(s.peak * mean_rate, float(v * d)) for v, d in zip(found.speed, devices, strict=True)]
        )
    if s.disaggregated:  # one at least for prompts, one for what follows
        copies = np.maximum(copies, 2.0)
    return copies, copies * devices


def _too_few(s: Serving) -> NothingFitsError | None:
    """Return what is said where more devices would serve; None where no number would, or none was named."""
    if s.devices is None:
        return None
    freely = replace(s, devices=None)
    if not (tried := ways(freely, question_of(freely))):
        return None
    found = predict(worked(tried), shipped_factors())
    least = _copies(s, tried, found)[1][_promised(s, found)]
    return NothingFitsError(
        "the devices do not serve this demand", key="devices", value=s.devices,
        allowed=f"{int(least.min()):,} or more" if len(least) else None,
        remedy="allow more devices, or a lower peak",
    )  # fmt: skip


def _best(
    s: Serving, tried: list[Question], found: Predicted, kept: Indices, total: Array, rates: Array
) -> tuple[int, Mean]:
    """Return the way that is best by the objective at its mean load, and that.

    Devices and money follow the count, and of equals that with the least energy counts; energy and carbon are the day's.
    """
    count = 1.0 / rates if s.requests_per_day is None else total
    if s.objective in ("devices", "cost"):
        kept = kept[count[kept] <= count[kept].min() * (1.0 + 1e-9)]
    mean = Mean(found.watts[kept], np.zeros(len(kept)))
    if s.requests_per_day is not None:
        mean = mean_at(rates[kept], [tried[i] for i in kept], shipped_factors())
    day = day_of(carbon_of(s, tried[0].cluster).numbers, total[kept], mean)
    taken = np.broadcast_to(day.total_kg if s.objective == "carbon" else day.energy_j, kept.shape)
    per_token = taken / (rates * total)[kept]
    at = min(range(len(kept)), key=lambda i: (float(per_token[i]), float(count[kept[i]])))
    return int(kept[at]), Mean(*(float(np.asarray(value)[at]) for value in mean))


def _served(
    s: Serving, tried: list[Question], copies: int, found: Predicted, i: int, rate: float, mean: Mean
) -> Served:
    q = tried[i]
    same = [k for k, way in enumerate(tried) if way.layout == q.layout]
    n = int(copies * q.layout.devices)
    speed, watts, joules = float(found.speed[i]), float(found.watts[i]), float(found.joules[i])
    factors, mean_watts = shipped_factors(), float(mean.watts)
    kind = kind_of(q, factors)
    ends = {
        name: _pair(interval(value, name, kind, q.output, factors, most))
        for name, value, most in (
            ("speed", speed, np.inf), ("watts", watts, q.cluster.device.tdp.si), ("joules", joules, np.inf)
        )
    }  # fmt: skip
    low, high = (end / joules for end in ends["joules"])
    carbon = drawing(carbon_of(s, q.cluster), mean)
    time = Datum(1.0, "1", "ml_energy", low=low, high=high, basis="left-out servings")
    assessment = Assessment(carbon, n, DAY, 1.0, time)
    hourly = price_of(s, q.cluster)
    tokens = rate * n * DAY
    total = found.seconds[:, i].sum()
    return Served(
        scenario=s, question=q, copies=copies, speed=speed, watts=watts, joules=joules, mean_watts=mean_watts,
        mean_joules=mean_watts / rate, tpot_s=float(found.tpot_s[i]), ttft_s=float(found.ttft_s[i]),
        intervals=ends, kind=kind, tokens_per_day=tokens, requests_per_day=tokens / s.output,
        assessment=assessment, footprint=assessment.footprint,
        cost_usd_per_day=None if hourly is None else hourly * 24.0 * n, n_ways=len(tried),
        by_in_flight=tuple(
            (tried[k].in_flight or 0.0, float(found.speed[k]), float(found.joules[k]), float(found.tpot_s[k]))
            for k in same
        ),
        seconds={name: float(v / total) for name, v in zip(TERMS, found.seconds[:, i], strict=True)},
    )  # fmt: skip

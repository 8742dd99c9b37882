"""How firm an answer is: constants drawn from their ranges, the estimate and the search itself run again on each draw."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import numpy as np

from carbonscaling.arrays import stacked
from carbonscaling.carbon.footprint import CarbonNumbers
from carbonscaling.carbon.uncertainty import draws, interval, sample_factor
from carbonscaling.perf.efficiency import Efficiency
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.numbers import Number, Setting
from carbonscaling.perf.step import step_time
from carbonscaling.record import dataclass
from carbonscaling.search.engine import Question, search
from carbonscaling.search.objectives import OBJECTIVES
from carbonscaling.search.space import Space
from carbonscaling.sources import Datum
from carbonscaling.study.outcome import Takes, held_devices, takes, utilisation
from carbonscaling.study.resolve import Resolved
from carbonscaling.study.shown import setting_words
from carbonscaling.units import DAY, TONNE

__all__ = ["Robustness", "Sample", "robustness", "sample_constants"]


AT_MOST_ONE = {
    "gemm", "grouped", "memory", "attention_forward", "attention_backward", "attention_portable",
    "attention_first", "batched", "row_scaled", "link", "nic", "overlap", "tp_overlap", "ep_overlap",
    "scatter_beside",
}  # fmt: skip
"""Efficiencies that are shares."""


@dataclass(frozen=True)
class Sample:
    """Constants of one or of many draws: the machine, the run overhead, the carbon coefficients."""

    machine: Machine
    overhead: Number
    carbon: CarbonNumbers


@dataclass(frozen=True)
class Robustness:
    """What uncertain constants do to an answer.

    Attributes
    ----------
    n_samples, n_searches : int
        Draws with the setting held, and with the search run again.
    duration_days, carbon_tco2e, mfu : tuple of float
        5th percentile, central value, 95th percentile of the setting held.
    changed : float
        Share of searches that a setting other than the central one wins.
    regret : float
        Mean loss in the objective's first key from keeping the central setting, where it still fits in time.
    unfit : float
        Share of searches in which the central setting does not fit or misses the deadline, or nothing does.
    winners : tuple of (str, float)
        Winning settings with their share of the searches, most frequent first.
    sample_s, search_s : float
        Seconds that the two took.
    """

    n_samples: int
    n_searches: int
    duration_days: tuple[float, float, float]
    carbon_tco2e: tuple[float, float, float]
    mfu: tuple[float, float, float]
    changed: float
    regret: float
    unfit: float
    winners: tuple[tuple[str, float], ...]
    sample_s: float
    search_s: float


def _ranged(e: Efficiency, number_format: str) -> dict[str, Datum]:
    """Every ranged constant by name."""
    found = {}
    for spec in fields(e):
        value = getattr(e, spec.name)
        datum = value[number_format] if isinstance(value, Mapping) else value
        if isinstance(datum, Datum) and datum.low is not None:
            found[spec.name] = datum
    return found


def sample_constants(r: Resolved, n: int) -> list[Sample]:
    """Draw every ranged constant of machine, run and carbon, each independently, `n` times.

    A range is read as the 5th to 95th percentile about the value, as everywhere in `carbonscaling.carbon.uncertainty`.
    """
    ranged = _ranged(r.efficiency, r.recipe.format)
    drawn = {}
    for name, datum in ranged.items():
        unit = datum.si_range[1] / (datum.high or 1.0)
        values = sample_factor(name, datum, draws(f"perf.{name}", n)) / unit
        drawn[name] = np.minimum(values, 1.0) if name in AT_MOST_ONE else values
    overhead = np.full(n, r.run_overhead.si)
    if r.run_overhead.low is not None:
        overhead = np.maximum(1.0, sample_factor("run_overhead", r.run_overhead, draws("perf.run_overhead", n)))
    factors = {
        name: sample_factor(name, datum, draws(name, n)) if datum.low is not None else np.full(n, datum.si)
        for name, datum in r.carbon.factors.items()
    }
    return [
        Sample(
            r.machine_with(_constants(r.efficiency, r.recipe.format, {k: float(v[i]) for k, v in drawn.items()})),
            float(overhead[i]),
            r.carbon.assemble({k: float(v[i]) for k, v in factors.items()}),
        )
        for i in range(n)
    ]


def _constants(e: Efficiency, number_format: str, values: Mapping[str, float]) -> Efficiency:
    changes: dict[str, Any] = {}
    for name, value in values.items():
        known = getattr(e, name)
        datum = known[number_format] if isinstance(known, Mapping) else known
        exact = replace(datum, value=value, low=None, high=None)
        changes[name] = {**known, number_format: exact} if isinstance(known, Mapping) else exact
    return replace(e, **changes)


def _takes(r: Resolved, sample: Sample) -> Takes:
    return takes(r, numbers=sample.carbon, overhead=sample.overhead, peak_mfu=sample.machine.formats.peak_mfu)


def _stacked(samples: list[Sample]) -> Sample:
    """All samples as one, with arrays for numbers."""
    overhead = np.array([s.overhead for s in samples])
    return Sample(stacked([s.machine for s in samples]), overhead, stacked([s.carbon for s in samples]))


def robustness(
    r: Resolved, question: Question, space: Space, setting: Setting, *, n_samples: int = 1000, n_searches: int = 200
) -> Robustness:
    """Run an estimate and a search again on constants drawn from their ranges.

    Parameters
    ----------
    r : Resolved
    question, space : what the search was asked.
    setting : Setting
        Its answer with the central constants.
    """
    begin = time.perf_counter()
    samples = sample_constants(r, max(n_samples, n_searches))
    floats = Setting(*(float(v) for v in setting))
    many = _stacked(samples[:n_samples])
    step = np.asarray(step_time(r.work, many.machine, floats).total)
    held = _takes(r, many)(floats, step)
    n = held_devices(r.scenario, floats)
    reached = utilisation(r, step, n, many.machine.formats.peak_mfu)
    centre_step = float(step_time(r.work, question.machine, floats).total)
    centre = question.outcome(floats, centre_step)
    mfu = float(utilisation(r, centre_step, n))
    middle = time.perf_counter()

    objective = OBJECTIVES[question.objective]
    winners: Counter[str] = Counter()
    losses, unfit, changed = [], 0, 0
    for sample in samples[:n_searches]:
        outcome = _takes(r, sample)
        asked = replace(
            question, machine=sample.machine, outcome=outcome, duration=outcome.duration, least=outcome.least
        )
        best = search(asked, space, top=1, near=0.0, prune=True, explain=False).best
        kept = search(asked, _only(setting), top=1, near=0.0).best
        winners[setting_words(best.setting) if best else "nothing fits in time"] += 1
        changed += best is None or best.setting != setting
        if best is None or kept is None:
            unfit += 1
        else:
            losses.append(objective.key(kept)[0] / objective.key(best)[0] - 1.0)
    end = time.perf_counter()

    def three(values: Any, central: float) -> tuple[float, float, float]:
        low, high = interval(values, central)
        return low, central, high

    count = max(1, n_searches)
    return Robustness(
        n_samples, n_searches,
        three(held.duration_s / DAY, float(centre.duration_s) / DAY),
        three(held.carbon_kg / TONNE, float(centre.carbon_kg) / TONNE),
        three(reached, mfu),
        changed / count,
        float(np.mean(losses)) if losses else 0.0,
        unfit / count,
        tuple((name, n / count) for name, n in winners.most_common(5)),
        middle - begin, end - middle,
    )  # fmt: skip


def _only(s: Setting) -> Space:
    """Return the space of one setting."""
    one: dict[str, Any] = {
        name: (int(getattr(s, name)),)
        for name in (
            "tp",
            "pp",
            "dp",
            "cp",
            "ep",
            "etp",
            "vpp",
            "zero",
            "shard",
            "micro_batch",
            "recompute",
            "schedule",
        )
    }
    return Space(**one, recompute_percent=(int(s.recompute_percent),), sequence_parallel=bool(s.sp) or s.tp == 1)

"""What would change the answer most: every ranged input moved to both ends of its range, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, replace
from functools import partial
from typing import Any

import numpy as np

from carbonscaling.arrays import narrowed, plain
from carbonscaling.hints import NamedTuple
from carbonscaling.perf.efficiency import Efficiency
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.numbers import Number, Setting
from carbonscaling.perf.step import step_time
from carbonscaling.record import Same, dataclass
from carbonscaling.scalar import at
from carbonscaling.sources import Datum
from carbonscaling.study.decide import layout_batches
from carbonscaling.study.outcome import Takes, takes
from carbonscaling.study.resolve import Resolved
from carbonscaling.study.setup import MACHINE_FIELDS
from carbonscaling.study.steps import steps_on
from carbonscaling.study.trained import training_work
from carbonscaling.units import TONNE
from carbonscaling.words import counted

__all__ = ["Lever", "levers"]

NAMES = {
    "gemm": "matrix-multiplication efficiency",
    "grouped": "efficiency of expert multiplications",
    "kernel_latency": "kernel latency",
    "memory": "memory bandwidth reached",
    "attention_forward": "attention efficiency, forward",
    "attention_backward": "attention efficiency, backward",
    "link": "scale-up link bandwidth reached",
    "nic": "network bandwidth reached",
    "link_latency": "scale-up link latency",
    "nic_latency": "network latency",
    "overlap": "overlap of communication and compute",
    "contention": "slowdown of overlapped compute",
    "tp_overlap": "overlap of tensor-parallel traffic",
    "ep_overlap": "overlap of expert traffic",
    "imbalance": "expert load imbalance",
    "elementwise": "element-wise traffic",
    "straggler": "stragglers",
    "step_overhead": "host work per step",
    "run_overhead": "time lost to failures, restarts, checkpoints, ramp-up",
}
"""Ranged efficiencies by what a reader calls them; memory reserves do not move time or carbon."""


@dataclass(frozen=True)
class Lever:
    """One uncertain input and what its range does to an answer.

    Attributes
    ----------
    name : str
        What is uncertain.
    low, high : str
        Its range, with unit.
    quantity : str
        The answer it moves.
    at_low, at_high, central : float
        The answer at both ends and at the central value.
    source : str
    """

    name: str
    low: str
    high: str
    quantity: str
    at_low: float
    at_high: float
    central: float
    source: str

    @property
    def swing(self) -> float:
        """Relative width of the effect."""
        return _swing(self.at_low, self.at_high, self.central)


def _swing(at_low: float, at_high: float, central: float) -> float:
    return abs(at_high - at_low) / central if central else 0.0


class _Moved(NamedTuple):
    """What an input's range does to carbon; the words of the range are made for the few that are shown."""

    name: str
    words: Callable[[], tuple[str, str]]
    at_low: float
    at_high: float
    source: str


def _of_datum(datum: Datum) -> tuple[str, str]:
    low, high = (f"{v:g} {datum.unit}".removesuffix(" 1") for v in (datum.low, datum.high))
    return low, high


def _ranged(r: Resolved) -> Iterator[tuple[str, Datum, Efficiency, Efficiency]]:
    """Every ranged efficiency with the constants at its low and at its high end."""
    e = r.efficiency
    for spec in fields(e):
        value = getattr(e, spec.name)
        if spec.name not in NAMES:
            continue
        if isinstance(value, Mapping):
            datum = value[r.recipe.format]
            if datum.low is None:
                continue
            ends = ({**value, r.recipe.format: replace(datum, value=v)} for v in (datum.low, datum.high))
            yield spec.name, datum, replace(e, gemm=next(ends)), replace(e, gemm=next(ends))
        elif value.low is not None:
            yield (
                spec.name,
                value,
                *(replace(e, **{spec.name: replace(value, value=v)}) for v in (value.low, value.high)),
            )


def _batch_moved(r: Resolved, setting: Setting) -> _Moved:
    """Return what the batch does: the least and the greatest of its range with this layout, at equal loss."""
    ends = layout_batches(r, setting)[[0, -1]]
    many = setting._replace(n_micro=ends / (setting.dp * setting.micro_batch))
    carbon = np.asarray(takes(r)(many, step_time(r.work, r.machine, many).total).carbon_kg) / TONNE
    low, high = (counted(round(end), "sequence") for end in ends)
    return _Moved(
        "global batch, at equal loss", lambda: (low, high), float(carbon[0]), float(carbon[1]), "step_law_2025"
    )


def _by_length(r: Resolved, s: Setting) -> list[float]:
    """Step times at both ends of an assumed sequence length's range, of a step with as many tokens."""
    spec, found = r.spec, []
    for seq_len in spec.seq_len_range:
        n_micro = float(s.n_micro) * r.seq_len / seq_len
        whole = max(n_micro, 1.0)
        sample = r.scenario.sample_len and min(r.scenario.sample_len, seq_len)
        work = training_work(replace(r.scenario, sample_len=sample), spec, seq_len, r.work.unpacks == 0.0)
        found.append(at(step_time, work, r.machine, s._replace(n_micro=whole)).total * n_micro / whole)
    return found


_Ranged = list[tuple[str, Datum, Efficiency, Efficiency]]
_last: tuple[tuple[Any, ...], tuple[_Ranged, Machine]] | None = None


def _machines(r: Resolved) -> tuple[_Ranged, Machine]:
    """Return the ranged efficiencies, and the machine at both ends of each as one of arrays; that of the last is remembered."""
    global _last  # noqa: PLW0603 - questions about one machine follow each other
    u, s = r.setup, r.scenario
    said = (*(getattr(s, name) for name in MACHINE_FIELDS), s.calibration, s.devices)
    key = (said, u.plain, r.machine, u.cluster, u.recipe, u.efficiency, u.stack, r.calibration)
    known = _last
    if known is None or known[0] != key:
        ranged = [row for row in _ranged(r) if row[0] != "run_overhead"]
        known = _last = key, (ranged, narrowed(u.machines((e for _, _, *ends in ranged for e in ends), r.calibration)))
    return known[1]


def levers(r: Resolved, setting: Setting, n_best: int = 3) -> tuple[Lever, ...]:
    """Return the inputs whose published range moves total carbon most, widest first.

    The setting is held fixed. Time efficiencies act through the run time and the utilisation; carbon factors directly.

    Parameters
    ----------
    r : Resolved
    setting : Setting
    n_best : int
    """
    floats = plain(setting)
    ranged, together = _machines(r)
    steps = np.broadcast_to(steps_on(r.work, Same(together), floats), 1 + 2 * len(ranged))

    def totals(own: Takes, step: Number) -> list[float]:
        tonnes: list[float] = (np.atleast_1d(own(floats, step).carbon_kg) / TONNE).tolist()
        return tonnes

    own, overhead = takes(r), r.run_overhead
    (central,) = totals(own, float(steps[0]))
    found: list[_Moved] = []

    def add(names: Iterable[str], data: Iterable[Datum], ends: list[float]) -> None:
        each = zip(names, data, ends[::2], ends[1::2], strict=True)
        found.extend(
            _Moved(name, partial(_of_datum, datum), low, high, datum.source) for name, datum, low, high in each
        )

    if r.scenario.seq_len is None and r.spec.seq_len_range:
        (at_low,), (at_high,) = (totals(own, step) for step in _by_length(r, floats))
        low, high = r.spec.seq_len_range
        said = str(low), f"{high} tokens"
        found.append(_Moved("assumed sequence length", lambda: said, at_low, at_high, "config"))
    moved = totals(replace(own, peak_mfu=together.formats.peak_mfu), steps)
    add([NAMES[name] for name, *_ in ranged], [datum for _, datum, *_ in ranged], moved[1:])
    if overhead.low is not None:
        ends = totals(replace(own, overhead=np.array(overhead.si_range)), float(steps[0]))
        add([NAMES["run_overhead"]], [overhead], ends)
    if r.batches.is_open:
        found.append(_batch_moved(r, floats))
    if factors := r.carbon.ranged:
        ends = totals(replace(own, numbers=r.carbon.ends), float(steps[0]))[:-2]  # the last two are central
        add(factors, factors.values(), ends)
    widest = sorted(found, key=lambda moved: -_swing(moved.at_low, moved.at_high, central))[:n_best]
    return tuple(
        Lever(name, *words(), "carbon_total_tco2e", at_low, at_high, central, source)
        for name, words, at_low, at_high, source in widest
    )

"""What would change the answer most: every ranged input moved to both ends of its range, one at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace

from carbonscaling.carbon.footprint import footprint
from carbonscaling.perf.efficiency import Efficiency
from carbonscaling.perf.goodput import run_time
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.numbers import Setting
from carbonscaling.perf.step import step_time
from carbonscaling.sources import Datum
from carbonscaling.study.estimate import Lever
from carbonscaling.study.resolve import Resolved
from carbonscaling.units import TONNE

__all__ = ["levers"]

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


def levers(r: Resolved, setting: Setting, n_best: int = 3) -> tuple[Lever, ...]:
    """Return the inputs whose published range moves total carbon most, widest first.

    The setting is held fixed. Time efficiencies act through the run time and the utilisation; carbon factors directly.

    Parameters
    ----------
    r : Resolved
    setting : Setting
    n_best : int
    """
    floats = Setting(*(float(v) for v in setting))
    n = float(floats.n_devices)

    def total(m: Machine, overhead: float) -> float:
        step = float(step_time(r.work, m, floats).total)
        duration = run_time(r.n_steps, step, overhead)
        mfu = r.batch * r.seq_len * r.work.model_flops / (step * n * m.peak_mfu)
        return float(footprint(r.carbon.numbers, n, duration, mfu).total_kg) / TONNE

    central = total(r.machine, r.run_overhead.si)
    found: list[Lever] = []

    def add(name: str, datum: Datum, at_low: float, at_high: float) -> None:
        low, high = (f"{v:g} {datum.unit}".removesuffix(" 1") for v in (datum.low, datum.high))
        found.append(Lever(name, low, high, "carbon_total_tco2e", at_low, at_high, central, datum.source))

    for name, datum, low, high in _ranged(r):
        if name == "run_overhead":
            if r.run_overhead.low is not None:
                add(NAMES[name], datum, *(total(r.machine, e.run_overhead.si) for e in (low, high)))
            continue
        ends = (total(r.machine_with(e), r.run_overhead.si) for e in (low, high))
        add(NAMES[name], datum, *ends)

    step = float(step_time(r.work, r.machine, floats).total)
    duration = run_time(r.n_steps, step, r.run_overhead.si)
    mfu = r.batch * r.seq_len * r.work.model_flops / (step * n * r.machine.peak_mfu)
    for factor in r.carbon.ranges:
        ends = (float(footprint(c, n, duration, mfu).total_kg) / TONNE for c in (factor.low, factor.high))
        add(factor.name, factor.datum, *ends)
    return tuple(sorted(found, key=lambda lever: -lever.swing)[:n_best])

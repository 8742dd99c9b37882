"""Fit the knobs to measured speeds: robust, with priors, each source counting about once; deterministic."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from carbonscaling.calibration.knobs import KNOBS
from carbonscaling.calibration.profile import ALL, UNKNOWN, Calibration, Constant, apply, family
from carbonscaling.study.outcome import speed
from carbonscaling.validate.record import Replay
from carbonscaling.validate.stacked import Stacked, predict_step, stack_rows

__all__ = ["Sample", "fit", "predicted_speed", "sample"]

Array = NDArray[np.float64]

NOISE = 0.20
"""Residual (in the logarithm) at which a row counts half; rows far off hardly count."""
NOISE_OF_WHOLE_RUNS = 3 * NOISE
"""The same of whole runs: they also hold what happened besides training."""
STEP = 1e-3
ITERATIONS = 12


@dataclass(frozen=True)
class Sample:
    """Rows ready to fit: stacked inputs, measured tokens/s/device, and which scope each row belongs to."""

    replays: tuple[Replay, ...]
    stacked: Stacked
    measured: Array
    sources: tuple[str, ...]
    architectures: tuple[str, ...]
    devices: tuple[str, ...]
    stacks: tuple[str, ...]
    whole_run: NDArray[np.bool_]
    untold: NDArray[np.bool_]
    weights: Array
    noise: Array

    def subset(self, mask: NDArray[np.bool_]) -> Sample:
        """Return the rows where `mask` holds."""
        keep = np.flatnonzero(mask)
        return sample([self.replays[i] for i in keep], self.measured[keep])


def sample(replays: Sequence[Replay], measured: Sequence[float] | Array) -> Sample:
    """Stack rows with their measured speeds.

    A row weighs 1/sqrt(rows of its source) and 1/sqrt(repeats of its configuration).
    """
    sources = tuple(r.row.source or r.row.id for r in replays)
    per_source, per_key = Counter(sources), Counter(r.row.config_key or r.row.id for r in replays)
    whole = np.array([r.row.calendar for r in replays])
    weights = np.array(
        [
            1.0 / np.sqrt(per_source[s] * per_key[r.row.config_key or r.row.id])
            for s, r in zip(sources, replays, strict=True)
        ]
    )
    return Sample(
        replays=tuple(replays),
        stacked=stack_rows(replays),
        measured=np.asarray(measured, dtype=float),
        sources=sources,
        architectures=tuple(family(r.cluster.device) for r in replays),
        devices=tuple(r.cluster.device.id for r in replays),
        stacks=tuple(r.setup.stack.family for r in replays),
        whole_run=whole,
        untold=whole & np.array([r.setup.untold for r in replays]),
        weights=weights,
        noise=np.where(np.array([r.row.kind == "full_run" for r in replays]), NOISE_OF_WHOLE_RUNS, NOISE),
    )


def predicted_speed(s: Sample, calibration: Calibration) -> Array:
    """Return tokens/s/device of every row under a calibration; whole runs with their overhead."""
    return _speed(s, calibration.factors(s.architectures, s.devices, s.stacks))


def _speed(s: Sample, factors: dict[str, Array]) -> Array:
    step = predict_step(s.stacked, apply(s.stacked.machine, factors)).total
    overhead = np.array([r.setup.efficiency.run_overhead.si for r in s.replays])
    overhead = overhead * np.where(s.untold, factors["untold"], factors["run_overhead"])
    pace = np.where(s.whole_run, overhead, 1.0)
    return np.asarray(speed(s.stacked.tokens_per_step, step, pace, s.stacked.n_devices), dtype=float)


class _Layout:
    """Where each knob's factors stand in the vector of log-factors, and which entry each row uses."""

    def __init__(self, s: Sample) -> None:
        self.columns: list[tuple[str, str]] = []
        self.spread: list[float] = []
        self.index: dict[str, NDArray[np.int64]] = {}
        n = len(s.measured)
        for knob in KNOBS:
            scopes = {
                "architecture": s.architectures,
                "device": s.devices,
                "stack": s.stacks,
            }
            names = scopes.get(knob.scope, (ALL,) * n)
            known = sorted(set(names))
            offset = len(self.columns)
            self.columns += [(knob.name, name) for name in known]
            self.spread += [knob.spread if name != UNKNOWN else 1e-6 for name in known]
            self.index[knob.name] = np.array([offset + known.index(name) for name in names])

    def factors(self, theta: Array) -> dict[str, Array]:
        return {name: np.exp(theta[index]) for name, index in self.index.items()}


def _jacobian(s: Sample, layout: _Layout, theta: Array, base: Array) -> Array:
    """Return derivatives of the log-speed; scopes of one knob touch different rows: one evaluation serves them all."""
    out = np.zeros((len(base), len(theta)))
    rows = np.arange(len(base))
    for knob in KNOBS:
        index = layout.index[knob.name]
        moved = theta.copy()
        moved[np.unique(index)] += STEP
        out[rows, index] = (np.log(_speed(s, layout.factors(moved))) - base) / STEP
    return out


def fit(s: Sample, title: str, start: Calibration | None = None, iterations: int = ITERATIONS) -> Calibration:
    """Return the calibration that explains the sample best.

    Minimises the weighted Cauchy loss of log(predicted/measured) plus the knobs' priors by Gauss-Newton steps with
    iteratively reweighted least squares. Same rows, same result, bit for bit.

    Parameters
    ----------
    s : Sample
    title : str
    start : Calibration, optional
        Where to start; the priors if not given.
    iterations : int
    """
    layout = _Layout(s)
    spread = np.array(layout.spread)
    begin = start or Calibration("prior")
    theta = np.array([np.log(begin.factor(knob, scope)) for knob, scope in layout.columns])
    prior = spread**-2.0
    hessian = np.diag(prior)
    for _ in range(iterations):
        base = np.log(_speed(s, layout.factors(theta)))
        residual = base - np.log(s.measured)
        weight = (s.weights / s.noise) ** 2 / (1.0 + (residual / s.noise) ** 2)
        jacobian = _jacobian(s, layout, theta, base)
        hessian = jacobian.T @ (weight[:, None] * jacobian) + np.diag(prior)
        gradient = jacobian.T @ (weight * residual) + prior * theta
        theta = theta - np.clip(np.linalg.solve(hessian, gradient), -0.3, 0.3)
    deviation = np.sqrt(np.diag(np.linalg.inv(hessian)))
    constants = []
    for i, (knob, scope) in enumerate(layout.columns):
        if scope == UNKNOWN:
            continue
        used = np.flatnonzero(layout.index[knob] == i)
        constants.append(
            Constant(
                knob=knob,
                scope=scope,
                value=round(float(np.exp(theta[i])), 6),
                low=round(float(np.exp(theta[i] - deviation[i])), 6),
                high=round(float(np.exp(theta[i] + deviation[i])), 6),
                prior_spread=float(spread[i]),
                n_rows=len(used),
                n_sources=len({s.sources[j] for j in used}),
            )
        )
    return Calibration(title, tuple(constants))

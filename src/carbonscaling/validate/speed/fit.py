"""Fit the knobs to measured speeds: robust, with priors, each source counting about once; deterministic."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from carbonscaling import evidence
from carbonscaling.arrays import Array, stacked
from carbonscaling.calibration.knobs import KNOBS
from carbonscaling.calibration.profile import ALL, UNKNOWN, Calibration, Constant, apply, family
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.numbers import Setting, Workload
from carbonscaling.perf.step import step_time
from carbonscaling.record import dataclass
from carbonscaling.study.outcome import speed
from carbonscaling.validate.replay import Replay

__all__ = ["Prior", "Sample", "fit", "predicted_speed", "sample", "spread_of_speed"]


NOISE = 0.20
"""Residual (in the logarithm) at which a row counts half; rows far off hardly count."""
NOISE_OF_WHOLE_RUNS = 3 * NOISE
"""The same of whole runs: they also hold what happened besides training."""
STEP = 1e-3
ITERATIONS = 12


@dataclass(frozen=True)
class Sample:
    """Rows ready to fit.

    Attributes
    ----------
    replays : tuple of Replay
    measured : array
        tokens/s/device.
    sources, architectures, devices, stacks : tuple of str
        What each row belongs to; a repository's or paper's tables are one source.
    work, machine, setting : Workload, Machine, Setting
        The rows as arrays, machines at device level.
    """

    replays: tuple[Replay, ...]
    measured: Array
    sources: tuple[str, ...]
    architectures: tuple[str, ...]
    devices: tuple[str, ...]
    stacks: tuple[str, ...]
    work: Workload
    machine: Machine
    setting: Setting

    def subset(self, mask: NDArray[np.bool_]) -> Sample:
        """Return the rows where `mask` holds."""
        keep = np.flatnonzero(mask)
        return sample([self.replays[i] for i in keep], self.measured[keep])

    @cached_property
    def whole_run(self) -> NDArray[np.bool_]:
        """Rows known by the length of a whole training."""
        return np.array([r.row.calendar for r in self.replays])

    @cached_property
    def untold(self) -> NDArray[np.bool_]:
        """Whole trainings whose layout nobody stated."""
        return np.array([r.row.calendar and r.setup.untold for r in self.replays])

    @cached_property
    def weights(self) -> Array:
        """1/sqrt(rows of its source) and 1/sqrt(repeats of its configuration) by row."""
        keys = [r.row.config_key or r.row.id for r in self.replays]
        per_source, per_key = Counter(self.sources), Counter(keys)
        pairs = zip(self.sources, keys, strict=True)
        return np.array([1.0 / np.sqrt(per_source[source] * per_key[key]) for source, key in pairs])

    @cached_property
    def noise(self) -> Array:
        """Residual (in the logarithm) at which a row counts half."""
        return np.array([NOISE_OF_WHOLE_RUNS if r.row.kind == "full_run" else NOISE for r in self.replays])

    @cached_property
    def tokens_and_devices(self) -> Array:
        """Tokens of a step, and devices, by row."""
        return np.array([(r.tokens_per_step, float(r.n_devices)) for r in self.replays]).T

    @cached_property
    def overhead(self) -> Array:
        """Shipped overhead of a whole run by row."""
        return np.array([r.setup.efficiency.run_overhead.si for r in self.replays])


def sample(replays: Sequence[Replay], measured: Sequence[float] | Array) -> Sample:
    """Return rows, at least one, with their measured speeds."""
    return Sample(
        replays=tuple(replays),
        measured=np.asarray(measured, dtype=float),
        sources=tuple(evidence.family(r.row.source) if r.row.source else "not stated" for r in replays),
        architectures=tuple(family(r.cluster.device) for r in replays),
        devices=tuple(r.cluster.device.id for r in replays),
        stacks=tuple(r.setup.stack.lineage for r in replays),
        work=stacked([r.work for r in replays]),
        machine=stacked([r.setup.plain for r in replays]),
        setting=stacked([r.setting for r in replays]),
    )


def predicted_speed(s: Sample, calibration: Calibration) -> Array:
    """Return tokens/s/device of every row under a calibration; whole runs with their overhead."""
    return _speed(s, calibration.factors(s.architectures, s.devices, s.stacks))


def _speed(s: Sample, factors: dict[str, Array]) -> Array:
    step = step_time(s.work, apply(s.machine, factors), s.setting).total
    overhead = s.overhead * np.where(s.untold, factors["untold"], factors["run_overhead"])
    tokens, devices = s.tokens_and_devices
    return np.asarray(speed(tokens, step, np.where(s.whole_run, overhead, 1.0), devices), dtype=float)


class _Layout:
    """Where each knob's factors stand in the vector of log-factors, and which entry each row uses."""

    def __init__(self, s: Sample) -> None:
        self.columns: list[tuple[str, str]] = []
        self.spread: list[float] = []
        self.index: dict[str, NDArray[np.int64]] = {}
        families = [name.partition("/")[0] for name in s.stacks]
        scopes = {"architecture": s.architectures, "device": s.devices, "stack": families, "member": s.stacks}
        for knob in KNOBS:
            known, place = np.unique(scopes.get(knob.scope, (ALL,) * len(s.measured)), return_inverse=True)
            self.index[knob.name] = len(self.columns) + place
            self.columns += [(knob.name, str(name)) for name in known]
            self.spread += [knob.spread if name != UNKNOWN else 1e-6 for name in known]

    def factors(self, theta: Array) -> dict[str, Array]:
        return {name: np.exp(theta[..., index]) for name, index in self.index.items()}


def _jacobian(s: Sample, layout: _Layout, theta: Array, base: Array) -> Array:
    """Return derivatives of the log-speed; scopes of one knob touch different rows: all are moved at once, each knob apart."""
    out, rows = np.zeros((len(base), len(theta))), np.arange(len(base))
    moved = np.tile(theta, (len(KNOBS), 1))
    for own, index in zip(moved, layout.index.values(), strict=True):
        own[np.unique(index)] += STEP
    slopes = (np.log(_speed(s, layout.factors(moved))) - base) / STEP
    for slope, index in zip(slopes, layout.index.values(), strict=True):
        out[rows, index] = slope
    return out


@dataclass(frozen=True)
class Prior:
    """What is believed before a fit.

    Attributes
    ----------
    centre : Calibration, optional
        Factors that the knobs' priors lie around; 1 if not given.
    scale : float
        On the priors' spreads.
    noise : float, optional
        Residual (in the logarithm) at which a row counts half, every row alike; if not given as `NOISE` says, each source once.
    """

    centre: Calibration | None = None
    scale: float = 1.0
    noise: float | None = None


def _logs(layout: _Layout, calibration: Calibration | None) -> Array:
    begin = calibration or Calibration("prior")
    return np.array([np.log(begin.factor(knob, scope)) for knob, scope in layout.columns])


def _system(s: Sample, layout: _Layout, theta: Array, prior: Prior) -> tuple[Array, Array, Array]:
    """Return Hessian and gradient of the loss at `theta`, and the derivatives of log-speed by row."""
    belief = (prior.scale * np.array(layout.spread)) ** -2.0
    base = np.log(_speed(s, layout.factors(theta)))
    residual = base - np.log(s.measured)
    noise, scale = (s.noise, s.weights / s.noise) if prior.noise is None else (prior.noise, 1.0 / prior.noise)
    weight = scale**2 / (1.0 + (residual / noise) ** 2)
    jacobian = _jacobian(s, layout, theta, base)
    hessian = jacobian.T @ (weight[:, None] * jacobian) + np.diag(belief)
    return hessian, jacobian.T @ (weight * residual) + belief * (theta - _logs(layout, prior.centre)), jacobian


def spread_of_speed(s: Sample, calibration: Calibration, prior: Prior | None = None) -> float:
    """Return the standard deviation of log-speed that a calibration leaves, of the median row.

    Before a fit, by the knobs' own priors, if no prior is given; else after one with it.
    """
    layout = _Layout(s)
    hessian, _, jacobian = _system(s, layout, _logs(layout, calibration), prior or Prior())
    covariance = np.diag(np.array(layout.spread) ** 2) if prior is None else np.linalg.inv(hessian)
    return float(np.sqrt(np.median(np.sum(jacobian @ covariance * jacobian, axis=1))))


def fit(
    s: Sample, title: str, start: Calibration | None = None, iterations: int = ITERATIONS, prior: Prior | None = None
) -> Calibration:
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
    prior : Prior, optional
        The knobs' own around 1 if not given.
    """
    layout, believed = _Layout(s), prior or Prior()
    theta, hessian = _logs(layout, start), np.eye(len(layout.columns))
    for _ in range(iterations):
        hessian, gradient, _ = _system(s, layout, theta, believed)
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
                prior_spread=layout.spread[i],
                n_rows=len(used),
                n_sources=len({s.sources[j] for j in used}),
            )
        )
    return Calibration(title, tuple(constants))

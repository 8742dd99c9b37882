"""What one setting, or a whole array of them, takes: seconds of a step, bytes of a device, energy and carbon of a run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal, TypeVar, cast

import numpy as np
from numpy.typing import ArrayLike

from carbonscaling.carbon.boundary import Boundary
from carbonscaling.core.machines import machine
from carbonscaling.core.nouns import noun
from carbonscaling.core.settings import with_batch
from carbonscaling.hardware.cluster import Cluster
from carbonscaling.model.spec import ModelSpec
from carbonscaling.perf import memory as perf_memory
from carbonscaling.perf import step as perf_step
from carbonscaling.perf.memory import Memory
from carbonscaling.perf.numbers import Setting
from carbonscaling.perf.passes import StepTime
from carbonscaling.perf.precision import Recipe
from carbonscaling.software.options import Software
from carbonscaling.software.stack import Stack
from carbonscaling.study.outcome import RunFootprint, takes
from carbonscaling.study.resolve import resolved
from carbonscaling.study.scenario import UNSTATED, Scenario

__all__ = ["footprint", "memory", "step_time"]

T = TypeVar("T")
Offload = Literal["none", "optimizer", "activations", "weights"]


def step_time(
    model: ModelSpec,
    cluster: Cluster,
    stack: Stack,
    recipe: Recipe,
    setting: Setting,
    *,
    batch: ArrayLike | None = None,
    seq_len: int | None = None,
    software: Software | None = None,
    offload: Offload | None = None,
    calibration: str = "shipped",
) -> StepTime:
    """Time a steady training step: seconds by cause, which add up to ``total``.

    What `estimate` says of the same setting. No rule of layouts is applied, and nothing is held against memory: ask
    `memory` whether it fits.

    Parameters
    ----------
    model, cluster, stack, recipe : what is trained, on what, by which software, in which number formats.
    setting : Setting
        Its fields may be arrays that broadcast; so are the seconds then.
    batch : float or array, optional
        Sequences of a step; without it those that the micro-batches of `setting` make up.
    seq_len : int, optional
        Tokens of a sequence; the model's own if not given.
    software : Software, optional
        What the run changes about its stack.
    offload : {"none", "optimizer", "activations", "weights"}, optional
        As in `Scenario`.
    calibration : str
        "shipped", "none" for device-level values alone, or a file.

    Raises
    ------
    InputError
        A noun of another kind, a setting that cannot be, a batch that does not split, or a number format that the device
        does not have.
    """
    s = _scenario(model, seq_len, software, offload, calibration)
    many, _ = with_batch(setting, batch)
    found, numbers = machine(model, cluster, stack, recipe, many, s)
    return _plain(StepTime, perf_step.step_time(found.work, numbers, many), many)


def memory(
    model: ModelSpec,
    cluster: Cluster,
    stack: Stack,
    recipe: Recipe,
    setting: Setting,
    *,
    batch: ArrayLike | None = None,
    seq_len: int | None = None,
    software: Software | None = None,
    offload: Offload | None = None,
    calibration: str = "shipped",
) -> Memory:
    """Return the bytes on the fullest device by use, which add up to ``total``, and the ``limit`` of what may be used.

    Parameters and errors as in `step_time`.
    """
    s = _scenario(model, seq_len, software, offload, calibration)
    many, _ = with_batch(setting, batch)
    found, numbers = machine(model, cluster, stack, recipe, many, s)
    return _plain(Memory, perf_memory.memory(found.work, numbers, many), many)


def footprint(
    model: ModelSpec,
    cluster: Cluster,
    stack: Stack,
    recipe: Recipe,
    setting: Setting,
    *,
    tokens: float,
    batch: ArrayLike | None = None,
    seq_len: int | None = None,
    software: Software | None = None,
    offload: Offload | None = None,
    calibration: str = "shipped",
    region: str = UNSTATED,
    carbon_intensity_g_per_kwh: float | None = None,
    pue: float | None = None,
    lifetime_years: float | None = None,
    carbon_mode: Literal["physical", "paper"] = "physical",
    paper_version: Literal["v1", "v2"] = "v2",
    amortisation: Literal["calendar", "busy_hours"] = "calendar",
    shared_hosts: bool = False,
    factors: str | None = None,
    boundary: Boundary | None = None,
    run_overhead: float | None = None,
    price_usd_per_device_hour: float | None = None,
) -> RunFootprint:
    """Return what a whole training takes: seconds, energy and carbon by part, water, money; central values.

    What `estimate` says of the same setting, without its intervals.

    Parameters
    ----------
    tokens : float
        Training tokens.
    region, carbon_intensity_g_per_kwh, pue, lifetime_years, carbon_mode, paper_version, amortisation, shared_hosts :
        As in `Scenario`, and so are `factors`, `boundary`, `run_overhead` and `price_usd_per_device_hour`.

    Others, and errors, as in `step_time`.
    """
    s = _scenario(
        model, seq_len, software, offload, calibration, tokens=tokens, region=region,
        carbon_intensity_g_per_kwh=carbon_intensity_g_per_kwh, pue=pue, lifetime_years=lifetime_years,
        carbon_mode=carbon_mode, paper_version=paper_version, amortisation=amortisation, shared_hosts=shared_hosts,
        factors=factors, boundary=Boundary() if boundary is None else boundary, run_overhead=run_overhead,
        price_usd_per_device_hour=price_usd_per_device_hour,
    )  # fmt: skip
    many, sequences = with_batch(setting, batch)
    found, numbers = machine(model, cluster, stack, recipe, many, s)
    r = replace(resolved(found).stated(1.0), batch=cast(float, sequences), machine=numbers)  # or an array
    run = takes(r).run(many, perf_step.step_time(found.work, numbers, many).total)
    return _plain(RunFootprint, run._replace(parts=_plain(type(run.parts), run.parts, many)), many)


def _scenario(
    model: ModelSpec,
    seq_len: int | None,
    software: Software | None,
    offload: Offload | None,
    calibration: str,
    **beside: Any,
) -> Scenario:
    """Return the question as a scenario, whose values are checked there."""
    return Scenario(
        model=noun("model", model, ModelSpec),
        seq_len=seq_len,
        software=Software() if software is None else software,
        offload=offload,
        calibration=calibration,
        **beside,
    )


def _plain(kind: type[T], found: Any, many: Setting) -> T:
    """Return a result as floats, or as arrays of the settings' shape; parts of it that are results themselves stay."""
    shape = np.shape(many.tp)
    values = [v if isinstance(v, tuple) else np.array(np.broadcast_to(v, shape)) if shape else float(v) for v in found]
    return kind(*values)

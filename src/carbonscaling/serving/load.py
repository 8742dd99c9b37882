"""What copies of a model draw at their mean load, and what a day of them takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from carbonscaling.arrays import Number
from carbonscaling.carbon.footprint import CarbonNumbers, FootprintParts, footprint
from carbonscaling.serving.factors import ServingFactors
from carbonscaling.serving.predict import predict, worked
from carbonscaling.serving.question import Question
from carbonscaling.units import DAY

__all__ = ["day_of", "watts_at"]

Array = NDArray[np.float64]

LIGHT = (1.0, 0.75, 0.5, 0.35, 0.25, 0.15, 0.1, 0.05, 0.02)
"""Shares of the requests in flight at peak at which a copy's speed and watts are worked out, for its mean load."""


def watts_at(rates: Array, full: Sequence[Question], factors: ServingFactors) -> Array:
    """Return mean W of a device at output tokens a second and device, each below what the serving does at full load."""
    lighter = [replace(q, in_flight=max(1.0, (q.in_flight or 1.0) * share)) for q in full for share in LIGHT]
    found = predict(worked(lighter), factors)
    shape = len(full), len(LIGHT)
    # Where fewer in flight are as fast, they do.
    speeds = np.maximum.accumulate(found.speed.reshape(shape)[:, ::-1], axis=1)
    watts = found.watts.reshape(shape)[:, ::-1]
    between = np.array([np.interp(rate, v, w) for rate, v, w in zip(rates, speeds, watts, strict=True)])
    idle = np.array([q.cluster.device.idle_power.si for q in full])
    alone = idle + (watts[:, 0] - idle) * rates / speeds[:, 0]  # fewer than one request at a time: idle between them
    return np.where(rates < speeds[:, 0], alone, between)


def day_of(numbers: CarbonNumbers, n_devices: Number, watts: Number) -> FootprintParts:
    """Return what devices that draw a given mean power take in a day."""
    return footprint(numbers._replace(idle_w=watts, busy_w=watts), n_devices, DAY, 1.0)

"""What copies of a model draw at their mean load, and what a day of them takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from carbonscaling.arrays import Array, Number
from carbonscaling.carbon.footprint import CarbonNumbers, FootprintParts, footprint
from carbonscaling.hints import NamedTuple
from carbonscaling.serving.factors import ServingFactors
from carbonscaling.serving.predict import predict, worked
from carbonscaling.serving.question import Question
from carbonscaling.units import DAY

__all__ = ["Mean", "at_mean", "day_of", "mean_at"]


LIGHT = (1.0, 0.75, 0.5, 0.35, 0.25, 0.15, 0.1, 0.05, 0.02)
"""Shares of the requests in flight at peak at which a copy's speed and watts are worked out, for its mean load."""


class Mean(NamedTuple):
    """A device at its mean load: W, and the share of the time in which it has no request."""

    watts: Number
    idle: Number = 0.0


def mean_at(rates: Array, full: Sequence[Question], factors: ServingFactors) -> Mean:
    """Return the mean load at output tokens a second and device, each below what the serving does at full load."""
    lighter = [replace(q, in_flight=max(1.0, (q.in_flight or 1.0) * share)) for q in full for share in LIGHT]
    found = predict(worked(lighter), factors)
    shape = len(full), len(LIGHT)
    # Where fewer in flight are as fast, they do.
    speeds = np.maximum.accumulate(found.speed.reshape(shape)[:, ::-1], axis=1)
    watts = found.watts.reshape(shape)[:, ::-1]
    between = np.array([np.interp(rate, v, w) for rate, v, w in zip(rates, speeds, watts, strict=True)])
    alone = np.minimum(rates / speeds[:, 0], 1.0)  # of the time, where there is less than one request at a time
    idle = np.array([q.cluster.device.idle_power.si for q in full])
    return Mean(np.where(alone < 1.0, idle + (watts[:, 0] - idle) * alone, between), 1.0 - alone)


def at_mean(numbers: CarbonNumbers, mean: Mean) -> CarbonNumbers:
    """Return the numbers of a footprint of devices at a mean load; hosts idle where their devices do."""
    return numbers._replace(idle_w=mean.watts, busy_w=mean.watts, idle_share=mean.idle)


def day_of(numbers: CarbonNumbers, n_devices: Number, mean: Mean) -> FootprintParts:
    """Return what devices at a mean load take in a day."""
    return footprint(at_mean(numbers, mean), n_devices, DAY, 1.0)

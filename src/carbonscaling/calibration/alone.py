"""What a kernel timed alone has that a training step does not."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from carbonscaling.catalog.read import build as from_toml
from carbonscaling.catalog.read import packaged
from carbonscaling.record import dataclass
from carbonscaling.sources import Datum

__all__ = ["Alone", "alone", "clock"]


@dataclass(frozen=True)
class Alone:
    """Constants of lone kernels (``isolated.toml``).

    Attributes
    ----------
    isolated_transfer : Datum
        Share of HBM bandwidth at which a lone TPU multiplication fetches its operands.
    settling : Datum
        Length of a launch that loses half of its clock's lead.
    lead : Mapping[str, Datum]
        Highest over lowest clock of a lone launch, less 1, by architecture.
    """

    isolated_transfer: Datum
    settling: Datum
    lead: Mapping[str, Datum]


@lru_cache(maxsize=1)
def alone() -> Alone:
    """Return the constants of lone kernels."""
    return from_toml(Alone, packaged("carbonscaling.calibration", "isolated.toml"), "isolated.toml")


def clock(seconds: Any, lead: float, settling: float) -> Any:
    """Return the clock of a lone launch over the middle of its range, at which a training step is taken to run.

    After a pause the clock is ahead, until the power limit holds a board that does nothing but multiply; a step mixes
    multiplications with kernels that draw less.

    Parameters
    ----------
    seconds : float or array
        Time of the launch at the middle clock.
    lead : float
        Highest over lowest clock, less 1.
    settling : s
        Length of the launch that loses half of the lead.
    """
    return np.sqrt(1.0 + lead) / (1.0 + lead * seconds / (seconds + settling))

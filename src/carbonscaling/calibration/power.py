"""Power that a user's own devices were seen to draw, kept in the calibration file."""

from __future__ import annotations

from carbonscaling.record import dataclass
from carbonscaling.sources import Datum

__all__ = ["MeasuredPower"]


@dataclass(frozen=True)
class MeasuredPower:
    """Mean power of one kind of device over whole runs.

    Attributes
    ----------
    device : str
        Catalogue id of the accelerator.
    watts : Datum
        Per accelerator, without facility overhead; the range holds every run and the sensor's error.
    n_runs : int
    device_hours : float
        Over which the mean was taken.
    host_watts : float
        Processors and memory of one machine as the tracker puts them. Most of it is estimated there, and supplies, fans,
        cards and disks are not in it: recorded, never applied.
    files : str
        Where the readings stood.
    """

    device: str
    watts: Datum
    n_runs: int
    device_hours: float
    host_watts: float = 0.0
    files: str = ""

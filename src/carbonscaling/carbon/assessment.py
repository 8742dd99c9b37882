"""What is assessed, kept: the footprint of a run, and the very draws behind its intervals, so that runs can be added up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

from carbonscaling.arrays import Array
from carbonscaling.carbon.assess import CarbonModel, assess
from carbonscaling.carbon.boundary import Boundary
from carbonscaling.carbon.footprint import FootprintParts
from carbonscaling.carbon.result import Footprint
from carbonscaling.carbon.uncertainty import sample_footprint
from carbonscaling.record import dataclass
from carbonscaling.sources import Datum

__all__ = ["Assessment"]


@dataclass(frozen=True)
class Assessment:
    """The arguments of `assess`.

    Attributes
    ----------
    model : CarbonModel
    n_devices : int
    duration_s : float
    utilisation : float
        MFU of the devices at work.
    time : Datum, optional
        Actual over given duration, with its range.
    boundary : Boundary, optional
        Lines beside the run, which count in the footprint alone.
    """

    model: CarbonModel
    n_devices: int
    duration_s: float
    utilisation: float
    time: Datum | None = None
    boundary: Boundary | None = None

    @cached_property
    def footprint(self) -> Footprint:
        """The footprint with its intervals."""
        return assess(
            self.model, self.n_devices, self.duration_s, self.utilisation, boundary=self.boundary, time=self.time
        )

    def ranged(self) -> Iterator[tuple[str, Datum]]:
        """Yield every number with a range, by the name of its factor; ``time`` last."""
        yield from self.model.ranged.items()
        if self.time is not None and self.time.low is not None:
            yield "time", self.time

    def drawn(self, normals: Mapping[str, Array]) -> FootprintParts:
        """Return the parts of the footprint in as many draws as there are standard normal numbers of each factor."""
        idle = {"idle_share": float(self.model.numbers.idle_share)}
        parts, _ = sample_footprint(
            self.model.assemble, self.model.factors, self.n_devices, self.duration_s, self.utilisation, self.time,
            shares=idle, normals=normals,
        )  # fmt: skip
        return parts

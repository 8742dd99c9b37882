"""What a training project emits beside its final run: optional lines, each a share that is nought unless given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

from carbonscaling.arrays import Number
from carbonscaling.carbon.footprint import CarbonNumbers, FootprintParts, footprint
from carbonscaling.fields import check_fields
from carbonscaling.ranges import check_ranges
from carbonscaling.record import dataclass
from carbonscaling.scalar import at
from carbonscaling.units import KWH, TONNE

__all__ = ["Boundary", "BoundaryLine", "boundary_j", "boundary_kg", "boundary_lines"]


@dataclass(frozen=True)
class Boundary:
    """Lines beside the final run.

    Attributes
    ----------
    development : float
        Experiments before the final run, over the final run (published: 0.5 OLMo, 2.4 LLaMA 1, 4.6 OLMo 3).
    failed_runs : float
        Runs thrown away, over the final run.
    evaluation : float
        Evaluation, over the final run.
    inference : float
        Inference charged to this training, over the final run.
    idle_reservation : float
        Time for which the devices are reserved and idle, over the time of the run.
    """

    development: float = 0.0
    failed_runs: float = 0.0
    evaluation: float = 0.0
    inference: float = 0.0
    idle_reservation: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what is no share, below nought, or in percent."""
        check_fields(self, "boundary.")
        check_ranges(vars(self), "boundary.")

    @property
    def times(self) -> float:
        """What the run and its lines cost over the run alone; their energy is no more, since reserved devices idle."""
        return 1.0 + float(sum(vars(self).values()))


@dataclass(frozen=True)
class BoundaryLine:
    """One line beside the final run: energy, water and carbon, operational and embodied."""

    name: str
    share: float
    energy_kwh: float
    operational_tco2e: float
    embodied_tco2e: float
    water_litres: float

    @property
    def total_tco2e(self) -> float:
        """Operational and embodied."""
        return self.operational_tco2e + self.embodied_tco2e


def _line(name: str, share: float, p: FootprintParts, times: float) -> BoundaryLine:
    return BoundaryLine(
        name,
        share,
        times * float(p.energy_j) / KWH,
        times * float(p.operational_kg) / TONNE,
        times * float(p.total_kg - p.operational_kg) / TONNE,
        times * float(p.water_l),
    )


def _idle(numbers: CarbonNumbers, n_devices: Number, duration_s: Number) -> FootprintParts:
    alone = numbers._replace(idle_share=1.0, checkpoint_share=0.0, restart_share=0.0, communication_share=0.0)
    found: FootprintParts = at(footprint, alone, n_devices, duration_s, 0.0)
    return found


def boundary_lines(
    boundary: Boundary, numbers: CarbonNumbers, n_devices: float, duration_s: float, run: FootprintParts
) -> tuple[BoundaryLine, ...]:
    """Return every line, those of nought too, so that a report always says what it leaves out.

    Idle reservation draws idle power and carries the machines; the others are shares of the final run itself.
    """
    shares = {f.name: getattr(boundary, f.name) for f in fields(boundary)}
    idle = _idle(numbers, n_devices, duration_s) if boundary.idle_reservation else run  # nought of either is nought
    return tuple(
        _line(name, share, idle if name == "idle_reservation" else run, share) for name, share in shares.items()
    )


def boundary_kg(
    shares: Mapping[str, Number], numbers: CarbonNumbers, n_devices: Number, duration_s: Number, run: FootprintParts
) -> Number:
    """Return the carbon of all lines together in kg, for one run or for blocks of runs at once.

    Parameters
    ----------
    shares : Mapping
        The fields of `Boundary`, floats or arrays.
    """
    of_run, idle = _shares(shares)
    return of_run * run.total_kg + idle * _idle(numbers, n_devices, duration_s).total_kg


def boundary_j(
    shares: Mapping[str, Number], numbers: CarbonNumbers, n_devices: Number, duration_s: Number, run: FootprintParts
) -> Number:
    """Return the energy of all lines together in J, as `boundary_kg` returns their carbon."""
    of_run, idle = _shares(shares)
    return of_run * run.energy_j + idle * _idle(numbers, n_devices, duration_s).energy_j


def _shares(shares: Mapping[str, Number]) -> tuple[Number, Number]:
    """Return what all lines that are shares of the run come to, and the idle reservation."""
    return sum(share for name, share in shares.items() if name != "idle_reservation"), shares["idle_reservation"]

"""A kind of network between hosts: what collectives reach of its cards."""

from __future__ import annotations

from carbonscaling.hardware.check import RATIO, TIME, check_datum
from carbonscaling.record import dataclass
from carbonscaling.sources import Datum

__all__ = ["Fabric"]


@dataclass(frozen=True)
class Fabric:
    """A class of networks.

    Attributes
    ----------
    name, title : str
    share : Datum
        Of the cards' bandwidth that large gathers and scatters reach among a few hosts.
    latency : Datum
        Of a hop.

    Raises
    ------
    InputError
        A share or a latency that cannot be.
    """

    name: str
    title: str
    share: Datum
    latency: Datum

    def __post_init__(self) -> None:
        """Refuse numbers that cannot be meant."""
        where = f"fabric {self.name}"
        check_datum(self.share, "share", where, RATIO)
        check_datum(self.latency, "latency", where, TIME)

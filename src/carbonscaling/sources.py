"""A number or a choice with its provenance, and the works it comes from."""

from __future__ import annotations

from carbonscaling.record import dataclass
from carbonscaling.units import to_si

__all__ = ["Choice", "Datum", "Reference"]


@dataclass(frozen=True)
class Datum:
    """One number of the real world: value, unit, source, and a range where it matters.

    Attributes
    ----------
    value : float
        Central value in `unit`.
    unit : str
        A key of `carbonscaling.units.SI`.
    source : str
        Key of a `Reference` in the catalogue (``catalog/references/*.toml``), or ``user`` for a user's own value.
    low, high : float, optional
        Range in the same unit; both or neither.
    year : int, optional
        Year the value holds for.
    basis : str
        What was counted, e.g. ``operational, location-based`` or ``life-cycle``.
    remark : str
        Where in the source, and any doubt about it.
    """

    value: float
    unit: str
    source: str
    low: float | None = None
    high: float | None = None
    year: int | None = None
    basis: str = ""
    remark: str = ""

    def __post_init__(self) -> None:
        """Refuse a range that does not hold the value."""
        to_si(self.value, self.unit)
        if (self.low is None) != (self.high is None):
            raise ValueError("a range needs both low and high")
        if self.low is not None and self.high is not None and not self.low <= self.value <= self.high:
            raise ValueError(f"value {self.value} lies outside its range {self.low} to {self.high}")

    @property
    def si(self) -> float:
        """Central value in SI."""
        return to_si(self.value, self.unit)

    @property
    def si_range(self) -> tuple[float, float]:
        """Low and high in SI; the value twice where no range is known."""
        low = self.value if self.low is None else self.low
        high = self.value if self.high is None else self.high
        return to_si(low, self.unit), to_si(high, self.unit)


@dataclass(frozen=True)
class Choice:
    """One of several ways, with where it is said."""

    value: str
    source: str
    remark: str = ""


@dataclass(frozen=True)
class Reference:
    """A published work or data set.

    Attributes
    ----------
    key : str
        Name used by `Datum.source` and by ``carbonscaling cite``.
    title, authors, year, venue : str
        As printed; `venue` is a journal, arXiv number, vendor document, repository with commit.
    url : str
        Where it can be read, if it has a stable public address.
    licence : str
        Licence of the data, where data were taken over.
    """

    key: str
    title: str
    authors: str
    year: int
    venue: str
    url: str = ""
    licence: str = ""

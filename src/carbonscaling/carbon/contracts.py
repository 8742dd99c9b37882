"""Electricity that is bought by contract: what part of a run it covers, and what the market-based method then counts."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date, datetime, timedelta
from typing import Literal

import numpy as np

from carbonscaling.arrays import Number
from carbonscaling.carbon.assess import CarbonModel
from carbonscaling.errors import InputError
from carbonscaling.fields import check_fields, in_range
from carbonscaling.formula import formula
from carbonscaling.ranges import check_ranges
from carbonscaling.record import dataclass
from carbonscaling.sources import Datum
from carbonscaling.units import DAY, KWH, YEAR

__all__ = [
    "Contracts",
    "contract_cost",
    "contracted_intensity",
    "covered_energy",
    "covered_share",
    "from_day",
    "under_contract",
]

MOST_MWH = 1e12
WORDS = {"ppa": "power purchase agreement", "certificates": "certificates", "green_tariff": "green tariff",
         "own_generation": "own generation"}  # fmt: skip


@dataclass(frozen=True)
class Contracts:
    """A contract for electricity, for the market-based method.

    Attributes
    ----------
    kind : {"none", "ppa", "certificates", "green_tariff", "own_generation"}
        Kind of contract: a power purchase agreement, unbundled certificates, a green tariff, generation of one's own.
    mwh : float, optional
        Volume in MWh: all that may be used for the run and the lines beside it (match "year"), or what a year delivers
        evenly (match "hour"); without it the contract covers everything.
    match : {"year", "hour"}
        Whether the volume may count in any hour of the year, or only in the hours in which it is delivered.
    g_per_kwh : float
        Carbon intensity of what is bought; of fossil origin it must be said.
    price_usd_per_mwh : float, optional
        Price of the contract beside the electricity.
    origin : {"renewable", "nuclear", "fossil"}
        What generates it, for statements that ask for kinds of energy.
    until : str, optional
        Last day on which it holds, as YYYY-MM-DD: a run that goes on is covered up to then. Needs the day the run begins.
    run_begins : str, optional
        Day on which the run begins, in place of the date in an hourly profile.
    days : float, optional
        The same without dates: days from the run's begin for which it holds.
    """

    kind: Literal["none", "ppa", "certificates", "green_tariff", "own_generation"] = "none"
    mwh: float | None = None
    match: Literal["year", "hour"] = "year"
    g_per_kwh: float = 0.0
    price_usd_per_mwh: float | None = None
    origin: Literal["renewable", "nuclear", "fossil"] = "renewable"
    until: str | None = None
    run_begins: str | None = None
    days: float | None = None

    def __post_init__(self) -> None:
        """Refuse what is no contract: volumes and prices below nought, details without a kind, fuel that emits nothing."""
        check_fields(self, "contracts.")
        for key, value, most, unit in (
            ("mwh", self.mwh, MOST_MWH, "MWh"),
            ("price_usd_per_mwh", self.price_usd_per_mwh, 1e6, "USD/MWh"),
            ("days", self.days, 1e6, "days"),
        ):
            if value is not None:
                in_range(f"contracts.{key}", value, 0.0, most, unit)
        check_ranges({"g_per_kwh": self.g_per_kwh}, "contracts.")
        for key in ("until", "run_begins"):
            try:
                date.fromisoformat(getattr(self, key) or "2000-01-01")
            except ValueError as error:
                raise InputError(f"{key} is no date", key=f"contracts.{key}", value=getattr(self, key), allowed="YYYY-MM-DD",
                                 remedy="for instance 2027-06-30") from error  # fmt: skip
        if self.until is not None and self.days is not None:
            raise InputError("two ends of one contract", key="contracts.until", value=self.until, allowed="until or days",
                             remedy="leave one out")  # fmt: skip
        if self.kind == "none" and _details(self):
            raise InputError("a contract of no kind", key="contracts.kind", value="none", allowed=", ".join(WORDS),
                             remedy="say what kind of contract it is")  # fmt: skip
        if self.origin == "fossil" and not self.g_per_kwh:
            raise InputError("fossil electricity without its carbon", key="contracts.g_per_kwh", value=self.g_per_kwh,
                             allowed="what the supplier states, in g/kWh",
                             remedy="add --contract-g-per-kwh, or --contract-origin renewable or nuclear")  # fmt: skip


def _details(contract: Contracts) -> bool:
    """Whether anything but the kind is said of a contract."""
    return any(getattr(contract, f.name) != f.default for f in fields(contract) if f.name != "kind")


def from_day(contract: Contracts, begins: datetime | None) -> Contracts:
    """Return a contract with the days for which it holds in place of its last day; the same where it has none.

    Parameters
    ----------
    contract : Contracts
    begins : datetime, optional
        When the run begins, unless the contract says.

    Raises
    ------
    InputError
        It ends, and nothing says when the run begins.
    """
    if contract.until is None:
        return contract
    if contract.run_begins is not None:
        begins = datetime.fromisoformat(contract.run_begins)
    if begins is None:
        raise InputError("a contract that ends, and a run without a date", key="contracts.run_begins", value=None,
                         allowed="YYYY-MM-DD, or --hourly with the hours of the run",
                         remedy="add --contract-run-begins DATE")  # fmt: skip
    after = datetime.fromisoformat(contract.until) + timedelta(days=1)
    days = (after - begins.replace(tzinfo=None)).total_seconds() / DAY
    return replace(contract, until=None, run_begins=None, days=max(days, 0.0))


@formula("min(energy, volume)", unit="J", source="ghg_scope2", place="chapter 6: volume of instruments")
def covered_energy(energy: Number, volume: Number) -> Number:
    """Energy of a run that a contract's volume covers, in J."""
    return np.minimum(energy, volume)


@formula(
    "(1 - covered)·residual + covered·contract",
    unit="kg/kWh",
    source="ghg_scope2",
    place="chapter 6: market-based method",
)
def contracted_intensity(covered: Number, contract: Number, residual: Number) -> Number:
    """Market-based intensity in kg/J of a run of which a share is covered by a contract.

    Parameters
    ----------
    covered : 1
    contract, residual : kg/J
        Of what is bought, and of the rest.
    """
    return (1.0 - covered) * residual + covered * contract


def _share(share: float) -> str:
    """Return a share in words, none that is called whole where a rest is left.

    >>> _share(0.5), _share(1.0), _share(0.9993)
    ('50%', '100%', '>99%')
    """
    return ">99%" if 0.995 <= share < 1.0 else f"{share:.0%}"


def covered_share(contract: Contracts, energy_j: Number, duration_s: Number, beside_j: Number = 0.0) -> Number:
    """Share of the energy (J) of runs of some lengths (s) that a contract covers; floats or arrays.

    The lines beside a run have the same share. A volume of the year is spent on their energy (`beside_j`) too; what is
    delivered by the hour covers as much of theirs, which they draw at other times.
    """
    length = np.asarray(duration_s, dtype=float)
    held = length if contract.days is None else np.minimum(length, contract.days * DAY)
    inside = np.where(length > 0.0, held / np.where(length > 0.0, length, 1.0), 1.0)
    if contract.mwh is None:
        return inside
    volume = contract.mwh * 1e3 * KWH * (held / YEAR if contract.match == "hour" else 1.0)
    used = np.asarray(energy_j, dtype=float) + (beside_j if contract.match == "year" else 0.0)
    return np.where(used > 0.0, covered_energy(inside * used, volume) / np.where(used > 0.0, used, 1.0), inside)


def contract_cost(contract: Contracts, energy_j: float, duration_s: float, beside_j: float = 0.0) -> float | None:
    """Return what the contract costs in US dollars for the energy that it covers; None where its price is not stated."""
    if contract.price_usd_per_mwh is None:
        return None
    share = float(covered_share(contract, energy_j, duration_s, beside_j))
    return contract.price_usd_per_mwh * share * (energy_j + beside_j) / KWH / 1e3


def under_contract(
    model: CarbonModel, contract: Contracts, energy_j: float, duration_s: float, beside_j: float = 0.0
) -> CarbonModel:
    """Return a model whose market-based intensity is that of a run under a contract; the same without one.

    Parameters
    ----------
    model : CarbonModel
    contract : Contracts
    energy_j, duration_s : float
        Facility energy and length of the run.
    beside_j : float
        Energy of the lines beside it.
    """
    if contract.kind == "none":
        return model
    share = float(covered_share(contract, energy_j, duration_s, beside_j))
    rest = model.market
    g = contract.g_per_kwh

    def mixed(value: float) -> float:
        bought = g if rest.unit == "g/kWh" else g / 1e3
        return float(contracted_intensity(share, bought, value))

    market = Datum(
        mixed(rest.value), rest.unit, rest.source, None if rest.low is None else mixed(rest.low),
        None if rest.high is None else mixed(rest.high), rest.year,
        f"market-based: {WORDS[contract.kind]} by the {contract.match} for {_share(share)} of the use"
        + (f", the rest {rest.basis}" if share < 1.0 else ""),
    )  # fmt: skip
    model = replace(model, contracted={contract.origin: share})
    if model.scope2 == "location":
        return replace(model, market=market, covered=True)
    factors = {**model.factors, "carbon_intensity": market}
    numbers = model.assemble({name: datum.si for name, datum in factors.items()})
    return replace(model, market=market, factors=factors, numbers=numbers, covered=True)

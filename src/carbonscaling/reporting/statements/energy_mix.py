"""Energy of a record by what generates it, as ESRS E1-5 asks: contracts first, the grid's mix for the rest."""

from __future__ import annotations

from collections.abc import Mapping

from carbonscaling.catalog.regions import known_place
from carbonscaling.errors import InputError
from carbonscaling.formula import formula
from carbonscaling.hints import NamedTuple
from carbonscaling.reporting.statements.record import Record

__all__ = ["EnergyMix", "energy_mix", "read_mix", "share_of_energy"]

KINDS = ("renewable", "nuclear", "fossil")


class EnergyMix(NamedTuple):
    """Shares of the energy; they add up to 1.

    `renewable` is what a contract says is so: AR 32 (j) of ESRS E1 counts no other. What the grid has of renewables beyond
    contracts is `unclaimed`.
    """

    fossil: float
    nuclear: float
    renewable: float
    unclaimed: float
    source: str


@formula("contracted + (1 - all contracted)·share of the grid", unit="1", source="esrs_e1", place="E1-5, AR 32 (j)")
def share_of_energy(contracted: float, covered: float, of_grid: float) -> float:
    """Share of the energy from one kind of generation.

    Parameters
    ----------
    contracted : 1
        Covered by contracts of this kind.
    covered : 1
        Covered by contracts of any kind.
    of_grid : 1
        Share of this kind in the grid.

    Examples
    --------
    Half under a contract for wind, the rest of a grid with 68.8 % of nuclear:

    >>> round(share_of_energy(0.0, 0.5, 0.688), 3)
    0.344
    """
    return contracted + (1.0 - covered) * of_grid


def read_mix(text: str, key: str) -> dict[str, float]:
    """Return shares as people write them: ``renewable=0.3,nuclear=0.4``.

    Raises
    ------
    InputError
        Not of this form, or more than 1 in all.
    """
    found: dict[str, float] = {}
    for part in filter(None, text.split(",")):
        name, _, value = part.partition("=")
        try:
            found[name.strip()] = float(value)
        except ValueError:
            found[""] = -1.0
    least, whole = min(found.values(), default=-1.0), sum(found.values())
    if set(found) - set(KINDS) or not (least >= 0.0 and whole <= 1.0 + 1e-9):
        raise InputError("not shares of energy", key=key, value=text, allowed="renewable=0.3,nuclear=0.4: together at most 1",
                         remedy="write it so; the rest counts as fossil")  # fmt: skip
    return found


def energy_mix(r: Record) -> EnergyMix | None:
    """Return how a record's energy was generated; None where the grid's mix is not known."""
    covered = sum(r.contracted.values())
    grid, source = _grid(r)
    if not grid and covered < 1.0:
        return None
    nuclear, renewable = grid.get("nuclear", 0.0), grid.get("renewable", 0.0)
    own = {kind: r.contracted.get(kind, 0.0) for kind in KINDS}
    return EnergyMix(
        share_of_energy(own["fossil"], covered, 1.0 - nuclear - renewable),
        share_of_energy(own["nuclear"], covered, nuclear),
        own["renewable"],
        share_of_energy(0.0, covered, renewable),
        source,
    )


def _grid(r: Record) -> tuple[Mapping[str, float], str]:
    if r.grid_mix:
        return r.grid_mix, "mix of the grid as given"
    there = known_place(r.region)
    if there is None or not there.mix:
        return {}, ""
    of = there.mix["renewable"]
    return {
        kind: datum.value for kind, datum in there.mix.items()
    }, f"generation of {of.remark} in {of.year} ({of.source})"

"""What several answers are at once: sequences that show as a table in a notebook and become a data frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from carbonscaling.platform import need
from carbonscaling.study.choices import Choice
from carbonscaling.study.scale import ScalePoint
from carbonscaling.study.shown import html_table
from carbonscaling.words import count, energy, mass, money, plain

if TYPE_CHECKING:
    from polars import DataFrame

__all__ = ["Choices", "Points"]


def _frame(rows: list[dict[str, Any]]) -> DataFrame:
    table: DataFrame = need("polars", "sweep").DataFrame(rows, infer_schema_length=None)
    return table


class Choices(tuple[Choice, ...]):
    """Choices between places, devices, counts and times, as `carbonscaling.choices` found them."""

    __slots__ = ()

    def to_frame(self) -> DataFrame:
        """Return one row a choice (Polars, extra ``sweep``), with columns ``feasible`` and ``on_front``."""
        from carbonscaling.reporting.choices import choice_rows

        return _frame(choice_rows(self))

    def _repr_html_(self) -> str:
        from carbonscaling.reporting.choices import choice_rows

        rows = [
            (c.region, c.device, f"{c.n_devices:,}", c.infeasible, *[""] * 4) if c.infeasible else
            (c.region, c.device, f"{c.n_devices:,}", f"{plain(c.days)} days", energy(c.energy_kwh), mass(c.total_tco2e),
             f"{plain(c.low_tco2e)} to {plain(c.high_tco2e)} t", "-" if c.cost_usd is None else money(c.cost_usd))
            for c in self
        ]  # fmt: skip
        front = sum(bool(row["on_front"]) for row in choice_rows(self))
        heads = ("region", "device", "devices", "time", "energy", "carbon", "90 % interval", "cost")
        return html_table(f"{len(self)} choices, {front} of them on the front of time, carbon and cost", rows, heads)


class Points(list[ScalePoint]):
    """Points of a scaling law, as `carbonscaling.scale` planned them."""

    __slots__ = ()

    def to_frame(self) -> DataFrame:
        """Return one row a size (Polars, extra ``sweep``); None where nothing is feasible."""
        from carbonscaling.reporting.scale import scale_rows

        return _frame(scale_rows(self))

    def _repr_html_(self) -> str:
        from carbonscaling.reporting.scale import scale_rows

        rows = [
            (count(r["n_params"]), count(r["n_tokens"]), plain(r["loss"]),
             *((f"{r['n_devices']:,}", f"{plain(r['duration_days'])} days", energy(r["energy_kwh"]),
                mass(r["carbon_total_tco2e"])) if r["feasible"] else ("-", r["reason"], "-", "-")))
            for r in scale_rows(self)
        ]  # fmt: skip
        heads = ("parameters", "tokens", "loss", "devices", "time", "energy", "carbon")
        return html_table("What each size of the law takes", rows, heads)

"""Parts of an answer as plain data: breakdowns that add up, the footprint, the table of one row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_type_hints

from carbonscaling.carbon.result import Footprint
from carbonscaling.platform import need

if TYPE_CHECKING:
    from polars import DataFrame

__all__ = ["carbon_dict", "frame", "parts"]


def frame(feasible: bool, summary: dict[str, Any], reason: str | None) -> DataFrame:
    """Return one row; columns of text are text and the others numbers, whether anything is known or not."""
    from carbonscaling.study.summary import Summary

    polars = need("polars", "sweep")
    columns = {str: polars.String, int: polars.Int64, float: polars.Float64, float | None: polars.Float64}
    kinds = {name: columns.get(held, polars.String) for name, held in get_type_hints(Summary).items()}
    schema = {"feasible": polars.Boolean, **kinds, "reason": polars.String}
    table: DataFrame = polars.DataFrame([{"feasible": feasible, **summary, "reason": reason}], schema=schema)
    return table


def carbon_dict(f: Footprint) -> dict[str, Any]:
    """Return a footprint as plain data: parts that add up, intervals, both scope 2 methods, conventions."""
    return {
        "mode": f.mode,
        "amortisation": f.amortisation,
        "embodied_route": f.embodied_route,
        "carbon_basis": f.carbon_basis,
        "carbon_intensity_g_per_kwh": f.carbon_intensity_g_per_kwh,
        "pue": f.pue,
        "parts": {k: float(v) for k, v in f.parts._asdict().items()},
        "interval_tco2e": [f.low_tco2e, f.high_tco2e],
        "intervals": {k: list(v) for k, v in f.intervals.items()},
        "upstream_g_per_kwh": f.upstream_g_per_kwh,
        "scope2": f.scope2,
        "location": {**vars(f.location), "interval_tco2e": list(f.location.interval_tco2e)},
        "market": {**vars(f.market), "interval_tco2e": list(f.market.interval_tco2e)},
        "boundary": [vars(line) for line in f.lines],
        "widest": [vars(w) for w in f.widest],
        "device_kg_by_route": dict(f.device_kg_by_route),
        "water_litres": f.water_litres,
        "water_on_site_litres": f.water_on_site_litres,
        "metals_kg_sb": f.metals_kg_sb,
        "primary_energy_mj": f.primary_energy_mj,
        "contracted": dict(f.contracted),
        "construction": None if f.construction is None else f.construction._asdict(),
    }


def parts(values: Any) -> dict[str, float]:
    """Return a breakdown with its total."""
    return {**{k: float(v) for k, v in values._asdict().items()}, "total": float(values.total)}

"""A curve by the papers' own engine: rows and a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from carbonscaling.papers.scale import EnginePoint
from carbonscaling.units import DAY, HOUR, KWH, TONNE
from carbonscaling.words import count, mass, plain

__all__ = ["engine_page", "engine_rows"]

EXACT = 10_000_000
"""Device counts from which a table rounds them."""


def engine_rows(points: Sequence[EnginePoint], engine: str) -> list[dict[str, Any]]:
    """Return one flat row a size; what an infeasible size has no answer for is None."""
    rows = []
    for p in points:
        m, best, parts = p.model, p.best, p.parts
        row: dict[str, Any] = {
            "size": float(m.d_model), "n_params": float(m.n_params), "n_tokens": float(m.n_tokens), "compute": float(m.compute),
            "loss": float(m.loss), "engine": engine, "batch_tokens": p.batch_tokens, "feasible": best is not None,
        }  # fmt: skip
        row |= dict.fromkeys(("n_devices", "duration_days", "mfu", "device_hours", "energy_kwh", "carbon_total_tco2e",
                              "carbon_operational_tco2e", "carbon_embodied_tco2e", "tp", "tp_model", "pp", "dp", "ep",
                              "micro_batches"))  # fmt: skip
        if best is not None and parts is not None:
            operational, total = float(parts.operational_kg) / TONNE, float(parts.total_kg) / TONNE
            ways = best.layout._asdict()
            row |= {
                "n_devices": best.n_devices, "duration_days": p.duration_s / DAY, "mfu": p.utilisation,
                "device_hours": best.n_devices * p.duration_s / HOUR, "energy_kwh": float(parts.energy_j) / KWH,
                "carbon_total_tco2e": total, "carbon_operational_tco2e": operational,
                "carbon_embodied_tco2e": total - operational,
                "ep": int(m.n_experts), **{name: int(ways[name]) for name in ("tp", "tp_model", "pp", "dp", "micro_batches")},
            }  # fmt: skip
        reason = "" if best is not None else f"no layout on any number of devices trains in {p.deadline_days:g} days"
        rows.append({**row, "reason": reason})
    return rows


def engine_page(rows: Sequence[dict[str, Any]], title: str) -> Group:
    """Return the table of a curve, with what stays out of it."""
    table = Table(box=None, padding=(0, 1), header_style="bold", show_edge=False)
    for heading in ("parameters", "FLOP", "loss", "devices", "days", "MFU", "TP·PP·DP·EP", "carbon"):
        table.add_column(heading, justify="right", overflow="fold")
    for row in rows:
        sizes = (count(row["n_params"]), f"{row['compute']:.1e}", f"{row['loss']:.3g}")
        if not row["feasible"]:
            table.add_row(*sizes, "-", "-", "-", "-", "infeasible")
            continue
        n, ways = row["n_devices"], "·".join(f"{row[name]}" for name in ("tp", "pp", "dp", "ep"))
        devices = f"{n:,}" if n < EXACT else count(n)
        table.add_row(
            *sizes, devices, plain(row["duration_days"]), f"{row['mfu']:.1%}", ways, mass(row["carbon_total_tco2e"])
        )
    note = "Timed by the papers' kind of engine, a reading of theirs, and not by this project's kernels: docs/reproduction.md."
    return Group(Text(title, style="bold"), table, Text(""), Text(note, style="italic"))

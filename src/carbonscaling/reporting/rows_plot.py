"""Rows of `scale` and `choose` as figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from carbonscaling.files import write_figure
from carbonscaling.platform import need

__all__ = ["draw_choices", "draw_curve"]

Rows = Sequence[Mapping[str, Any]]


def _axes(x: str, y: str) -> tuple[Any, Any]:
    need("matplotlib", "plot")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    axes.set(xlabel=x, ylabel=y)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def draw_curve(rows: Rows, output: str, title: str) -> None:
    """Draw loss against carbon, with the 90 % interval of the carbon where rows have one, by the output's suffix."""
    figure, axes = _axes("carbon, tCO2e", "loss")
    kept = [row for row in rows if row["feasible"]]
    carbon, loss = ([row[name] for row in kept] for name in ("carbon_total_tco2e", "loss"))
    if all(row.get("carbon_low_tco2e") is not None for row in kept):
        axes.fill_betweenx(loss, *([row[f"carbon_{end}_tco2e"] for row in kept] for end in ("low", "high")), alpha=0.2)
    axes.plot(carbon, loss, marker="o", markersize=4)
    axes.set_xscale("log")
    axes.set_title(title, fontsize="medium")
    write_figure(output, figure)


def draw_choices(rows: Rows, output: str) -> None:
    """Draw choices by carbon and by cost (days where no price is known), with their 90 % intervals of carbon."""
    kept = [row for row in rows if row["feasible"]]
    priced = all(row["cost_usd"] is not None for row in kept)
    figure, axes = _axes("cost, M$" if priced else "days", "carbon, tCO2e")
    for row in kept:
        x, y = row["cost_usd"] / 1e6 if priced else row["days"], row["total_tco2e"]
        error = [[y - row["low_tco2e"]], [row["high_tco2e"] - y]]
        axes.errorbar(x, y, error, fmt="o", color="C0" if row["on_front"] else "0.6", capsize=2)
        axes.annotate(f"{row['n_devices']:,} {row['device']}, {row['region']}", (x, y), (5, 3), textcoords="offset points",
                      fontsize="small")  # fmt: skip
    axes.set_ylim(bottom=0)
    write_figure(output, figure)

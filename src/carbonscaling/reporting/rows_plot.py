"""Rows of `scale` and `choose` as figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from carbonscaling.files import write_figure
from carbonscaling.platform import need

__all__ = ["ACCENT", "REST", "axes_of", "choices_figure", "curve_figure", "draw_choices", "draw_curve"]

Rows = Sequence[Mapping[str, Any]]
ACCENT, REST = "#2f7f8c", "#b9783a"
"""Colours of the page and the printed report: what counts most, and what stands beside it."""


def axes_of(x: str, y: str, *, rows: int = 1, height: float = 4.5) -> tuple[Any, Any]:
    """Return a figure and its axes, one below the other where there are several.

    Raises
    ------
    InputError
        Matplotlib (extra ``plot``) is not installed.
    """
    need("matplotlib", "plot")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, height), layout="constrained")
    axes = figure.subplots(rows, sharex=rows > 1)
    for one in axes if rows > 1 else (axes,):
        one.spines[["top", "right"]].set_visible(False)
        one.set(ylabel=y)
    (axes[-1] if rows > 1 else axes).set(xlabel=x)
    return figure, axes


def curve_figure(rows: Rows, title: str) -> Any:
    """Return loss against carbon, with the 90 % interval of the carbon where rows have one."""
    figure, axes = axes_of("carbon, tCO2e", "loss")
    kept = [row for row in rows if row["feasible"]]
    carbon, loss = ([row[name] for row in kept] for name in ("carbon_total_tco2e", "loss"))
    if all(row.get("carbon_low_tco2e") is not None for row in kept):
        ends = ([row[f"carbon_{end}_tco2e"] for row in kept] for end in ("low", "high"))
        axes.fill_betweenx(loss, *ends, alpha=0.2, color=ACCENT, linewidth=0)
    axes.plot(carbon, loss, marker="o", markersize=4, color=ACCENT)
    axes.set_xscale("log")
    axes.set_title(title, fontsize="medium")
    return figure


def choices_figure(rows: Rows) -> Any:
    """Return choices by carbon and by cost (days where no price is known), with their 90 % intervals of carbon."""
    kept = [row for row in rows if row["feasible"]]
    priced = all(row["cost_usd"] is not None for row in kept)
    figure, axes = axes_of("cost, M$" if priced else "days", "carbon, tCO2e")
    for row in kept:
        x, y = row["cost_usd"] / 1e6 if priced else row["days"], row["total_tco2e"]
        error = [[y - row["low_tco2e"]], [row["high_tco2e"] - y]]
        axes.errorbar(x, y, error, fmt="o", color=ACCENT if row["on_front"] else "0.6", capsize=2)
        axes.annotate(f"{row['n_devices']:,} {row['device']}, {row['region']}", (x, y), (5, 3), textcoords="offset points",
                      fontsize="small")  # fmt: skip
    axes.set_ylim(bottom=0)
    return figure


def draw_curve(rows: Rows, output: str, title: str) -> None:
    """Write `curve_figure`, by the output's suffix."""
    write_figure(output, curve_figure(rows, title))


def draw_choices(rows: Rows, output: str) -> None:
    """Write `choices_figure`, by the output's suffix."""
    write_figure(output, choices_figure(rows))

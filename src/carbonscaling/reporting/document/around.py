"""Figures of what stands around an answer: the same run elsewhere, the scaling law's curve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from carbonscaling.reporting.document.figures import BAR, REST, RULE, WIDTH, axis, figure, line, rect, text
from carbonscaling.reporting.document.html import Markup, node
from carbonscaling.words import mass, plain

__all__ = ["curve", "places"]

SHOWN = 11
"""Places of least carbon that are drawn, beside the run's own."""


def places(data: Mapping[str, Any]) -> Markup:
    """Return the run's carbon by place as bars, operation first: the run's own place, then those of least carbon.

    Parameters
    ----------
    data : Mapping
        As `carbonscaling.reporting.beside.regions`.
    """
    own = [row for row in data["rows"] if row["region"] == data["region"]]
    rows = [*own, *[row for row in data["rows"] if row not in own][:SHOWN]]
    most = max(row["total_tco2e"] for row in rows)
    shapes = []
    for i, row in enumerate(rows):
        y, first = 22 * i, 240 * row["operational_tco2e"] / most
        grams = f"{plain(row['carbon_intensity_g_per_kwh'])} g/kWh"
        shapes += [
            text(0, y + 14, f"{row['region']} {row['country']}" + (" (this run)" if row in own else "")),
            text(270, y + 14, grams, "end"),
            rect(285, y + 4, first, 12, BAR),
            rect(285 + first, y + 4, 240 * row["total_tco2e"] / most - first, 12, REST),
            text(WIDTH, y + 14, mass(row["total_tco2e"]), "end"),
        ]
    title = "The same run elsewhere: operation, then embodied and beside the run; central values, location-based"
    return figure(title, 22 * len(rows), *shapes)


def curve(data: Mapping[str, Any], carbon: float) -> Markup:
    """Return loss and carbon over compute along a scaling law, with the answer marked; empty where the law says nothing.

    Parameters
    ----------
    data : Mapping
        As `carbonscaling.reporting.beside.curve`.
    carbon : float
        Of the answer, in t.
    """
    rows = [row for row in data["rows"] if row["carbon_total_tco2e"] is not None]
    if not rows:
        return Markup()
    here = data["here"]
    x = axis([*(row["compute"] for row in rows), here["compute"]], 60, WIDTH - 20, log=True)
    losses = [row["loss"] for row in rows] + ([here["loss"]] if here["loss"] is not None else [])
    tonnes = [row["carbon_total_tco2e"] for row in rows] + [carbon]
    up = ((axis(losses, 120, 20), "loss", "loss", here["loss"], losses),
          (axis(tonnes, 290, 160, log=True), "carbon_total_tco2e", "tCO2e", carbon, tonnes))  # fmt: skip
    shapes = [line(x(here["compute"]), 12, x(here["compute"]), 300, REST, stroke_dasharray="3 3")]
    for (y, key, name, mark, values), top in zip(up, (10, 150), strict=True):
        path = " ".join(f"{x(row['compute']):.1f},{y(row[key]):.1f}" for row in rows)
        shapes += [node("polyline", points=path, fill="none", stroke=BAR, stroke_width=2), text(60, top + 2, name)]
        shapes += [text(52, y(value) + 4, plain(value), "end") for value in (min(values), max(values))]
        if mark is not None:
            shapes.append(node("circle", cx=f"{x(here['compute']):.1f}", cy=f"{y(mark):.1f}", r=5, fill=REST))
    shapes += [line(60, 130, WIDTH - 20, 130, RULE), line(60, 300, WIDTH - 20, 300, RULE)]
    shapes += [text(x(row["compute"]), 318, f"{row['compute']:.0e}".replace("e+", "e"), "middle") for row in rows[::4]]
    shapes.append(text(WIDTH - 20, 334, "training FLOP", "end"))
    title = f"Loss and carbon by {data['title']}, each point planned anew on this machine; the mark is this run"
    return figure(title, 338, *shapes)

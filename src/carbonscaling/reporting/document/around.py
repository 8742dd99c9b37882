"""Figures of what stands around an answer: the same run elsewhere and when to begin it, the scaling law's curve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from carbonscaling.reporting.document.figures import BAR, REST, RULE, WIDTH, axis, drawing, figure, line, rect, text
from carbonscaling.reporting.document.html import Markup, node, table
from carbonscaling.units import DAY
from carbonscaling.words import big, duration, energy, mass, mass_span, money, plain

__all__ = ["curve", "places", "when"]

SHOWN = 11
"""Places of least carbon that are drawn, beside the run's own."""
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def _shown(data: Mapping[str, Any]) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    own = [row for row in data["rows"] if row["region"] == data["region"]]
    return own, [*own, *[row for row in data["rows"] if row not in own][:SHOWN]]


def places(data: Mapping[str, Any]) -> Markup:
    """Return the run's carbon by place as bars, operation first: the run's own place, then those of least carbon.

    Parameters
    ----------
    data : Mapping
        As `carbonscaling.reporting.beside.regions`.
    """
    own, rows = _shown(data)
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


def when(data: Mapping[str, Any]) -> Markup:
    """Return when the run begins best, for the places drawn whose hours are known, and the hours of its own place.

    Parameters
    ----------
    data : Mapping
        As `carbonscaling.reporting.beside.regions`.
    """
    rows = [
        (f"{row['region']} {row['country']}", row["best_start"], mass(row["at_best_tco2e"]),
         f"{-row['saved_high']:+.0%} to {-row['saved_low']:+.0%}")
        for row in _shown(data)[1] if row["best_start"]
    ]  # fmt: skip
    heads = ("place", "begin best", "carbon then", "operation, single years")
    drawn = _hours(data["hours"]) if data["hours"] else Markup()
    return Markup((table(heads, rows, (2, 3)) if rows else Markup()) + drawn)


def _hours(data: Mapping[str, Any]) -> Markup:
    values = [value for row in data["g_per_kwh"] for value in row]
    least, most = min(values), max(values)
    wide, tall = (WIDTH - 40) / 24, 15
    shapes = [text(40 + hour * wide, 10, f"{hour:02d}:00") for hour in range(0, 24, 6)]
    for m, row in enumerate(data["g_per_kwh"]):
        y = 16 + m * tall
        shapes.append(text(0, y + 12, MONTHS[m]))
        shapes += [
            node("rect", x=f"{40 + hour * wide:.1f}", y=y, width=f"{wide:.1f}", height=tall, fill=BAR,
                 fill_opacity=f"{0.06 + 0.94 * (value - least) / (most - least or 1.0):.2f}")
            for hour, value in enumerate(row)
        ]  # fmt: skip
    years = f"{data['years'][0]} to {data['years'][-1]}"
    title = f"Typical g/kWh by month and hour (UTC): {data['grid']}, {years}; {plain(least)} (faint) to {plain(most)} (strong)"
    return figure(title, 16 + 12 * tall, *shapes)


def _said(row: Mapping[str, Any]) -> str:
    """Return a training of the curve in words."""
    cost = "" if row["cost_usd"] is None else f", {money(row['cost_usd'])}"
    span = mass_span((row["carbon_low_tco2e"], row["carbon_high_tco2e"]), row["carbon_total_tco2e"])
    return (
        f"{row['compute']:.2g} FLOP: loss {plain(row['loss'])}, {mass(row['carbon_total_tco2e'])} ({span}); "
        f"{big(row['n_params'])} parameters on {big(row['n_tokens'])} tokens; {row['n_devices']:,} devices for "
        f"{duration(row['duration_days'] * DAY)}, {energy(row['energy_kwh'])}{cost}."
    )


def _choices(x: Any, rows: list[Mapping[str, Any]]) -> Markup:
    """Return a button for every point of the curve, below it; which one is chosen shows without a script."""
    label = 'type="radio" name="at"'
    buttons = [
        Markup(f'<input {label} id="at-{i}" style="left:{100 * x(row["compute"]) / WIDTH:.2f}%" aria-label="{_said(row)}">')
        for i, row in enumerate(rows)
    ]  # fmt: skip
    shown = ",".join(f".curve:has(#at-{i}:checked) .at-{i}" for i in range(len(rows)))
    words = [node("p", _said(row), class_=f"at at-{i}", aria_hidden="true") for i, row in enumerate(rows)]
    bar = node("div", *buttons, class_="points", role="radiogroup", aria_label="Another compute")
    return Markup(node("style", Markup(f"{shown}{{display:revert}}")) + bar + "".join(words))


def curve(data: Mapping[str, Any], carbon: float) -> Markup:
    """Return loss and carbon over compute along a scaling law, the answer marked; empty where the law says nothing.

    Every point of the curve can be chosen, by pointer or arrow keys, and says what its training takes.

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
    for i, row in enumerate(rows):
        marks = [
            node("circle", cx=f"{x(row['compute']):.1f}", cy=f"{y(row[key]):.1f}", r=5, fill=BAR) for y, key, *_ in up
        ]
        shapes.append(node("g", line(x(row["compute"]), 12, x(row["compute"]), 300, BAR), *marks, class_=f"at at-{i}"))
    title = f"Loss and carbon by {data['title']}, each point planned anew on this machine; the mark is this run"
    return node("figure", drawing(title, 338, *shapes), _choices(x, rows), node("figcaption", title), class_="curve")

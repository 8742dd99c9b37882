"""Figures of the report as inline SVG: parts of a whole, intervals, the front, predictions against measurements."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from carbonscaling.reporting.bars import label
from carbonscaling.reporting.document.html import Markup, node
from carbonscaling.words import percent, plain

__all__ = [
    "BAR",
    "REST",
    "RULE",
    "WIDTH",
    "axis",
    "drawing",
    "figure",
    "front",
    "intervals",
    "line",
    "parts",
    "rect",
    "scatter",
    "text",
]

WIDTH = 640
BAR, REST, RULE, SHADE = "#2f7f8c", "#b9783a", "#9aa7ab", "#e6eff1"


def text(x: float, y: float, words: str, anchor: str = "start") -> Markup:
    """Return words at a place."""
    return node("text", words, x=f"{x:.1f}", y=f"{y:.1f}", text_anchor=anchor)


def drawing(title: str, height: float, *shapes: Markup) -> Markup:
    """Return a drawing `WIDTH` wide, its title read out."""
    return node("svg", node("title", title), *shapes, viewBox=f"0 0 {WIDTH} {height:.0f}", role="img")


def figure(title: str, height: float, *shapes: Markup) -> Markup:
    """Return a figure `WIDTH` wide, its title read out and printed below."""
    return node("figure", drawing(title, height, *shapes), node("figcaption", title))


def rect(x: float, y: float, width: float, height: float, fill: str) -> Markup:
    """Return a bar."""
    return node("rect", x=f"{x:.1f}", y=f"{y:.1f}", width=f"{max(width, 0.5):.1f}", height=height, fill=fill)


def line(x1: float, y1: float, x2: float, y2: float, stroke: str = RULE, **more: object) -> Markup:
    """Return a straight line."""
    ends = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
    return node("line", **{k: f"{v:.1f}" for k, v in ends.items()}, stroke=stroke, **more)


def parts(title: str, values: Mapping[str, float], unit: str) -> Markup:
    """Return horizontal bars of the parts of a whole, largest first; parts of nothing are left out."""
    shown = sorted(((k, v) for k, v in values.items() if v > 0), key=lambda item: -item[1])
    whole, most = sum(values.values()), max((v for _, v in shown), default=1.0)
    shapes = []
    for i, (name, value) in enumerate(shown):
        y = 22 * i
        shapes += [
            text(0, y + 14, label(name)),
            rect(210, y + 4, 270 * value / most, 12, BAR),
            text(560, y + 14, f"{plain(value)} {unit}", "end"),
            text(WIDTH, y + 14, percent(value / whole), "end"),
        ]
    return figure(title, 22 * len(shown), *shapes)


def intervals(title: str, rows: Sequence[tuple[str, float, float, float]], unit: str) -> Markup:
    """Return intervals from low to high with the central value marked; rows are (name, low, central, high)."""
    most = max(high for *_, high in rows) or 1.0
    shapes = []
    for i, (name, low, central, high) in enumerate(rows):
        y, at = 26 * i, [210 + 250 * v / most for v in (low, central, high)]
        shapes += [
            text(0, y + 15, name),
            line(at[0], y + 11, at[2], y + 11, BAR, stroke_width=4),
            rect(at[1] - 1.5, y + 4, 3, 14, REST),
            text(WIDTH, y + 15, f"{plain(central)} ({plain(low)} to {plain(high)}) {unit}", "end"),
        ]
    return figure(title, 26 * len(rows), *shapes)


def axis(values: Sequence[float], start: float, end: float, *, log: bool = False) -> Any:
    """Return the place of a value between two ends, with some air beside the values given."""
    low, high = min(values), max(values)
    if log:
        low, high = low / 1.1, high * 1.1
        return lambda v: start + (end - start) * math.log(max(v, low) / low) / math.log(high / low)
    pad = 0.08 * (high - low) or 0.1 * abs(high) or 1.0
    low, high = low - pad, high + pad
    return lambda v: start + (end - start) * (v - low) / (high - low)


def front(title: str, rows: Sequence[tuple[float, float, str]]) -> Markup:
    """Return run time in days against carbon in t, a point a row (days, carbon, words), as a stair.

    What nothing reaches is shaded; a point that another beats in both, though not in devices or cost, is small and unnamed.
    """
    x, y = axis([r[0] for r in rows], 60, WIDTH - 90), axis([r[1] for r in rows], 210, 16)
    ordered = sorted(rows)
    corners: list[tuple[float, float, str]] = []
    for row in ordered:  # no other is as fast and emits less
        if not corners or row[1] < corners[-1][1]:
            corners.append(row)
    stair = f"M{x(corners[0][0]):.1f} 10V{y(corners[0][1]):.1f}" + "".join(
        f"H{x(days):.1f}V{y(carbon):.1f}" for days, carbon, _ in corners[1:]
    )
    shapes = [
        node("path", d=f"{stair}H{WIDTH - 20}V218H60V10Z", fill=SHADE),
        node("path", d=f"{stair}H{WIDTH - 20}", fill="none", stroke=BAR, stroke_width=2),
    ]
    for row in ordered:
        days, carbon, words = row
        first = row in corners
        shapes.append(node("circle", cx=f"{x(days):.1f}", cy=f"{y(carbon):.1f}", r=4 if first else 2.5, fill=BAR))
        if first:
            shapes.append(text(x(days) + 5, y(carbon) - 7, words))
    for end in (ordered[0], ordered[-1]):
        shapes.append(text(x(end[0]), 236, plain(end[0]), "middle"))
    for value in sorted({min(r[1] for r in rows), max(r[1] for r in rows)}):
        shapes.append(text(52, y(value) + 4, plain(value), "end"))
    shapes += [
        line(60, 218, WIDTH - 20, 218),
        line(60, 10, 60, 218),
        text(WIDTH - 20, 236, "days", "end"),
        text(66, 12, "tCO2e"),
    ]
    return figure(title, 244, *shapes)


def scatter(title: str, rows: Sequence[tuple[float, float, float, float]]) -> Markup:
    """Return predicted against measured speed on logarithmic axes; rows are (measured, predicted, low, high)."""
    both = [v for row in rows for v in row[:2]]
    x, y = axis(both, 60, WIDTH - 20, log=True), axis(both, 300, 16, log=True)
    shapes = [line(x(min(both)), y(min(both)), x(max(both)), y(max(both)), RULE, stroke_dasharray="4 3")]
    for measured, predicted, low, high in rows:
        ends = [min(max(y(v), 10.0), 300.0) for v in (low, high)]
        shapes.append(line(x(measured), ends[0], x(measured), ends[1], BAR, opacity=0.3))
        shapes.append(node("circle", cx=f"{x(measured):.1f}", cy=f"{y(predicted):.1f}", r=3.5, fill=BAR, opacity=0.8))
    for value in (min(both), max(both)):
        shapes += [text(x(value), 322, plain(value), "middle"), text(52, y(value) + 4, plain(value), "end")]
    shapes += [line(60, 304, WIDTH - 20, 304), line(60, 10, 60, 304)]
    shapes += [text((WIDTH + 40) / 2, 322, "measured, tokens/s per device", "middle"), text(66, 14, "predicted")]
    return figure(title, 330, *shapes)

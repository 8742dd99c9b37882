"""Figures of the report as inline SVG: parts of a whole, intervals, the front, predictions against measurements."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from carbonscaling.reporting.bars import label
from carbonscaling.reporting.document.html import Markup, node
from carbonscaling.words import percent, plain

__all__ = ["front", "intervals", "parts", "scatter"]

WIDTH = 640
BAR, REST, RULE = "#2f7f8c", "#b9783a", "#9aa7ab"


def _text(x: float, y: float, words: str, anchor: str = "start") -> Markup:
    return node("text", words, x=f"{x:.1f}", y=f"{y:.1f}", text_anchor=anchor)


def _figure(title: str, height: float, *shapes: Markup) -> Markup:
    box = f"0 0 {WIDTH} {height:.0f}"
    return node(
        "figure", node("svg", node("title", title), *shapes, viewBox=box, role="img"), node("figcaption", title)
    )


def _rect(x: float, y: float, width: float, height: float, fill: str) -> Markup:
    return node("rect", x=f"{x:.1f}", y=f"{y:.1f}", width=f"{max(width, 0.5):.1f}", height=height, fill=fill)


def _line(x1: float, y1: float, x2: float, y2: float, stroke: str = RULE, **more: object) -> Markup:
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
            _text(0, y + 14, label(name)),
            _rect(210, y + 4, 270 * value / most, 12, BAR),
            _text(560, y + 14, f"{plain(value)} {unit}", "end"),
            _text(WIDTH, y + 14, percent(value / whole), "end"),
        ]
    return _figure(title, 22 * len(shown), *shapes)


def intervals(title: str, rows: Sequence[tuple[str, float, float, float]], unit: str) -> Markup:
    """Return intervals from low to high with the central value marked; rows are (name, low, central, high)."""
    most = max(high for *_, high in rows) or 1.0
    shapes = []
    for i, (name, low, central, high) in enumerate(rows):
        y, at = 26 * i, [210 + 250 * v / most for v in (low, central, high)]
        shapes += [
            _text(0, y + 15, name),
            _line(at[0], y + 11, at[2], y + 11, BAR, stroke_width=4),
            _rect(at[1] - 1.5, y + 4, 3, 14, REST),
            _text(WIDTH, y + 15, f"{plain(central)} ({plain(low)} to {plain(high)}) {unit}", "end"),
        ]
    return _figure(title, 26 * len(rows), *shapes)


def _axis(values: Sequence[float], start: float, end: float, *, log: bool = False) -> Any:
    low, high = min(values), max(values)
    if log:
        low, high = low / 1.1, high * 1.1
        return lambda v: start + (end - start) * math.log(max(v, low) / low) / math.log(high / low)
    pad = 0.08 * (high - low) or 0.1 * abs(high) or 1.0
    low, high = low - pad, high + pad
    return lambda v: start + (end - start) * (v - low) / (high - low)


def front(title: str, rows: Sequence[tuple[float, float, str]]) -> Markup:
    """Return run time in days against carbon in t, one labelled point a row (days, carbon, words)."""
    x, y = _axis([r[0] for r in rows], 60, WIDTH - 90), _axis([r[1] for r in rows], 210, 16)
    ordered = sorted(rows)
    path = " ".join(f"{x(days):.1f},{y(carbon):.1f}" for days, carbon, _ in ordered)
    shapes = [node("polyline", points=path, fill="none", stroke=RULE)]
    for days, carbon, words in ordered:
        shapes.append(node("circle", cx=f"{x(days):.1f}", cy=f"{y(carbon):.1f}", r=4, fill=BAR))
        shapes.append(_text(x(days) + 7, y(carbon) - 5, words))
    for end in (ordered[0], ordered[-1]):
        shapes.append(_text(x(end[0]), 236, plain(end[0]), "middle"))
    for value in sorted({min(r[1] for r in rows), max(r[1] for r in rows)}):
        shapes.append(_text(52, y(value) + 4, plain(value), "end"))
    shapes += [
        _line(60, 218, WIDTH - 20, 218),
        _line(60, 10, 60, 218),
        _text(WIDTH - 20, 236, "days", "end"),
        _text(66, 12, "tCO2e"),
    ]
    return _figure(title, 244, *shapes)


def scatter(title: str, rows: Sequence[tuple[float, float, float, float]]) -> Markup:
    """Return predicted against measured speed on logarithmic axes; rows are (measured, predicted, low, high)."""
    both = [v for row in rows for v in row[:2]]
    x, y = _axis(both, 60, WIDTH - 20, log=True), _axis(both, 300, 16, log=True)
    shapes = [_line(x(min(both)), y(min(both)), x(max(both)), y(max(both)), RULE, stroke_dasharray="4 3")]
    for measured, predicted, low, high in rows:
        ends = [min(max(y(v), 10.0), 300.0) for v in (low, high)]
        shapes.append(_line(x(measured), ends[0], x(measured), ends[1], BAR, opacity=0.3))
        shapes.append(node("circle", cx=f"{x(measured):.1f}", cy=f"{y(predicted):.1f}", r=3.5, fill=BAR, opacity=0.8))
    for value in (min(both), max(both)):
        shapes += [_text(x(value), 322, plain(value), "middle"), _text(52, y(value) + 4, plain(value), "end")]
    shapes += [_line(60, 304, WIDTH - 20, 304), _line(60, 10, 60, 304)]
    shapes += [_text((WIDTH + 40) / 2, 322, "measured, tokens/s per device", "middle"), _text(66, 14, "predicted")]
    return _figure(title, 330, *shapes)

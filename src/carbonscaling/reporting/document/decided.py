"""The report of a decision, and its picture: what every size takes, and which one wins from how many served tokens on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields

import numpy as np

from carbonscaling.reporting.decided import amount, decided_words, shown_points
from carbonscaling.reporting.document.figures import BAR, REST, RULE, WIDTH
from carbonscaling.reporting.document.html import Markup, listed, node, table
from carbonscaling.reporting.document.shell import cited, page
from carbonscaling.study.answer import sources_used
from carbonscaling.study.together.decided import Decided
from carbonscaling.words import count

__all__ = ["decided_document", "decided_picture"]

LEFT, RIGHT = 84.0, WIDTH - 12.0
UPPER, LOWER, GAP = (30.0, 230.0), (300.0, 430.0), 18.0
"""Tops and bottoms of the two panels."""
DECADES = 3.0
"""Powers of ten of served tokens to either side of those asked for that the lower panel shows."""
FONT = "font: 12px system-ui, 'Liberation Sans', sans-serif; fill: #34454c"


class _Scale:
    """A logarithmic axis."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self.low, self.high, self.start, self.end = low, high, start, end

    def __call__(self, value: float) -> float:
        share = math.log(max(value, 1e-300) / self.low) / math.log(self.high / self.low)
        return self.start + (self.end - self.start) * min(max(share, 0.0), 1.0)

    def ticks(self) -> list[float]:
        """Return round values between the ends: 1, 2, 5 of every power of ten, or the powers alone where these are many."""
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        digits = (1, 2, 5) if last - first <= 3 else (1,)
        return [v for k in range(first, last + 1) for m in digits if self.low <= (v := m * 10.0**k) <= self.high]


def _text(x: float, y: float, words: str, anchor: str = "start") -> Markup:
    return node("text", words, x=f"{x:.1f}", y=f"{y:.1f}", text_anchor=anchor, style=FONT)


def _line(x1: float, y1: float, x2: float, y2: float, stroke: str = RULE, **more: object) -> Markup:
    ends = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
    return node("line", **{k: f"{v:.1f}" for k, v in ends.items()}, stroke=stroke, **more)


def _path(points: Sequence[tuple[float, float]], stroke: str, **more: object) -> Markup:
    said = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return node("polyline", points=said, fill="none", stroke=stroke, stroke_width=2, **more)


def _short(value: float) -> str:
    return count(value) if 1.0 <= value < 1e15 else f"{value:.0e}"


def _frame(x: _Scale, y: _Scale, below: str) -> list[Markup]:
    shapes = [_line(LEFT, y.start, RIGHT, y.start), _line(LEFT, y.start, LEFT, y.end)]
    shapes += [_text(x(v), y.start + 16, count(v), "middle") for v in x.ticks()]
    for v in y.ticks():
        shapes += [_text(LEFT - 6, y(v) + 4, _short(v), "end"), _line(LEFT, y(v), RIGHT, y(v), "#e4eaec")]
    return [*shapes, _text(RIGHT, y.start + 32, below, "end")]


def _sizes(found: Decided) -> list[Markup]:
    """Return what every size takes to train, to serve, and in all with its interval."""
    grid = [i for i in range(found.n_grid) if math.isfinite(found.total(i))]
    grid.sort(key=lambda i: float(found.n_params[i]))
    n, served = [float(found.n_params[i]) for i in grid], found.decision.served_tokens
    least = found.total(found.best)
    top, bottom = max(found.total(i) for i in grid), least / 30.0
    x, y = _Scale(n[0], n[-1], LEFT + GAP, RIGHT - GAP), _Scale(bottom, min(top, 30.0 * least), UPPER[1], UPPER[0])
    unit, rows = found.decision.objective, list(zip(grid, n, strict=True))
    ends = [(x(size), *map(y, found.interval(i))) for i, size in rows]
    around = [(a, low) for a, low, _ in ends] + [(a, high) for a, _, high in reversed(ends)]
    shapes = [node("polygon", points=" ".join(f"{a:.1f},{b:.1f}" for a, b in around), fill=BAR, opacity=0.15)]
    shapes += [
        _text(LEFT + GAP, UPPER[0] - 12, f"What a size takes, {found.unit}, for {count(served)} served tokens"),
        *_frame(x, y, "parameters"),
        _path([(x(size), y(float(found.training[i]))) for i, size in rows], REST, stroke_dasharray="5 3"),
        _path([(x(size), y(float(found.per_token[i]) * served)) for i, size in rows], RULE, stroke_dasharray="2 3"),
        _path([(x(size), y(found.total(i))) for i, size in rows], BAR),
    ]
    at = float(found.n_params[found.best])
    shapes += [
        node("circle", cx=f"{x(at):.1f}", cy=f"{y(least):.1f}", r=4.5, fill=BAR),
        _text(x(at), y(least) - 10, f"{count(at)}: {amount(least, unit)}", "middle"),
    ]
    for words, stroke, dash, place in (
        ("in all", BAR, "", 0),
        ("training", REST, "5 3", 1),
        ("serving", RULE, "2 3", 2),
    ):
        begin = RIGHT - 236.0 + 82.0 * place
        shapes += [
            _line(begin, UPPER[0] - 16, begin + 22, UPPER[0] - 16, stroke, stroke_width=2, stroke_dasharray=dash),
            _text(begin + 26, UPPER[0] - 12, words),
        ]
    return shapes


def _winners(found: Decided) -> list[Markup]:
    """Return the size that takes the least, by served tokens."""
    served = found.decision.served_tokens
    low, high = served / 10.0**DECADES, served * 10.0**DECADES
    tokens = np.geomspace(low, high, 241).tolist()
    size = [float(found.n_params[found.at(t)]) for t in tokens]
    x = _Scale(low, high, LEFT + GAP, RIGHT - GAP)
    y = _Scale(min(size) / 1.3, max(size) * 1.3, LOWER[1], LOWER[0])
    steps = [(x(t), y(s)) for t, s in zip(tokens, size, strict=True)]
    return [
        _text(LEFT + GAP, LOWER[0] - 8, "The size that takes the least"), *_frame(x, y, "served tokens"),
        _path(steps, BAR),
        _line(x(served), LOWER[0], x(served), LOWER[1], REST, stroke_dasharray="4 3"),
    ]  # fmt: skip


def _svg(found: Decided, **more: object) -> Markup:
    shapes = [*_sizes(found), *_winners(found)]
    return node(
        "svg", node("title", decided_words(found)[0]), *shapes, viewBox=f"0 0 {WIDTH} {LOWER[1] + 40:.0f}", role="img", **more
    )  # fmt: skip


def decided_picture(found: Decided) -> str:
    """Return the picture of a decision as an SVG file."""
    return str(_svg(found, xmlns="http://www.w3.org/2000/svg")) + "\n"


def decided_document(found: Decided) -> str:
    """Return the report of a decision as one HTML file that needs nothing beside it."""
    first, *rest = decided_words(found)
    points = [
        (count(b.served), f"{count(b.low)} to {count(b.high)}" if b.low < b.high else "", count(float(found.n_params[b.place])),
         count(float(found.n_tokens[b.place])))
        for b in shown_points(found)
    ]  # fmt: skip
    d = found.decision
    asked = [(f.name, getattr(d, f.name)) for f in fields(d) if getattr(d, f.name) not in (None, ())]
    caption = (
        "Above: training, serving, and both with the 90 % interval, size by size. Below: the size that takes the least, by "
        "served tokens; dashed, those asked for."
    )
    keys = sources_used(found.estimate) if found.estimate is not None else ("sardana_2024",)
    body = [
        node("p", "A decision before the run", class_="kind"),
        node("h1", "Size, training and serving together"), node("p", first, class_="lead"), listed(rest),
        node("figure", _svg(found), node("figcaption", caption)),
        node("h2", "Where another size wins"),
        table(("from served tokens", "90 % interval", "parameters", "training tokens"), points, (0, 1, 2, 3)),
        node("h2", "What was asked"),
        table(("", ""), [(name, ", ".join(map(str, v)) if isinstance(v, tuple) else v) for name, v in asked]),
        node("h2", "Sources"), cited(keys),
    ]  # fmt: skip
    return page("Size, training and serving together", body)

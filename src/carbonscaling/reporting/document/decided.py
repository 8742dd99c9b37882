"""The picture of a decision: what every size takes, and which one wins from how many served tokens on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from carbonscaling.reporting.decided import amount, decided_words
from carbonscaling.reporting.document.figures import BAR, REST, RULE, WIDTH
from carbonscaling.reporting.document.html import Markup, node
from carbonscaling.words import count

__all__ = ["decided_figure", "decided_picture"]

Data = Mapping[str, Any]
LEFT, RIGHT = 84.0, WIDTH - 12.0
UPPER, LOWER, GAP = (30.0, 230.0), (300.0, 430.0), 18.0
"""Tops and bottoms of the two panels."""
DECADES = 3.0
"""Powers of ten of served tokens to either side of those asked for that the lower panel shows."""
MANY = 2
"""Marks that an axis has more than."""
FEW = 5
"""Sizes that an axis is marked with, where there are no more, and they lie apart."""
ROOM = 44.0
"""Between the marks of such sizes."""
SHOWN_IN = {"flops": (1.0, "FLOP"), "energy": (3.6e9, "MWh"), "carbon": (1e3, "tCO2e"), "cost": (1.0, "USD")}
"""Unit of the picture, over the answer's."""
FAINT = "#e4eaec"
FONT = {"font_size": 12, "font_family": "system-ui, 'Liberation Sans', sans-serif", "fill": "#34454c"}
CAPTION = (
    "Above: training, serving, and both with the 90 % interval, size by size. Below: the size that takes the least, by "
    "served tokens; dashed, those asked for."
)


class _Scale:
    """A logarithmic axis."""

    def __init__(self, low: float, high: float, start: float, end: float, named: Sequence[float] = ()) -> None:
        self.low, self.high, self.start, self.end, self.named = low, high, start, end, sorted({*named})

    def __call__(self, value: float) -> float:
        share = math.log(max(value, 1e-300) / self.low) / math.log(self.high / self.low)
        return self.start + (self.end - self.start) * min(max(share, 0.0), 1.0)

    def ticks(self) -> list[float]:
        """Return the few values that have names, or round ones: powers of ten where these are many, else more of each."""
        apart = all(abs(self(a) - self(b)) >= ROOM for a, b in pairwise(self.named))
        if 0 < len(self.named) <= FEW and apart:
            return self.named
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        for digits in ((1,), (1, 2, 5), range(1, 10)):
            found = [v for k in range(first, last + 1) for m in digits if self.low <= (v := m * 10.0**k) <= self.high]
            if len(found) > MANY:
                break
        return found


def _text(x: float, y: float, words: str, anchor: str = "start") -> Markup:
    return node("text", words, x=f"{x:.1f}", y=f"{y:.1f}", text_anchor=anchor, **FONT)


def _line(x1: float, y1: float, x2: float, y2: float, kind: str, stroke: str = RULE, **more: object) -> Markup:
    """Return a line; a page that has a style of its own (dark, say) finds it by its kind."""
    ends = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
    return node("line", **{k: f"{v:.1f}" for k, v in ends.items()}, class_=kind, stroke=stroke, **more)


def _path(points: Sequence[tuple[float, float]], kind: str, stroke: str, **more: object) -> Markup:
    said = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return node("polyline", points=said, class_=kind, fill="none", stroke=stroke, stroke_width=2, **more)


def _short(value: float) -> str:
    return count(value) if 1.0 <= value < 1e15 else f"{value:.0e}"


def _frame(x: _Scale, y: _Scale, below: str) -> list[Markup]:
    shapes = [_line(LEFT, y.start, RIGHT, y.start, "axis"), _line(LEFT, y.start, LEFT, y.end, "axis")]
    shapes += [_text(x(v), y.start + 16, count(v), "middle") for v in x.ticks()]
    for v in y.ticks():
        shapes += [_text(LEFT - 6, y(v) + 4, _short(v), "end"), _line(LEFT, y(v), RIGHT, y(v), "rule", FAINT)]
    return [*shapes, _text(RIGHT, y.start + 32, below, "end")]


def _sizes(data: Data) -> list[Markup]:
    """Return what every size takes to train, to serve, and in all with its interval."""
    a, rows = data["answer"], data["sizes"]
    n, served, objective = [row["params"] for row in rows], a["served_tokens"], a["objective"]
    size, unit = SHOWN_IN[objective]
    least = a["total"] / size
    spread = {} if len(n) > 1 else {"low": n[0] / 2.0, "high": n[0] * 2.0}
    x = _Scale(spread.get("low", n[0]), spread.get("high", n[-1]), LEFT + GAP, RIGHT - GAP, n)
    top = max(row["interval"][1] for row in rows) / size
    parts = [v for row in rows for v in (row["training"], row["per_served_token"] * served) if v > 0.0]
    bottom = max(0.8 * min(parts, default=0.0) / size, least / 30.0)
    y = _Scale(bottom, min(max(top, 2.0 * least), 30.0 * least), UPPER[1], UPPER[0])
    ends = [(x(row["params"]), *(y(end / size) for end in row["interval"])) for row in rows]
    around = [(at, low) for at, low, _ in ends] + [(at, high) for at, _, high in reversed(ends)]
    lines = (
        ("training", "spent", REST, "5 3", [row["training"] / size for row in rows]),
        ("serving", "second", RULE, "2 3", [row["per_served_token"] * served / size for row in rows]),
        ("in all", "law", BAR, "none", [row["total"] / size for row in rows]),
    )
    shapes = [
        node(
            "polygon", points=" ".join(f"{a:.1f},{b:.1f}" for a, b in around), class_="around", fill=BAR, opacity=0.15
        ),
        _text(LEFT, UPPER[0] - 12, f"What a size takes, {unit}, for {count(served)} served tokens"),
        *_frame(x, y, "parameters"),
    ]
    for place, (words, kind, stroke, dash, values) in enumerate(lines):
        begin = RIGHT - 236.0 + 82.0 * place
        shapes += [
            _path(
                [(x(params), y(v)) for params, v in zip(n, values, strict=True) if v <= y.high],
                kind,
                stroke,
                stroke_dasharray=dash,
            ),
            _line(begin, UPPER[0] - 16, begin + 22, UPPER[0] - 16, kind, stroke, stroke_width=2, stroke_dasharray=dash),
            _text(begin + 26, UPPER[0] - 12, words),
        ]
    at = x(a["params"])
    words = f"{count(a['params'])}: {amount(a['total'], objective)}"
    anchor = "start" if at < LEFT + 80 else "end" if at > RIGHT - 80 else "middle"
    return [
        *shapes, node("circle", cx=f"{at:.1f}", cy=f"{y(least):.1f}", r=4.5, class_="dot", fill=BAR),
        _text(at, y(least) - 10, words, anchor),
    ]  # fmt: skip


def _winners(data: Data) -> list[Markup]:
    """Return the size that takes the least, by served tokens, as a stair."""
    served, points = data["answer"]["served_tokens"], data["answer"]["break_even"]
    low, high = served / 10.0**DECADES, served * 10.0**DECADES
    after = [*(p["served_tokens"] for p in points[1:]), math.inf]
    steps = [
        (max(p["served_tokens"], low), min(end, high), p["params"])
        for p, end in zip(points, after, strict=True) if end > low and p["served_tokens"] < high
    ]  # fmt: skip
    size = [params for *_, params in steps]
    x = _Scale(low, high, LEFT + GAP, RIGHT - GAP)
    y = _Scale(min(size) / 1.3, max(size) * 1.3, LOWER[1], LOWER[0], size)
    stair = [(x(at), y(params)) for begin, end, params in steps for at in (begin, end)]
    return [
        _text(LEFT, LOWER[0] - 8, "The size that takes the least"), *_frame(x, y, "served tokens"), _path(stair, "law", BAR),
        _line(x(served), LOWER[0], x(served), LOWER[1], "handle", REST, stroke_dasharray="4 3"),
    ]  # fmt: skip


def _svg(data: Data, **more: object) -> Markup:
    return node(
        "svg", node("title", decided_words(data)[0]), *_sizes(data), *_winners(data),
        viewBox=f"0 0 {WIDTH} {LOWER[1] + 40:.0f}", role="img", **more,
    )  # fmt: skip


def decided_picture(data: Data) -> str:
    """Return the picture of a decision as an SVG file.

    Parameters
    ----------
    data : Mapping
        As `Decided.to_dict`, or a file that ``decide`` saved.
    """
    return str(_svg(data, xmlns="http://www.w3.org/2000/svg")) + "\n"


def decided_figure(data: Data) -> Markup:
    """Return the picture with its caption, for a report."""
    return node("figure", _svg(data), node("figcaption", CAPTION))

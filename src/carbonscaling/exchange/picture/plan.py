"""A plan as a picture (SVG): the pipeline on the clock, where a step's time goes, what travels where, who lies where."""

from __future__ import annotations

from carbonscaling.exchange.picture.canvas import LEFT, RIGHT, Canvas
from carbonscaling.exchange.picture.nodes import draw_nodes
from carbonscaling.exchange.picture.pipeline import draw_pipeline
from carbonscaling.exchange.placement import groups
from carbonscaling.exchange.timeline.step import timeline
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.shown import setting_words
from carbonscaling.words import duration, percent

__all__ = ["plan_picture"]

PARTS = {
    "matmul": ("matrix multiplication", "#4c78a8"), "attention": ("attention", "#72b7b2"),
    "elementwise": ("element-wise work", "#9ecae9"), "head": ("output head and embedding", "#54a24b"),
    "recompute": ("recomputation", "#b279a2"), "tp_comm": ("tensor-parallel traffic", "#f58518"),
    "cp_comm": ("context-parallel traffic", "#ffbf79"), "ep_comm": ("expert traffic", "#e45756"),
    "launch": ("launch", "#bab0ac"),
    "stage_imbalance": ("uneven stages", "#d6a5c9"), "bubble": ("pipeline bubble", "#d4d4d4"),
    "pp_comm": ("pipeline traffic", "#eeca3b"), "dp_comm": ("data-parallel traffic", "#ff9da6"),
    "optimizer": ("optimizer", "#9d755d"), "host": ("host work", "#79706e"), "straggler": ("stragglers", "#a0cbe8"),
}  # fmt: skip
LEAST = 0.001
"""Share of a step below which a part is not named."""


def plan_picture(answer: Estimate) -> str:
    """Return the picture of a plan as SVG; boxes say more when they are pointed at.

    Raises
    ------
    InputError
        As `timeline`.
    """
    r, canvas = answer.resolved, Canvas()
    canvas.y += 12
    canvas.text(24, canvas.y, f"{r.spec.name} on {answer.n_devices:,} x {r.cluster.device.name}", size=18, bold=True)
    canvas.y += 2
    canvas.lines(f"{setting_words(answer.setting)}; {r.recipe.name}, batch {r.batch:,.0f} x {r.seq_len:,} tokens; "
                 f"{duration(float(answer.step.total))} a step, MFU {percent(answer.mfu)}")  # fmt: skip
    draw_pipeline(canvas, timeline(answer), float(answer.step.total))
    _draw_time(canvas, answer)
    _draw_links(canvas, answer)
    draw_nodes(canvas, answer)
    return canvas.svg()


def _draw_time(canvas: Canvas, answer: Estimate) -> None:
    """Draw a step as a bar of its parts."""
    canvas.heading("Where the time of a step goes")
    total, x, named = float(answer.step.total), LEFT, []
    for field, (name, colour) in PARTS.items():
        seconds = float(getattr(answer.step, field))
        width = seconds / total * (RIGHT - LEFT)
        if seconds > 0:
            canvas.box(x, canvas.y, width, 24, colour, f"{name}: {duration(seconds)}")
            x += width
        if seconds >= LEAST * total:
            named.append((f"{name} {percent(seconds / total)}", colour))
    canvas.y += 32
    canvas.legend(named)


def _draw_links(canvas: Canvas, answer: Estimate) -> None:
    """Say which traffic takes which link, and what a step waits for it."""
    rows = [group for group in groups(answer) if group.size > 1]
    if not rows:
        return
    canvas.heading("What travels where")
    for x, words in (
        (LEFT, "parallelism"),
        (230, "ranks of a group"),
        (370, "devices apart"),
        (490, "on"),
        (800, "a step waits"),
    ):
        canvas.text(x, canvas.y + 8, words, size=11, fill="#777")
    canvas.y += 14
    for group in rows:
        waits = duration(group.seconds) if group.seconds > 0 else "nothing: hidden"
        cells = (group.name, f"{group.size:,}", f"{group.stride:,}", group.link, waits)
        for x, words in zip((LEFT, 230, 370, 490, 800), cells, strict=True):
            canvas.text(x, canvas.y + 10, words, size=12)
        canvas.y += 17

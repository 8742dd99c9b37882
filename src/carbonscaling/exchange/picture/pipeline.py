"""The pipeline on the clock: a row for each stage, a box for each pass."""

from __future__ import annotations

from carbonscaling.exchange.picture.canvas import LEFT, RIGHT, Canvas
from carbonscaling.exchange.timeline.schedule import Slot
from carbonscaling.exchange.timeline.step import Timeline
from carbonscaling.words import duration

__all__ = ["draw_pipeline"]

COLOURS = {"F": "#4c78a8", "B": "#59a14f", "W": "#b6992d", "after": "#9d755d", "idle": "#ececec"}
DARKER = {"F": "#35597f", "B": "#3d7a35", "W": "#8a7222"}
"""Colours of the second, fourth, … model chunk of a stage."""
KINDS = {
    "F": "forward",
    "B": "backward",
    "W": "weight gradients",
    "after": "gradients, update and host work",
    "idle": "idle",
}
MOST_PASSES = 84
"""Passes of a stage above which its beginning and its end are drawn, not the whole."""
MOST_ROWS = 48
APART = 1.02
"""Time on the clock over that of the formulas, above which a picture says both."""
GAP = 26.0


def draw_pipeline(canvas: Canvas, line: Timeline, step_s: float) -> None:
    """Draw a step, of a long one its beginning and its end; `step_s` is what its formulas say."""
    stages = max(slot.stage for slot in line.slots) + 1
    passes = len(line.slots) // stages
    chunks = 1 + max(slot.task.chunk for slot in line.slots)
    canvas.heading("The pipeline" if stages > 1 else "The passes of a step")
    window = _window(line, passes, stages)
    whole = window >= line.end
    spans = [(0.0, line.end)] if whole else [(0.0, window), (line.end - window, line.end)]
    width = (RIGHT - LEFT - (0.0 if whole else GAP)) / len(spans)
    rows = [*range(stages)] if stages <= MOST_ROWS else [*range(MOST_ROWS - 1), stages - 1]
    height = max(7.0, min(24.0, 400.0 / len(rows)))
    top = canvas.y
    for part, (begin, end) in enumerate(spans):
        x = LEFT + part * (width + GAP)
        scale = width / (end - begin)
        for row in range(len(rows)):
            canvas.box(x, top + row * height, width, height - 1.5, COLOURS["idle"])
        for slot in line.slots:
            if slot.stage in rows and slot.end > begin and slot.start < end:
                _draw_pass(canvas, slot, x, scale, (begin, end), top + rows.index(slot.stage) * height, height - 1.5)
        for name, start, stop in line.after:
            if stop > begin and start < end:
                for row in range(len(rows)):
                    left = x + (max(start, begin) - begin) * scale
                    canvas.box(left, top + row * height, (stop - max(start, begin)) * scale, height - 1.5, COLOURS["after"],
                               f"{name}: {duration(stop - start)}")  # fmt: skip
        below = top + len(rows) * height + 12
        canvas.text(x, below, duration(begin) if begin else "0 s", size=10)
        canvas.text(x + width, below, duration(end), size=10, anchor="end")
        if part:
            canvas.text(x - GAP / 2, top + len(rows) * height / 2, "…", size=18, anchor="middle")
    for row, stage in enumerate(rows):
        if height >= 9 or row % 4 == 0 or row == len(rows) - 1:
            canvas.text(LEFT - 6, top + row * height + height / 2 + 3, f"stage {stage}", size=10, anchor="end")
    canvas.y = top + len(rows) * height + 20
    shown = "" if whole else f" (its first and last {duration(window)} of {duration(line.end)})"
    shown += f"; by its formulas {duration(step_s)}, waiting as the mean stage does" * (line.end > APART * step_s)
    canvas.text(
        LEFT, canvas.y + 6, f"{passes} passes a stage, {chunks} model chunk{'s' * (chunks > 1)} each{shown}", size=11
    )
    canvas.y += 16
    kinds = [kind for kind in ("F", "B", "W") if any(slot.task.kind == kind for slot in line.slots)]
    canvas.legend([(KINDS[kind], COLOURS[kind]) for kind in (*kinds, "after", "idle")])


def _window(line: Timeline, passes: int, stages: int) -> float:
    """Return how many seconds of either end are drawn: until the first micro-batches are back at the first stage."""
    if passes <= MOST_PASSES:
        return line.end
    first = min(slot.end for slot in line.slots if slot.stage == 0 and slot.task.kind == "B")
    some = sorted(slot.end for slot in line.slots if slot.stage == stages - 1)[MOST_PASSES // 3]
    return min(line.end / 2.0, max(1.15 * first, some))


def _draw_pass(
    canvas: Canvas, slot: Slot, x: float, scale: float, span: tuple[float, float], y: float, height: float
) -> None:
    kind, micro, chunk = slot.task
    begin, end = max(slot.start, span[0]), min(slot.end, span[1])
    left, width = x + (begin - span[0]) * scale, (end - begin) * scale
    colour = DARKER[kind] if chunk % 2 else COLOURS[kind]
    tip = f"{KINDS[kind]}, micro-batch {micro}, chunk {chunk}: {duration(slot.end - slot.start)} on stage {slot.stage}"
    canvas.box(left, y, width, height, colour, tip, "white" if width > 3 else "")
    if width > 7 * len(str(micro)) + 2 and height > 9:
        canvas.text(left + width / 2, y + height / 2 + 3.2, str(micro), size=9, anchor="middle", fill="white")

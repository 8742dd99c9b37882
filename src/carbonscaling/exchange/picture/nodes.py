"""Which ranks lie where: a box for each host, in it a cell for each device, coloured by pipeline stage."""

from __future__ import annotations

import math

from carbonscaling.exchange.picture.canvas import LEFT, RIGHT, Canvas
from carbonscaling.exchange.placement import nodes, stage_of_device
from carbonscaling.study.estimate import Estimate
from carbonscaling.words import counted

__all__ = ["draw_nodes"]

STAGES = ("#4c78a8", "#f58518", "#54a24b", "#e45756", "#72b7b2", "#b279a2", "#eeca3b", "#9d755d", "#9ecae9", "#ffbf79",
          "#88d27a", "#ff9da6", "#bab0ac", "#d6a5c9", "#79706e", "#a0cbe8")  # fmt: skip
"""Colours of pipeline stages, in turn."""
MOST_NODES = 600
IDLE = "#ffffff"


def draw_nodes(canvas: Canvas, answer: Estimate) -> None:
    """Draw the hosts of a plan."""
    s, host = answer.setting, answer.resolved.cluster.host
    n_nodes, on_node = nodes(answer), min(host.devices_per_host, answer.n_devices)
    used = int(s.tp * s.cp * s.dp * s.pp)
    canvas.heading(f"Ranks on {n_nodes:,} host{'s' * (n_nodes > 1)} of {counted(on_node, 'device')}")
    canvas.text(
        LEFT, canvas.y + 6,
        f"neighbours in order: tensor ({int(s.tp)}), context ({int(s.cp)}), data ({int(s.dp)}), pipeline ({int(s.pp)}); "
        "colours are pipeline stages", size=11,
    )  # fmt: skip
    canvas.y += 16
    drawn = min(n_nodes, MOST_NODES)
    across = 4 if on_node > 4 else on_node
    down = math.ceil(on_node / across)
    cell = 9.0 if drawn <= 64 else 6.0 if drawn <= 200 else 3.6
    wide, high = across * cell + 5, down * cell + (15 if drawn <= 64 else 5)
    a_row = max(1, int((RIGHT - LEFT) // wide))
    for node in range(drawn):
        x, y = LEFT + node % a_row * wide, canvas.y + node // a_row * high
        first = node * on_node
        last = min(first + on_node, answer.n_devices) - 1
        stages = sorted({stage_of_device(answer, rank) for rank in range(first, min(last + 1, used))})
        tip = f"host {node}: ranks {first} to {last}, stage{'s' * (len(stages) > 1)} {', '.join(map(str, stages)) or 'none'}"
        canvas.box(x, y, wide - 3, down * cell + 2, "#f4f4f4", tip, "#999")
        for device in range(last - first + 1):
            rank = first + device
            colour = STAGES[stage_of_device(answer, rank) % len(STAGES)] if rank < used else IDLE
            canvas.box(x + 1 + device % across * cell, y + 1 + device // across * cell, cell - 1, cell - 1, colour)
        if drawn <= 64:
            canvas.text(x, y + down * cell + 11, str(node), size=8, fill="#777")
    canvas.y += math.ceil(drawn / a_row) * high + 6
    if n_nodes > drawn:
        canvas.text(LEFT, canvas.y + 6, f"and {n_nodes - drawn:,} more hosts in the same order", size=11)
        canvas.y += 16
    shown = min(int(s.pp), len(STAGES))
    if s.pp > 1:
        more = "" if s.pp <= shown else ", and so on in turn"
        canvas.legend([
            (f"stage {stage}" + (more if stage == shown - 1 else ""), STAGES[stage]) for stage in range(shown)
        ])  # fmt: skip

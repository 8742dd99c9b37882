"""How far training can scale: utilisation over training FLOP by device and engine, with the knee and the wall of the field."""

from __future__ import annotations

from dataclasses import replace

from carbonscaling.papers.figure import Band, Figure, Panel, Series
from carbonscaling.papers.study import Study
from carbonscaling.papers.variants import Engine

__all__ = ["limits"]

WIDTHS = (
    3072,
    6144,
    12288,
    18432,
    24576,
    30720,
    36864,
    49152,
    61440,
    73728,
    86016,
    98304,
    122880,
    147456,
    196608,
    294912,
    393216,
)
ROUND = 8.0
"""What layers are a multiple of here: what the figure shows should be data movement, not the divisors of 189 or 449."""
CLAIMED = (1e28, 1e31)
"""FLOP from which bottlenecks lower utilisation, and beyond which training is infeasible (erdil_2024, abstract; 90 days)."""
ENGINES: dict[Engine, str] = {"E": "published latencies", "F": "no latencies"}

NOTE = (
    "Version 1's family in 90 days on as many devices as it takes; 0: nothing trains in time. Layers are a multiple of 8. "
    "The area begins where data movement lowers utilisation and ends where training is infeasible."
)


def limits(study: Study) -> Figure:
    """Return one panel an engine for the papers' GPUs and a B100 in 8 years; in physical mode there is none."""
    return Figure({}, lambda: tuple(_panel(study, engine) for engine in ENGINES) if study.mode == "paper" else ())


def _panel(study: Study, engine: Engine) -> Panel:
    own = Study(study.mode, replace(study.with_engine(engine).choice, layer_multiple=ROUND))
    devices = {gpu: (gpu, 0) for gpu in own.devices("v1")} | {"B100 in 8 years": ("B100", 8)}
    series = []
    for label, (gpu, years) in devices.items():
        points = own.row("v1", gpu, WIDTHS, years=years)
        use = tuple(p.found.utilisation if p.found else 0.0 for p in points)
        series.append(Series(label, tuple(p.compute for p in points), use))
    area = Band("bottlenecks, by Erdil and Schneider-Joseph", (*CLAIMED, *CLAIMED[::-1]), (0.0, 0.0, 0.95, 0.95))
    return Panel(f"v1-limits-{engine}", f"How far training scales, engine {engine} ({ENGINES[engine]})", "training FLOP",
                 "model-FLOPs utilisation", tuple(series), log_y=False, note=NOTE, bands=(area,))  # fmt: skip

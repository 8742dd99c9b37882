"""Panels drawn with matplotlib: vector and PNG, log axes, colour-blind safe."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

from carbonscaling.errors import InputError
from carbonscaling.reproduce.figure import Panel

__all__ = ["COLOURS", "draw"]

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000")
"""Okabe and Ito's palette for every kind of colour vision."""
MARKERS = "osD^vPX"
STYLES = ("-", "--", "-.", ":", (0, (3, 1, 1, 1, 1, 1)), (0, (5, 1)), "-")


def _matplotlib() -> Any:
    try:
        import matplotlib as mpl
    except ImportError as error:
        raise InputError(
            "figures need matplotlib",
            key="-o",
            remedy='pip install "carbonscaling[plot]", or leave -o out for the tables',
        ) from error
    mpl.use("Agg")
    mpl.rcParams.update({"svg.hashsalt": "carbonscaling", "font.size": 9, "axes.grid": True, "grid.alpha": 0.3,
                         "figure.constrained_layout.use": True, "svg.fonttype": "none"})  # fmt: skip
    from matplotlib import pyplot

    return pyplot


def _curve(axes: Any, panel: Panel) -> None:
    for i, s in enumerate(panel.series):
        axes.plot(s.x, s.y, color=COLOURS[i % 7], marker=MARKERS[i % 7], linestyle=STYLES[i % 7], label=s.label, ms=5,
                  alpha=0.9)  # fmt: skip


def _bars(axes: Any, panel: Panel) -> None:
    stacked = {s.label for s in panel.series} == {"operational", "embodied"} and not panel.log_y
    names = panel.series[0].x if panel.series else ()
    n, below = len(panel.series), [0.0] * len(names)
    for i, s in enumerate(panel.series):
        width = 0.6 if stacked else 0.8 / n
        at = [k if stacked else k + (i - (n - 1) / 2) * width for k in range(len(names))]
        axes.bar(at, s.y, width, bottom=below if stacked else None, color=COLOURS[i], label=s.label,
                 hatch=("", "//", "..")[i % 3], edgecolor="white")  # fmt: skip
        below = [b + y for b, y in zip(below, s.y, strict=True)]
    axes.set_xticks(range(len(names)), names)
    axes.grid(visible=False, axis="x")


def _cloud(axes: Any, panel: Panel) -> None:
    values = [v for s in panel.series for v in (*s.x, *s.y) if v > 0]
    if values:
        low, high = (min(values), max(values)) if panel.log_x else (0.0, 1.05 * max(values))
        axes.plot([low, high], [low, high], color="0.5", lw=1, label="equal")
    few = sum(len(s.x) for s in panel.series) < 40
    for i, s in enumerate(panel.series):
        axes.plot(s.x, s.y, linestyle="none", marker=MARKERS[i % 7], color=COLOURS[i % 7], ms=6 if few else 3,
                  alpha=0.9 if few else 0.4, label=s.label)  # fmt: skip


def draw(panel: Panel, mode: str, folder: Path) -> list[Path]:
    """Write a panel as SVG and PNG; return the files.

    Raises
    ------
    InputError
        matplotlib is not installed.
    """
    plt = _matplotlib()
    figure, axes = plt.subplots(figsize=(5.6, 4.6))
    {"curve": _curve, "bars": _bars, "cloud": _cloud}[panel.kind](axes, panel)
    has_points = any(s.y for s in panel.series)
    if panel.log_x and has_points:
        axes.set_xscale("log")
        _plain_ticks(axes.xaxis, [x for s in panel.series for x in s.x if x > 0])
    if panel.log_y and has_points:
        axes.set_yscale("log")
        if panel.kind == "curve":
            _plain_ticks(axes.yaxis, [y for s in panel.series for y in s.y if y > 0])
    axes.set(xlabel=panel.x_label, ylabel=panel.y_label)
    axes.set_title(f"{panel.title}\n({panel.name}, {mode} mode)", fontsize=10)
    if has_points:
        axes.legend(fontsize=8)
    else:
        axes.text(0.5, 0.5, "no setting finishes in time", ha="center", transform=axes.transAxes)
    if panel.note:
        lines = textwrap.wrap(panel.note, 105)
        figure.supxlabel("\n".join(lines[:8]), fontsize=6.5, x=0.02, ha="left")
    figure.get_layout_engine().execute(figure)
    figure.set_layout_engine("none")  # laid out once, not once a file
    files = [folder / f"{panel.name}-{mode}.{kind}" for kind in ("svg", "png")]
    for path in files:
        figure.savefig(path, dpi=160, metadata={"Date": None} if path.suffix == ".svg" else {"Software": None})
    plt.close(figure)
    return files


def _plain_ticks(axis: Any, values: list[float]) -> None:
    """Label a log axis of less than two decades with numbers instead of powers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_minor_formatter(NullFormatter())
    if max(values) / min(values) < 100:
        axis.set_major_locator(LogLocator(10, subs=(1.0, 1.5, 2.0, 3.0, 5.0, 7.0)))
        axis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,.0f}" if 10 <= v < 1e6 else f"{v:.3g}"))

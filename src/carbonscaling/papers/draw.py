"""Panels drawn with matplotlib (vector and PNG, log axes, colour-blind safe), and their data as Parquet."""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from carbonscaling.errors import InputError
from carbonscaling.files import write_figure, write_file
from carbonscaling.papers.figure import Panel

__all__ = ["draw", "label_of", "write_parquet"]

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000")
"""Okabe and Ito's palette for every kind of colour vision."""
MARKERS = "osD^vPX"
STYLES = ("-", "--", "-.", ":", (0, (3, 1, 1, 1, 1, 1)), (0, (5, 1)), "-")
STYLE: Any = {"font.size": 9, "axes.grid": True, "grid.alpha": 0.3, "axes.axisbelow": True, "svg.fonttype": "none"}
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
SHADES = ("0.5", "0.75")
HATCHES = ("", "//", "..")
WIDTH, AXES_HEIGHT = 5.6, 3.55
"""Inches; the figure grows by the lines under it."""
ABOVE, BELOW, LINE = 0.5, 0.62, 0.125
NOTE_SIZE, NOTE_COLUMNS = 6.5, 112


def label_of(mode: str) -> str:
    """Return what a panel's label stands for.

    >>> label_of("paper"), label_of("paper-F"), label_of("paper-physical")
    ('paper mode', 'paper mode, engine F', "paper mode, this project's kernels")
    """
    base, _, engine = mode.partition("-")
    return f"{base} mode" + (
        "" if not engine else ", this project's kernels" if engine == "physical" else f", engine {engine}"
    )


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
                 hatch=HATCHES[i % 3], edgecolor="white")  # fmt: skip
        below = [b + y for b, y in zip(below, s.y, strict=True)]
    axes.set_xticks(range(len(names)), names)
    axes.grid(visible=False, axis="x")


def _cloud(axes: Any, panel: Panel) -> None:
    values = [v for s in panel.series for v in (*s.x, *s.y) if v > 0]
    if values:
        low, high = (min(values), max(values)) if panel.log_x else (0.0, 1.05 * max(values))
        axes.plot([low, high], [low, high], color="0.5", lw=1, label="equal")
    few = sum(len(s.x) for s in panel.series) < MANY
    for i, s in enumerate(panel.series):
        # Thousands of points make a vector file slow to open: they alone are drawn as pixels.
        axes.plot(s.x, s.y, linestyle="none", marker=MARKERS[i % 7], color=COLOURS[i % 7], ms=6 if few else 3,
                  alpha=0.9 if few else 0.4, label=s.label, rasterized=not few)  # fmt: skip


def draw(panel: Panel, mode: str, folder: Path) -> list[Path]:
    """Write a panel as SVG and PNG; return the files.

    Raises
    ------
    InputError
        matplotlib is not installed.
    """
    try:
        import matplotlib as mpl
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        remedy = 'pip install "carbonscaling[plot]", or leave -o out for the tables'
        raise InputError("figures need matplotlib", key="-o", remedy=remedy) from error
    files = [folder / f"{panel.name}-{mode}.{kind}" for kind in ("svg", "png")]
    with mpl.rc_context(STYLE):
        figure = Figure()
        FigureCanvasAgg(figure)
        _fill(mpl, figure, panel, f"{panel.title}\n({panel.name}, {label_of(mode)})")
        for path in files:
            write_figure(path, figure, dpi=160)
    return files


def _fill(mpl: Any, figure: Any, panel: Panel, title: str) -> None:
    note = textwrap.wrap(panel.note, NOTE_COLUMNS)
    under = BELOW + LINE * len(note)
    height = ABOVE + AXES_HEIGHT + under
    figure.set_size_inches(WIDTH, height)
    # Margins are counted, not solved for: a layout engine costs more than all the rest.
    axes = figure.add_axes((0.15, under / height, 0.8, AXES_HEIGHT / height))
    for i, band in enumerate(panel.bands):
        axes.fill(band.x, band.y, color=SHADES[i % 2], alpha=0.25, linewidth=0, label=band.label, zorder=0)
    {"curve": _curve, "bars": _bars, "cloud": _cloud}[panel.kind](axes, panel)
    axes.set(xlabel=panel.x_label, ylabel=panel.y_label)
    axes.set_title(title, fontsize=10)
    figure.text(0.02, 0.06 / height, "\n".join(note), fontsize=NOTE_SIZE, ha="left", va="bottom", linespacing=1.2)
    if not any(s.y for s in panel.series):
        axes.text(0.5, 0.5, "no setting finishes in time", ha="center", transform=axes.transAxes)
        return
    if panel.log_x:
        axes.set_xscale("log")
        _log_ticks(mpl, axes.xaxis, [x for s in panel.series for x in s.x if x > 0], ALONG)
    if panel.log_y:
        axes.set_yscale("log")
        _log_ticks(mpl, axes.yaxis, [y for s in panel.series for y in s.y if y > 0], UP)
    many = sum(len(s.x) for s in panel.series) >= MANY
    crowded = many and panel.kind == "curve"
    if panel.kind == "bars" or crowded:
        axes.margins(y=0.1 if panel.log_y else 0.3)  # room for the legend
    if panel.kind == "curve" and not panel.log_y:
        axes.set_ylim(bottom=0.0)
    place = (
        "upper right" if crowded else "upper left" if many else LEGENDS[panel.kind]
    )  # "best" is slow among many points
    axes.legend(fontsize=8, loc=place, ncols=2 if crowded else 1)


def _log_ticks(mpl: Any, axis: Any, values: list[float], between: tuple[float, ...]) -> None:
    """Label a log axis at powers of ten, over less than two decades also at `between` times them.

    Powers are plain characters, since parsing them as mathematics took half the time of a figure.
    """
    ticker = mpl.ticker
    narrow = max(values) / min(values) < NARROW
    axis.set_minor_locator(ticker.NullLocator())
    axis.set_major_locator(ticker.LogLocator(10, subs=between if narrow else (1.0,), numticks=12 if narrow else 9))
    axis.set_major_formatter(ticker.FuncFormatter(lambda v, _: _label(v, plain=narrow)))


def _label(value: float, *, plain: bool) -> str:
    """Return a tick's label.

    >>> _label(1500.0, plain=True), _label(2e7, plain=True), _label(1000.0, plain=False)
    ('1,500', '2×10⁷', '10³')
    """
    if plain and 1e-3 <= value < PLAIN_BELOW:
        return f"{value:,.0f}" if value >= TENS else f"{value:.3g}"
    power = math.floor(math.log10(value) + 1e-9)
    times = value / 10.0**power
    return ("" if math.isclose(times, 1.0) else f"{times:.3g}×") + "10" + str(power).translate(RAISED)


MANY = 40
"""Points from which a cloud is drawn small and pale, and curves leave the legend a strip of its own."""
LEGENDS: dict[str, Any] = {"curve": "best", "bars": "upper right", "cloud": "lower right"}
NARROW, PLAIN_BELOW, TENS = 100.0, 1e5, 10.0
ALONG, UP = (1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)
"""Labels lie closer on an upright axis."""


def write_parquet(rows: Sequence[dict[str, Any]], path: Path) -> bool:
    """Write rows as Parquet; return whether polars (extra `sweep`) is there to do it.

    A column holds one type: one with a text anywhere, such as the names under bars, is text throughout, and its numbers
    stand once more in a column `NAME_number`.
    """
    try:
        import polars
    except ImportError:
        return False
    columns: dict[str, list[Any]] = {name: [row[name] for row in rows] for name in (rows[0] if rows else ())}
    for name, values in list(columns.items()):
        texts = [isinstance(v, str) for v in values]
        if any(texts):
            columns[name] = [str(v) for v in values]
        if any(texts) and not all(texts):
            columns[f"{name}_number"] = [None if isinstance(v, str) else float(v) for v in values]
    out = io.BytesIO()
    polars.DataFrame(columns).write_parquet(out, compression="zstd")
    write_file(path, out.getvalue())
    return True

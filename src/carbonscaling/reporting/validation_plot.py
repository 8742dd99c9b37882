"""Predicted against measured speed, by device: the scatter plot of the validation page. Needs the extra `plot`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from carbonscaling.errors import InputError
from carbonscaling.files import write_figure
from carbonscaling.hints import NamedTuple

__all__ = ["PlotRow", "scatter"]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C6D1F")
"""Okabe and Ito's palette for every kind of colour vision; its yellow, too faint on white, is exchanged for brown."""
MARKERS = "osD^vP*X"
"""A second cue beside colour."""


class PlotRow(NamedTuple):
    """One measured configuration; `low` and `high` bound the prediction's 90 % interval."""

    device: str
    measured: float
    predicted: float
    low: float
    high: float


def scatter(rows: Sequence[PlotRow], path: Path, title: str = "") -> tuple[Path, Path]:
    """Draw predicted against measured tokens/s/device on logarithmic axes, once as SVG and once as PNG.

    Parameters
    ----------
    rows : sequence of PlotRow
    path : Path
        Its suffix is exchanged for ``.svg`` and ``.png``.
    title : str, optional

    Returns
    -------
    tuple of Path
        The two files, SVG first.

    Raises
    ------
    InputError
        matplotlib is not installed, no row has two positive speeds, or the files cannot be written.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise InputError(
            "matplotlib is not installed", key="plot", remedy="pip install 'carbonscaling[plot]'"
        ) from error
    groups: dict[str, list[PlotRow]] = defaultdict(list)
    for row in rows:
        if row.measured > 0 and row.predicted > 0:
            groups[row.device].append(row)
    if not groups:
        raise InputError("nothing to draw", key="plot", remedy="give rows with a measured speed")

    figure = Figure(figsize=(7.2, 6.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    speeds = [v for group in groups.values() for r in group for v in (r.measured, r.predicted)]
    ends = (min(speeds) / 1.5, max(speeds) * 1.5)
    axes.set_rasterization_zorder(2.5)  # thousands of interval bars would make a large SVG
    axes.plot(ends, ends, color="0.25", linewidth=1.0, zorder=1)
    axes.fill_between(
        ends, [0.8 * e for e in ends], [1.2 * e for e in ends], color="0.9", linewidth=0, zorder=0, label="within 20 %"
    )
    ordered = sorted(groups.items(), key=lambda item: -len(item[1]))
    for i, (device, group) in enumerate(ordered):
        colour, marker = COLOURS[i % len(COLOURS)], MARKERS[(i + i // len(COLOURS)) % len(MARKERS)]
        measured = [r.measured for r in group]
        predicted = [r.predicted for r in group]
        below = [max(0.0, r.predicted - r.low) for r in group]
        above = [max(0.0, r.high - r.predicted) for r in group]
        axes.errorbar(
            measured, predicted, yerr=(below, above), fmt="none", ecolor=colour, alpha=0.12, linewidth=0.7, zorder=2
        )
        axes.scatter(
            measured, predicted, s=15, marker=marker, color=colour, alpha=0.7, linewidths=0, zorder=3,
            label=f"{device} ({len(group):,})",
        )  # fmt: skip
    axes.set(xscale="log", yscale="log", xlim=ends, ylim=ends, aspect="equal")
    axes.set_xlabel("measured, tokens/s per device")
    axes.set_ylabel("predicted, tokens/s per device (bars: 90 % interval)")
    axes.set_title(title, loc="left", fontsize=10)
    axes.grid(which="major", color="0.92", linewidth=0.6)
    axes.set_axisbelow(True)
    figure.legend(loc="outside right upper", fontsize=7.5, frameon=False, markerscale=1.4)

    files = path.with_suffix(".svg"), path.with_suffix(".png")
    for file in files:
        write_figure(file, figure, dpi=160)
    return files

"""Figures of a study's results: curve, front, heat map, tornado."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from carbonscaling.errors import InputError
from carbonscaling.files import write_figure
from carbonscaling.reporting.suffixes import FIGURES, check_suffix
from carbonscaling.study.sweep.query import Results
from carbonscaling.study.sweep.views import front, known_columns, measured, sensitivity

__all__ = ["draw"]

MOST_LINES = 12
WIDEST_NAMES = 60
"""Letters of all names along an axis up to which they stand side by side."""


def _axes(width: float = 7.0, height: float = 4.5) -> tuple[Any, Any]:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise InputError("a figure needs matplotlib", key="plot", remedy="pip install 'carbonscaling[plot]'") from error
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def _label(column: str) -> str:
    return column.strip('"').removeprefix("x_").replace("_", " ").replace("tco2e", "tCO$_2$e")


def _spread(values: Sequence[Any]) -> bool:
    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    return len(numbers) == len(values) > 0 and min(numbers) > 0 and max(numbers) > 20 * min(numbers)


def _known(rows: Sequence[tuple[Any, ...]], measure: str) -> list[tuple[Any, ...]]:
    """Return the rows without a gap; `InputError` where there is none: nothing can be drawn."""
    found = [row for row in rows if None not in row]
    if not found:
        raise InputError("no case has all that this figure shows", key="measure", value=measure,
                         remedy="choose other columns; carbonscaling query STUDY --view status counts the cases")  # fmt: skip
    return found


def _groups(rows: Sequence[tuple[Any, ...]]) -> dict[Any, list[tuple[Any, ...]]]:
    found: dict[Any, list[tuple[Any, ...]]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(row[1:])
    if len(found) > MOST_LINES:
        raise InputError(
            f"{len(found)} lines in one figure",
            key="by",
            allowed=f"at most {MOST_LINES}",
            remedy="group by another input",
        )
    return found


def _curve(r: Results, x: str, measure: str, by: str | None) -> Any:
    """Draw the median of `measure` over `x`, with a band from the 5th to the 95th percentile."""
    group = by or "''"
    rows = _known(r.sql(
        f"SELECT g, x, q[1], q[2], q[3] FROM (SELECT {group} AS g, {x} AS x, quantile_cont({measure}, [0.05, 0.5, 0.95]) AS q "
        f"FROM best WHERE {measure} IS NOT NULL GROUP BY ALL) ORDER BY g, x"
    ).fetchall(), measure)  # fmt: skip
    figure, axes = _axes()
    named = isinstance(rows[0][1], str)  # between names lies nothing
    for name, points in _groups(rows).items():
        places, low, middle, high = zip(*points, strict=True)
        (line,) = axes.plot(places, middle, "o" if named else "o-", markersize=5 if named else 3, label=str(name))
        band = axes.vlines if named else axes.fill_between
        band(places, low, high, alpha=0.2, color=line.get_color(), linewidth=8 if named else 0)
    axes.set(xlabel=_label(x), ylabel=f"{_label(measure)} (median, 5-95 %)")
    axes.margins(x=1.0 / (1 + len({row[1] for row in rows})) if named else None)
    _scales(axes, [row[1] for row in rows], [row[3] for row in rows])
    if by:
        axes.legend(title=_label(by), fontsize="small")
    return figure


def _front(r: Results, measure: str, by: str | None) -> Any:
    """Draw the cases that no other beats in both run time and `measure`."""
    by = by and by.strip('"')
    relation = front(r, [by] if by else [], measure)
    names = relation.columns
    places = [names.index(by) if by else None, names.index("duration_days"), names.index(measure)]
    points = _known([tuple("" if p is None else row[p] for p in places) for row in relation.fetchall()], measure)
    figure, axes = _axes()
    for name, line in _groups(points).items():
        axes.step(*zip(*line, strict=True), where="post", marker="o", markersize=3, label=str(name))
    axes.set(xlabel="duration days", ylabel=_label(measure))
    _scales(axes, [p[1] for p in points], [p[2] for p in points])
    if by:
        axes.legend(title=_label(by), fontsize="small")
    return figure


def _heat(r: Results, x: str, y: str, measure: str) -> Any:
    """Draw the median of `measure` over two inputs."""
    rows = _known(r.sql(f"SELECT {x} AS x, {y} AS y, median({measure}) FROM best GROUP BY ALL").fetchall(), measure)
    across, down = sorted({row[0] for row in rows}), sorted({row[1] for row in rows})
    if len(across) * len(down) > 40_000:
        raise InputError("too many values for a heat map", key="x", value=x, remedy="choose inputs with fewer values")
    at = {(row[0], row[1]): row[2] for row in rows}
    grid = [[at.get((a, d), float("nan")) for a in across] for d in down]
    figure, axes = _axes(max(5.0, min(14.0, 2.5 + 0.35 * len(across))), max(3.5, min(14.0, 1.8 + 0.25 * len(down))))
    image = axes.imshow(grid, aspect="auto", origin="lower", cmap="viridis")
    axes.set_xticks(range(len(across)), [_tick(v) for v in across], rotation=60, ha="right", fontsize="small")
    axes.set_yticks(range(len(down)), [_tick(v) for v in down], fontsize="small")
    axes.set(xlabel=_label(x), ylabel=_label(y))
    figure.colorbar(image, label=f"{_label(measure)} (median)")
    return figure


def _tornado(r: Results, measure: str) -> Any:
    """Draw the span of the means of `measure` over each input's values, widest first."""
    rows = _known([(row[0], row[1] or 0, *row[2:]) for row in sensitivity(r, [], measure).fetchall()], measure)
    rows.sort(key=lambda row: row[3] / row[2])
    figure, axes = _axes(height=1.5 + 0.4 * len(rows))
    names = [f"{_label(row[0])} ({row[1]:.0%})" for row in rows]
    axes.barh(names, [row[3] - row[2] for row in rows], left=[row[2] for row in rows])
    axes.use_sticky_edges = False
    _scale(axes, "x", [value for row in rows for value in row[2:4]])
    axes.set(xlabel=f"{_label(measure)}: geometric means over the input's values (share of variance)")
    return figure


def _tick(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _scales(axes: Any, across: Sequence[Any], up: Sequence[Any]) -> None:
    _scale(axes, "x", across)
    _scale(axes, "y", up)
    if sum(len(word) for word in set(across) if isinstance(word, str)) > WIDEST_NAMES:
        for name in axes.get_xticklabels():
            name.set(rotation=60, ha="right", rotation_mode="anchor", fontsize="small")


def _scale(axes: Any, which: str, values: Sequence[Any]) -> None:
    """Make an axis logarithmic where values lie far apart, with numbers as people write them."""
    if not _spread(values):
        return
    from matplotlib.ticker import LogLocator, NullFormatter

    axes.set(**{f"{which}scale": "log"})
    axis = getattr(axes, f"{which}axis")
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if max(values) < 1000.0 * min(values) else (1.0,)))
    axis.set_major_formatter("{x:,.12g}")
    axis.set_minor_formatter(NullFormatter())


def draw(r: Results, kind: str, output: str, *, x: str | None, y: str | None, by: str | None, measure: str) -> None:
    """Draw a figure and write it.

    Parameters
    ----------
    kind : {"curve", "front", "heat", "tornado"}
    output : str
        File; its ending (png, svg, pdf) says the format.
    x, y, by : str, optional
        Inputs or columns across, upward (heat map), and one line each; x and y default to the first inputs.
    measure : str
        What is shown.

    Raises
    ------
    InputError
        An unknown column or format, or no input to draw over.
    """
    inputs = list(r.study.keys)
    needed = {"curve": 1, "heat": 2}.get(kind, 0)
    chosen = [name for name in (x, y) if name] + [k for k in inputs if k not in (x, y)]
    if len(chosen) < needed:
        raise InputError(f"a {kind} needs {needed} inputs", key="x", remedy="name them with --x and --y")
    what = measured(r, measure)
    group = known_columns(r, [by])[0] if by else None
    columns = known_columns(r, chosen)
    check_suffix(output, FIGURES)
    if kind == "curve":
        figure = _curve(r, columns[0], what, group)
    elif kind == "heat":
        figure = _heat(r, columns[0], columns[1], what)
    else:
        figure = _front(r, what, group) if kind == "front" else _tornado(r, what)
    figure.suptitle(r.seen, fontsize="small")
    write_figure(output, figure, dpi=150)

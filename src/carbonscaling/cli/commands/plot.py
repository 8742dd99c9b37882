"""``carbonscaling plot``."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter

from carbonscaling.cli.commands.query import Measure, asked
from carbonscaling.cli.common import OUTPUT
from carbonscaling.cli.output import tell_written

__all__ = ["plot"]

Input = Annotated[str | None, Parameter(help="Input or column across (default: the first).", group=OUTPUT)]


def plot(
    study: Annotated[str, Parameter(help="Folder or URL of the results, or the study file beside them.")],
    kind: Annotated[
        Literal["curve", "front", "heat", "tornado"], Parameter(help="What to draw (default: curve).")
    ] = "curve",
    /,
    *,
    x: Input = None,
    y: Annotated[str | None, Parameter(help="Input upward, of a heat map (default: the second).", group=OUTPUT)] = None,
    by: Annotated[str | None, Parameter(help="Input with a line for each value.", group=OUTPUT)] = None,
    measure: Measure = "carbon_total_tco2e",
    output: Annotated[
        str, Parameter(name=("--output", "-o"), help="Figure to write: .png, .svg or .pdf.", group=OUTPUT)
    ] = "study.png",
) -> int:
    """Draw a study's results: medians with their spread, the front of time and carbon, a heat map, a tornado."""
    from carbonscaling.reporting.sweep_plot import draw

    found = asked(study)
    draw(found, kind, output, x=x, y=y, by=by, measure=measure)
    tell_written(output, f" ({found.seen})")
    return 0

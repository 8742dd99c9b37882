"""Figures of answers, by Matplotlib."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from carbonscaling.errors import InputError, nearest
from carbonscaling.study.choices import Choice
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.infeasible import Infeasible
from carbonscaling.study.scale import ScalePoint

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["plot"]


def _parts(answer: Estimate) -> Any:
    from carbonscaling.reporting.answer_plot import parts_figure

    return parts_figure(answer)


def _front(answer: Estimate) -> Any:
    from carbonscaling.reporting.answer_plot import front_figure

    return front_figure(answer)


def _places(answer: Estimate) -> Any:
    from carbonscaling.reporting.answer_plot import places_figure
    from carbonscaling.reporting.beside import regions

    return places_figure(regions(answer))


def _curve(answer: Estimate) -> Any:
    from carbonscaling.study.scale import curve_past

    found = curve_past(answer)
    if found is None:
        raise InputError("a scaling law says nothing of adapters and towers", key="kind", value="curve",
                         allowed="parts, front, places", remedy="draw one of these")  # fmt: skip
    return _points(list(found.points))


KINDS: Mapping[str, Callable[[Estimate], Any]] = {"parts": _parts, "front": _front, "places": _places, "curve": _curve}


def _points(points: list[ScalePoint]) -> Any:
    from carbonscaling.reporting.rows_plot import curve_figure
    from carbonscaling.reporting.scale import scale_rows

    s = points[0].answer.scenario
    return curve_figure(scale_rows(points), f"{s.law} on {s.device}")


def _listed(what: list[Any]) -> Any:
    from carbonscaling.reporting.answer_plot import answers_figure
    from carbonscaling.reporting.choices import choice_rows
    from carbonscaling.reporting.rows_plot import choices_figure

    if what and all(isinstance(one, ScalePoint) for one in what):
        return _points(what)
    if what and all(isinstance(one, Choice) for one in what):
        return choices_figure(choice_rows(what))
    if what and all(isinstance(one, Estimate) for one in what):
        return answers_figure(what)
    raise InputError("these cannot be drawn together", key="what", allowed="feasible answers, or what choices or scale gave",
                     remedy="leave out what is not feasible")  # fmt: skip


def plot(
    what: Estimate | Infeasible | Iterable[Estimate | Infeasible] | Iterable[Choice] | Iterable[ScalePoint],
    kind: str = "parts",
    output: str | Path | None = None,
) -> Any:
    """Draw an answer, or several; return the figure (``matplotlib.figure.Figure``), which notebooks show.

    Parameters
    ----------
    what : Estimate, or a sequence
        One answer; several, drawn side by side over the first with their intervals; what `choices` gave, as carbon against
        cost; what `scale` gave, as loss against carbon.
    kind : {"parts", "front", "places", "curve"}
        Of one answer: where time, memory, energy and carbon go; time against carbon and cost; the run elsewhere; loss
        against carbon by its scaling law.
    output : str or Path, optional
        File to write as well; its ending (png, svg, pdf) says the format.

    Raises
    ------
    InputError
        What cannot be drawn, an unknown kind or ending, or Matplotlib (extra ``plot``) is missing.

    Examples
    --------
    >>> import carbonscaling as cs
    >>> answer = cs.estimate(cs.Scenario(model="llama-3-8b", tokens=1e12, devices=64))
    >>> len(cs.plot(answer).axes)
    4
    """
    from carbonscaling.files import write_figure
    from carbonscaling.reporting.suffixes import FIGURES, check_suffix

    if output is not None:
        check_suffix(str(output), FIGURES)
    if kind not in KINDS:
        raise InputError("unknown kind of figure", key="kind", value=kind, allowed=", ".join(KINDS),
                         suggestion=nearest(str(kind), tuple(KINDS)), remedy="choose one of these")  # fmt: skip
    if isinstance(what, Estimate):
        figure = KINDS[kind](what)
    elif isinstance(what, Iterable):
        figure = _listed(list(what))
    else:
        raise InputError("this is no answer to draw", key="what", value=type(what).__name__,
                         allowed="a feasible answer, or several", remedy="see answer.reason and answer.remedies")  # fmt: skip
    if output is not None:
        write_figure(output, figure)
    return figure

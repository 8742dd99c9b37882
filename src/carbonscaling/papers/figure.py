"""What a figure shows, as plain data, and what becomes of a claim."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from carbonscaling.record import dataclass

__all__ = [
    "CANNOT",
    "DIFFERS",
    "REPRODUCED",
    "Band",
    "Figure",
    "Outcome",
    "Panel",
    "Series",
    "verdict_of",
]

REPRODUCED, DIFFERS, CANNOT = "reproduced", "differs", "cannot be tested"


@dataclass(frozen=True)
class Series:
    """One curve, one set of bars, or one cloud of points.

    Attributes
    ----------
    label : str
    x : tuple
        Numbers, or names for bars.
    y : tuple of float
    """

    label: str
    x: tuple[Any, ...]
    y: tuple[float, ...]


@dataclass(frozen=True)
class Band:
    """What a paper claims of a curve, as an area.

    Attributes
    ----------
    label : str
    x, y : tuple of float
        Corners.
    """

    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True)
class Panel:
    """One panel of a figure.

    Attributes
    ----------
    name : str
        As the command takes it, for instance ``v2-fig6a``.
    title, x_label, y_label : str
        Labels with units.
    series : tuple of Series
    kind : {"curve", "bars", "cloud"}
        A cloud is drawn with its diagonal.
    log_x, log_y : bool
    note : str
        What a reader must know, under the figure.
    bands : tuple of Band
        Claimed by the paper.
    """

    name: str
    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    kind: Literal["curve", "bars", "cloud"] = "curve"
    log_x: bool = True
    log_y: bool = True
    note: str = ""
    bands: tuple[Band, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """A claim in one mode.

    Attributes
    ----------
    ours : float or str
        A number for a numerical claim, otherwise what was found in a few words.
    verdict : str
        One of `REPRODUCED`, `DIFFERS`, `CANNOT`.
    reason : str
        One sentence.
    """

    ours: float | str
    verdict: str
    reason: str


@dataclass(frozen=True)
class Figure:
    """A figure of a paper in one mode.

    Attributes
    ----------
    outcomes : Mapping
        What becomes of its claims, by their ids.
    panels : callable
        Returns what is drawn; called only to draw it, since a panel may need searches that no verdict does.
    """

    outcomes: Mapping[str, Outcome]
    panels: Callable[[], tuple[Panel, ...]]


def verdict_of(holds: bool) -> str:
    """Return the verdict of a test that could be made.

    >>> verdict_of(True)
    'reproduced'
    """
    return REPRODUCED if holds else DIFFERS

"""What makes a project's carbon unsure: the unknowns that its draws follow most."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from carbonscaling.arrays import Array
from carbonscaling.carbon.uncertainty import draws
from carbonscaling.hints import NamedTuple
from carbonscaling.study.project.errors import Shared, amount_label
from carbonscaling.study.project.pieces import Piece
from carbonscaling.study.project.stages import Stage

__all__ = ["Unknown", "widest"]

SHOWN = 5
LEAST = 0.01
"""Share of the variance below which an unknown is not listed."""


class Unknown(NamedTuple):
    """A number that is not known, the stages that it is one and the same in, and the share of the variance that it explains."""

    what: str
    stages: tuple[str, ...]
    share: float


def widest(
    stages: Mapping[str, Stage], made: Mapping[str, tuple[Piece, ...]], total: Array | float
) -> tuple[Unknown, ...]:
    """Return the unknowns that a total follows most, most first: squared correlations of its logarithm.

    Parameters
    ----------
    stages : Mapping of str to Stage
    made : Mapping of str to tuple of Piece
    total : array
        Carbon of the whole, draw by draw.
    """
    if np.size(total) < 2:
        return ()
    shared = Shared((p.assessment, p.clock) for name in stages for p in made[name])
    who: dict[str, tuple[str, dict[str, None]]] = {}
    for name, stage in stages.items():
        for p in made[name]:
            for factor, label in shared.labels(p.assessment, p.clock).items():
                what = f"time of {p.clock}" if factor == "time" else factor.replace("_", " ")
                who.setdefault(label, (what, {}))[1][name] = None
        if stage.amount_range is not None:
            who[amount_label(name)] = ("assumed amount", {name: None})
    followed = np.log(total)
    found = [
        Unknown(what, tuple(names), float(np.corrcoef(draws(label), followed)[0, 1] ** 2))
        for label, (what, names) in who.items()
    ]
    return tuple(sorted((one for one in found if one.share >= LEAST), key=lambda one: -one.share)[:SHOWN])

"""Step times that other simulators publish their error on: ours on the same rows, left out and with nothing fitted."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from carbonscaling import evidence
from carbonscaling.calibration.profile import Calibration
from carbonscaling.evidence.left_out import shipped_left_out
from carbonscaling.record import dataclass
from carbonscaling.validate.score import Score, score
from carbonscaling.validate.speed.runs import replay_rows

__all__ = ["PeerSet", "peer_sets"]


@dataclass(frozen=True)
class PeerSet:
    """One set of rows.

    Attributes
    ----------
    name : str
    left_out, unfitted : Score
        Of the time of a step (s a token and device): fitted without the rows' source, and at device level.
    """

    name: str
    left_out: Score
    unfitted: Score


_SETS = {
    "Korthikanti 2022, 8 step times": ("Korthikanti", 0.0),
    "vTrain, 109 runs of several nodes": ("VIA-Research/vTrain", 8.0),
}
"""Part of the source's name, and the devices that a row has more than."""


def _devices(row: Mapping[str, str]) -> float:
    return float(row["n_devices"] or 0.0)


@lru_cache(maxsize=1)
def peer_sets() -> tuple[PeerSet, ...]:
    """Return both sets, scored on the shipped left-out predictions and at device level."""
    left = {r.id: r for r in shipped_left_out() if r.fold == "source"}
    found = []
    for name, (source, more_than) in _SETS.items():
        rows = [
            r for r in evidence.rows("runs") if source in r["source"] and _devices(r) > more_than and r["id"] in left
        ]
        measured = 1.0 / np.array([left[r["id"]].measured for r in rows])
        unfitted = [p.tokens_per_s_per_device or np.nan for p in replay_rows(rows, Calibration("none"))]
        found.append(
            PeerSet(
                name,
                left_out=score(1.0 / np.array([left[r["id"]].predicted for r in rows]), measured),
                unfitted=score(1.0 / np.array(unfitted), measured),
            )
        )
    return tuple(found)

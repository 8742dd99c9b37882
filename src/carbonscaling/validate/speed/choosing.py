"""Learn what people choose from measured rows that state it: each once more with it left out, and what would have fitted.

``python -m carbonscaling.validate.speed.choosing`` writes the shipped weights anew.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from carbonscaling import evidence
from carbonscaling.arrays import Array
from carbonscaling.evidence.row import RunRow, parse_row
from carbonscaling.hints import NamedTuple
from carbonscaling.perf.numbers import Recompute
from carbonscaling.study.choosing import NAMES, odds
from carbonscaling.study.practice import choice_of, open_settings
from carbonscaling.validate.replay import Replay, complete

__all__ = ["Choice", "choices_of", "fit_weights"]


PER_SOURCE = 60
"""Rows of a source that are learnt from, evenly spaced."""
PULL = 0.1
"""Of every weight towards nothing: one tenth of what one source knows."""
STEPS = 12
ELSEWHERE = 100.0
"""Doublings of the micro-batch that are nearer than another recomputation."""


class Choice(NamedTuple):
    """What one measured run could have chosen, and what it did.

    Attributes
    ----------
    source : str
        All tables of a repository or paper as one.
    apart : array
        Of the settings that fit, and of the one chosen, as `separates` returns it.
    taken : int
        Which was chosen.
    """

    source: str
    apart: Array
    taken: int


def _is_stated(row: RunRow) -> bool:
    return (
        row.mode in ("", "pretrain")
        and row.kind != "proxy"
        and bool(row.micro_batch)
        and row.recompute in Recompute.NAMES
    )


def choices_of(rows: Sequence[Mapping[str, str]]) -> list[Choice]:
    """Return what trainings on GPUs chose that state micro-batch and recomputation, where nothing is compiled whole."""
    by_source: dict[str, list[tuple[RunRow, Mapping[str, str]]]] = defaultdict(list)
    for text in rows:
        row = parse_row(text)
        if _is_stated(row):
            by_source[evidence.family(row.source)].append((row, text))
    some = [
        (source, *stated[k])
        for source, stated in by_source.items()
        for k in sorted({*np.linspace(0, len(stated) - 1, PER_SOURCE).astype(int)})
    ]
    index, replays, _ = complete([{**text, "micro_batch": "", "recompute": ""} for _, _, text in some])
    pairs = zip(index, replays, strict=True)
    found = [_choice(some[i][0], some[i][1], r) for i, r in pairs if not r.setup.stack.compiled.value > 0]
    return [choice for choice in found if choice is not None]


def _choice(source: str, row: RunRow, r: Replay) -> Choice | None:
    """Return one row's choice; None where nothing else fitted, or where its degrees are open too."""
    settings = open_settings(r.setup)
    if len({s[:6] for s in settings}) > 1:
        return None
    many, apart, fits = choice_of(r.setup, settings)
    off = np.abs(np.log2(many.micro_batch / (row.micro_batch or 1.0)))
    chosen = int(np.argmin(off + ELSEWHERE * (many.recompute != Recompute.NAMES.index(row.recompute))))
    fits = fits | (np.arange(len(fits)) == chosen)  # it ran
    return Choice(source, apart[fits], int(fits[:chosen].sum())) if fits.sum() > 1 else None


def fit_weights(choices: Sequence[Choice]) -> tuple[Array, Array]:
    """Return the weights under which the choices made are most likely, each source counting once, and their deviations.

    Newton's steps on the logarithm of the likelihood, which has one maximum (McFadden 1974), with a small pull to nothing.
    """
    counted = Counter(c.source for c in choices)
    weights, curvature = np.zeros(len(NAMES)), np.eye(len(NAMES))
    for _ in range(STEPS):
        slope, curvature = -PULL * weights, PULL * np.eye(len(NAMES))
        for c in choices:
            share = odds(c.apart, weights)
            beside = c.apart - share @ c.apart
            slope = slope + beside[c.taken] / counted[c.source]
            curvature = curvature + (beside.T * share) @ beside / counted[c.source]
        weights = weights + np.linalg.solve(curvature, slope)
    return weights, np.sqrt(np.diag(np.linalg.inv(curvature)))


if __name__ == "__main__":
    learnt = choices_of(evidence.rows("runs"))
    said = (len(learnt), len({c.source for c in learnt}))
    with evidence.path("choosing").open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(("name", "value", "low", "high", "unit", "rows", "sources", "source"))
        for name, value, one in zip(NAMES, *fit_weights(learnt), strict=True):
            row = (f"{v:.4f}" for v in (value, value - one, value + one))
            writer.writerow((name, *row, "1", *said, "carbonscaling_validation"))

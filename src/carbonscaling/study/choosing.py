"""How likely people choose each of the settings that fit, where a run leaves its micro-batch or recomputation open.

A conditional logit (McFadden 1974): the odds of two settings are the exponential of what separates them, weighted as the
measured runs that state these choices weigh it (``evidence/choosing.csv``).
"""

from __future__ import annotations

import csv
from functools import cache

import numpy as np

from carbonscaling import evidence
from carbonscaling.arrays import Array
from carbonscaling.hints import NamedTuple
from carbonscaling.perf.numbers import Recompute, Setting

__all__ = ["NAMES", "NOTHING_OPEN", "Open", "middle", "odds", "separates"]


NAMES = (
    "time", "doublings", "doublings_in_a_pipeline", "one_sequence",
    "selective", "full", "full_beside_written_scores",
)  # fmt: skip
"""What separates two settings (`separates`)."""


class Open(NamedTuple):
    """How far open choices move a step's time: root mean square of its logarithm beyond the middle one, by odds.

    Attributes
    ----------
    slower, faster : float
        Over the settings slower than the middle one, and over those faster than it.
    """

    slower: float
    faster: float


NOTHING_OPEN = Open(0.0, 0.0)


def separates(time: Array, settings: Setting, writes_scores: bool) -> Array:
    """Return what settings of one way to split the devices differ by, one row each (columns: `NAMES`).

    Parameters
    ----------
    time : array
        Device-seconds a sequence, in any unit.
    settings : Setting
        As arrays.
    writes_scores : bool
        Attention scores go through memory, and are what selective and full recomputation save.

    Returns
    -------
    array, shape (settings, names)
        The time's logarithm; the micro-batch's doublings, again where there is a pipeline, and whether it is one sequence;
        selective or full recomputation, the latter again where scores are written.
    """
    shape = time.shape
    micro, pp, recompute = (np.broadcast_to(v, shape) for v in (settings.micro_batch, settings.pp, settings.recompute))
    doublings, full = np.log2(micro), recompute == Recompute.FULL
    columns = (
        np.log(time), doublings, doublings * (pp > 1), micro == 1,
        recompute == Recompute.SELECTIVE, full, full * writes_scores,
    )  # fmt: skip
    return np.stack([np.asarray(c, dtype=float) for c in columns], axis=1)


@cache
def _weights() -> Array:
    with evidence.path("choosing").open(encoding="utf-8", newline="") as file:
        value = {row["name"]: float(row["value"]) for row in csv.DictReader(file)}
    return np.array([value[name] for name in NAMES])


def odds(apart: Array, weights: Array | None = None) -> Array:
    """Return the share of people who choose each setting.

    Parameters
    ----------
    apart : array
        As `separates` returns it.
    weights : array, optional
        By `NAMES`; the shipped ones if not given.
    """
    preferred = apart @ (_weights() if weights is None else weights)
    each = np.exp(preferred - preferred.max())
    return np.asarray(each / each.sum(), dtype=float)


def middle(time: Array, shares: Array) -> tuple[int, Open]:
    """Return which setting half of the people are no slower than, and how far the others lie from it.

    >>> middle(np.array([1.0, 2.0, 1.5]), np.array([0.25, 0.35, 0.4]))[0]
    2
    """
    order = np.argsort(time, kind="stable")
    place = int(order[np.searchsorted(np.cumsum(shares[order]), 0.5)])
    beyond = np.log(time / time[place])
    slower, faster = (float(np.sqrt(shares @ np.maximum(sign * beyond, 0.0) ** 2)) for sign in (1.0, -1.0))
    return place, Open(slower, faster)

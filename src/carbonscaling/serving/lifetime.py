"""Training and serving as one choice: what a size takes for a loss, and beyond which served tokens another size wins."""

from __future__ import annotations

import numpy as np

from carbonscaling.arrays import Array, Number
from carbonscaling.formula import formula
from carbonscaling.hints import NamedTuple

__all__ = ["BreakEven", "envelope", "served_flops", "tokens_for", "training_flops"]


@formula(
    "(b/(loss − irreducible − a/n_params^alpha))^(1/beta)",
    unit="1",
    source="sardana_2024",
    place="equation 2 solved for D",
)
def tokens_for(
    loss: Number, n_params: Number, irreducible: Number, a: Number, alpha: Number, b: Number, beta: Number
) -> Number:
    """Training tokens with which a size reaches a loss; infinite where no number does.

    >>> round(float(tokens_for(2.0452331, 7e9, 1.69, 406.4, 0.336, 410.7, 0.283)) / 1e12, 2)
    1.24
    """
    left = loss - irreducible - a / n_params**alpha
    return np.where(left > 0.0, (b / np.where(left > 0.0, left, 1.0)) ** (1.0 / beta), np.inf)


@formula("6·n_params·n_tokens", unit="FLOP", source="sardana_2024", place="equation 3, training")
def training_flops(n_params: Number, n_tokens: Number) -> Number:
    """FLOPs of training."""
    return 6.0 * n_params * n_tokens


@formula("2·n_params·served", unit="FLOP", source="sardana_2024", place="equation 3, inference")
def served_flops(n_params: Number, served: Number) -> Number:
    """FLOPs of serving tokens, prompts and answers alike."""
    return 2.0 * n_params * served


class BreakEven(NamedTuple):
    """From `served` tokens on, the size at `place` takes the least."""

    served: float
    place: int


def envelope(fixed: Array, slope: Array) -> tuple[BreakEven, ...]:
    """Return which of several lines is lowest from where on: ``fixed + slope·served``, from no served tokens.

    Exact: the lower envelope of the lines, steepest first (the convex hull trick).

    >>> envelope(np.array([1.0, 3.0, 9.0]), np.array([3.0, 1.0, 1.0]))
    (BreakEven(served=0.0, place=0), BreakEven(served=1.0, place=1))
    """
    known = np.flatnonzero(np.isfinite(fixed) & np.isfinite(slope))
    found: list[BreakEven] = []
    for i in known[np.lexsort((fixed[known], -slope[known]))].tolist():
        since = 0.0
        while found:
            last = found[-1].place
            if slope[i] == slope[last]:
                since = np.inf if fixed[i] >= fixed[last] else 0.0
            else:
                since = max(0.0, float((fixed[i] - fixed[last]) / (slope[last] - slope[i])))
            if since > found[-1].served:
                break
            found.pop()
            since = 0.0
        if np.isfinite(since):
            found.append(BreakEven(since, i))
    return tuple(found)

"""How right a speed is, in two sentences that every page shares."""

from __future__ import annotations

from statistics import mean, median

from carbonscaling.evidence.ledger import ledger
from carbonscaling.study.accuracy import speed_accuracy

__all__ = ["accuracy"]


def accuracy() -> str:
    """Return the 90 % interval of a plan's speed, and how this version's first looks at new sources came out, all batches."""
    seen = [row for row in ledger() if row.version == ledger()[-1].version and row.median is not None]
    inside, off = mean(row.inside or 0.0 for row in seen), median(row.median or 0.0 for row in seen)
    n_sources = len({row.source for row in seen})
    return (
        f"{speed_accuracy()} At first sight of new rows of {n_sources} sources {100 * inside:.0f} % of what they "
        f"measured lay inside, and half of them were off by {100 * off:.0f} % or more."
    )

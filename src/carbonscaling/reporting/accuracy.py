"""How right a speed is, in two sentences that every page shares."""

from __future__ import annotations

from carbonscaling.evidence.ledger import first_looks
from carbonscaling.study.accuracy import speed_accuracy

__all__ = ["accuracy"]


def accuracy() -> str:
    """Return the 90 % interval of a plan's speed, and how the last first look at new sources came out."""
    look = first_looks()[-1]
    return (
        f"{speed_accuracy()} At first sight of {look.n_sources} new sources {100 * look.inside:.0f} % of what they measured "
        f"lay inside, and half of them were off by {100 * look.median:.0f} % or more."
    )

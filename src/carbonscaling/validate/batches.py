"""Published batches against the laws: what share lies in the range that is searched, and how far each law is off."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from carbonscaling.arrays import Array
from carbonscaling.catalog import laws
from carbonscaling.evidence import rows
from carbonscaling.record import dataclass

__all__ = ["LawScore", "law_scores", "published_batches"]

SINCE = 2023.0
"""Year from which batches count as of today."""


@dataclass(frozen=True)
class LawScore:
    """How published batches lie about a law's.

    Attributes
    ----------
    name, definition : str
    n : int
        Trainings.
    median : float
        Published over the law's batch.
    error : float
        Median factor between the two, either way.
    within : float
        Share within a factor of two.
    inside, inside_recent : float, optional
        Share in the range that is searched, of all and of those since 2023; None for laws without a range.
    """

    name: str
    definition: str
    n: int
    median: float
    error: float
    within: float
    inside: float | None = None
    inside_recent: float | None = None


def published_batches() -> dict[str, Array]:
    """Return year, parameters, active parameters, tokens and batch (tokens) of the trainings that say their batch."""
    kept = [r for r in rows("trainings") if r["batch_known"] == "1" and r["batch_main_tok"] and r["tokens_b"]]
    return {
        "year": np.array([float(r["date"][:4]) for r in kept]),
        "params": np.array([1e9 * float(r["params_b"]) for r in kept]),
        "active": np.array([1e9 * float(r["active_b"] or r["params_b"]) for r in kept]),
        "tokens": np.array([1e9 * float(r["tokens_b"]) for r in kept]),
        "batch": np.array([float(r["batch_main_tok"]) for r in kept]),
    }


def law_scores() -> Iterator[LawScore]:
    """Score the range that is searched, then every law of the catalogue; experts count as all over active parameters."""
    found, law = published_batches(), laws.batch_overhead()
    n, active, tokens, batch = (found[name] for name in ("params", "active", "tokens", "batch"))
    share = batch / np.asarray(law.batch(tokens, n, active))
    inside = (share >= law.low) & (share <= law.high)
    recent = inside[found["year"] >= SINCE]
    words = f"20 % more tokens than with a small batch; searched from {law.low:g} to {law.high:g} times that"
    yield _score("searched", words, share, float(inside.mean()), float(recent.mean()))
    loss = laws.law("kaplan_2020").loss(n, tokens)
    for name in laws.batch_law_names():
        one = laws.batch_law(name)
        theirs = one.batch(tokens, 6.0 * active * tokens, n, loss, n / active)
        yield _score(name, one.definition, batch / np.asarray(theirs, dtype=float))


def _score(name: str, definition: str, share: Array, *inside: float) -> LawScore:
    off = np.exp(np.abs(np.log(share)))
    return LawScore(
        name,
        definition,
        len(share),
        float(np.median(share)),
        float(np.median(off)),
        float((off <= 2.0).mean()),
        *inside,
    )

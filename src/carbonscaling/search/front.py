"""The Pareto front: settings that no other setting beats in everything."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from carbonscaling.search.result import Candidate

__all__ = ["pareto"]


def pareto(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return the candidates that no other matches in run time, devices, carbon and money while beating it in one.

    At one device count carbon, energy and money grow with the run time, so the quickest setting of each count is enough
    to find the whole front. Fewest devices first.
    """
    ordered = sorted(candidates, key=lambda c: (c.n_devices, c.duration_s, *c.setting))
    points = np.array([[c.duration_s, c.n_devices, c.carbon_kg, np.nan_to_num(c.cost_usd)] for c in ordered])
    kept = []
    for i, candidate in enumerate(ordered):
        no_worse = (points <= points[i]).all(axis=1)
        better = (points < points[i]).any(axis=1)
        if not (no_worse & better).any():
            kept.append(candidate)
    return kept

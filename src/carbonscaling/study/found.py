"""What a search looked at and found, as part of an answer."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from carbonscaling.record import dataclass
from carbonscaling.search.result import Candidate, Question, SearchResult
from carbonscaling.study.doubts import unmeasured
from carbonscaling.study.variety import Alike, Alternative, beside
from carbonscaling.units import DAY

__all__ = ["SearchReport", "row_of", "search_dict", "search_report"]


@dataclass(frozen=True)
class SearchReport:
    """What the search looked at.

    Attributes
    ----------
    n_candidates, n_fit, n_layouts : int
    rejected : Mapping[str, int]
        Settings by the reason they were refused for.
    objective : str
    top : tuple of Candidate
        The best settings, best first.
    n_near : int
        Settings within `near` (relative) of the best.
    front : tuple of Candidate
        Pareto front of time, devices, carbon and money, fewest devices first.
    interrupted : bool
        The search was ended early: the best so far.
    quantiles : tuple of (float, float, Candidate)
        Share of the feasible settings, the kg CO2e below which it lies, and a setting there.
    layouts : tuple of Alike
        The near-optimal settings, those of equal degrees as one, best first.
    preferred : tuple of Alternative
        Near-optimal settings that something else than the objective speaks for.
    seq_len : int
        Tokens of a sequence.
    """

    n_candidates: int
    n_fit: int
    n_layouts: int
    rejected: Mapping[str, int]
    objective: str
    top: tuple[Candidate, ...] = ()
    n_near: int = 0
    near: float = 0.0
    front: tuple[Candidate, ...] = ()
    interrupted: bool = False
    quantiles: tuple[tuple[float, float, Candidate], ...] = ()
    layouts: tuple[Alike, ...] = ()
    preferred: tuple[Alternative, ...] = ()
    seq_len: int = 0


def search_report(result: SearchResult, q: Question, objective: str) -> SearchReport:
    """Return the report of a search for `q`."""
    return SearchReport(
        result.n_candidates, result.n_fit, result.n_layouts, dict(result.rejected), objective, tuple(result.top),
        result.n_near, result.near, tuple(result.front), result.interrupted,
        tuple((share, kg, candidate) for share, (kg, candidate) in result.quantiles.items()),
        *_beside(result, q),
        int(q.work.seq_len),
    )  # fmt: skip


def _beside(result: SearchResult, q: Question) -> tuple[tuple[Alike, ...], tuple[Alternative, ...]]:
    best, close = result.best, result.close
    if best is None or close is None or len(close.step_s) < 2:
        return ((Alike(best, 1),) if best else ()), ()
    return beside(q, close, best)


def row_of(c: Candidate, seq_len: float) -> dict[str, Any]:
    """Return a setting on sequences of `seq_len` tokens, with what it takes, as plain data."""
    return {
        **{k: int(v) for k, v in c.setting._asdict().items()},
        "n_devices": c.n_devices,
        "step_time_s": c.step_s,
        "duration_days": c.duration_s / DAY,
        "carbon_tco2e": c.carbon_kg / 1000.0,
        "cost_usd": c.cost_usd if math.isfinite(c.cost_usd) else None,
        "unmeasured": list(unmeasured(c.setting, seq_len)),
    }


def search_dict(
    search: SearchReport, intervals: Callable[[Candidate], Mapping[str, Any]] | None = None
) -> dict[str, Any]:
    """Return the report as plain data.

    Parameters
    ----------
    intervals : callable, optional
        What is said of a setting beside its central values: its own intervals.
    """

    def ranged(c: Candidate) -> dict[str, Any]:
        return {**row_of(c, search.seq_len), **(intervals(c) if intervals else {})}

    return {
        "objective": search.objective,
        "n_candidates": search.n_candidates,
        "n_layouts": search.n_layouts,
        "n_fit": search.n_fit,
        "rejected": dict(search.rejected),
        "near": search.near,
        "n_near": search.n_near,
        "interrupted": search.interrupted,
        "top": [ranged(c) for c in search.top],
        "front": [ranged(c) for c in search.front],
        "layouts": [{**row_of(c, search.seq_len), "n_alike": n} for c, n in search.layouts],
        "quantiles": [
            {"share": share, "carbon_tco2e": kg / 1000.0, **row_of(c, search.seq_len)}
            for share, kg, c in search.quantiles
        ],
    }

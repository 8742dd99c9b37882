"""What a study would take, from a few of its cases run here and now."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from carbonscaling.study.sweep.case import case_rows
from carbonscaling.study.sweep.shard import parquet
from carbonscaling.study.sweep.studyfile import PLACE_FIELDS, Study

__all__ = ["Forecast", "forecast"]

BUDGET_S = 3.0
NEIGHBOURS = 64


@dataclass(frozen=True)
class Forecast:
    """Forecast of a study.

    Attributes
    ----------
    n_cases, n_shards, n_searches : int
        Cases that differ in place alone share a search.
    n_tried : int
        Cases that were run for this forecast.
    candidates : float
        Settings to look at in all searches.
    search_s, place_s : float
        Seconds of a search, and of a case beside it, on one worker.
    worker_hours : float
        Of all cases on one worker.
    disk_bytes : float
    """

    n_cases: int
    n_shards: int
    n_searches: int
    n_tried: int
    candidates: float
    search_s: float
    place_s: float
    worker_hours: float
    disk_bytes: float


def _n_per_search(study: Study) -> int:
    """Return how many cases in a row share a search."""
    objective = study.base.get("objective", "paper")
    if objective not in ("paper", "time") or study.keep.front or study.keep.quantiles or "objective" in study.keys:
        return 1
    return math.prod(
        len(b)
        for b in study.blocks
        if all(k.partition(".")[0] in PLACE_FIELDS[:-2] + PLACE_FIELDS[-1:] for k in b.columns)
    )


def forecast(study: Study) -> Forecast:
    """Run cases spread over the study for a few seconds, and say what all of it takes.

    The first search of a process loads or compiles machine code; it is left out of the mean.
    """
    each = _n_per_search(study)
    n_searches = -(-study.n_cases // each)
    case_rows(study, 0)
    begin, searches, places, rows, candidates = time.monotonic(), [], [], [], []
    picks = min(16, n_searches)
    for pick in range(picks):
        first = int((pick + 0.5) * n_searches / picks) * each
        start = time.perf_counter()
        found = case_rows(study, first)
        searches.append(time.perf_counter() - start)
        candidates.append(found[0].get("n_candidates") or 0)
        rows += found
        start = time.perf_counter()
        more = range(first + 1, min(first + min(each, NEIGHBOURS), study.n_cases))
        for case in more:
            rows += case_rows(study, case)
        places += [(time.perf_counter() - start) / len(more)] if more else []
        if time.monotonic() - begin > BUDGET_S:
            break
    search_s = sum(searches) / len(searches)
    place_s = sum(places) / len(places) if places else 0.0
    split = study.n_cases / study.shard_cases / n_searches + 1.0  # a search is made again where a shard ends inside it
    n_made = n_searches * split if each > 1 else study.n_cases
    seconds = n_made * search_s + (study.n_cases - n_searches) * place_s
    disk = (
        len(parquet(study, rows, "")) / len(rows) * study.n_cases * (len(rows) / max(1, len({r["case"] for r in rows})))
    )
    return Forecast(
        study.n_cases, study.n_shards, n_searches, len(rows), n_searches * sum(candidates) / len(candidates), search_s,
        place_s, seconds / 3600.0, disk,
    )  # fmt: skip

"""What a shard holds, counted."""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from carbonscaling.platform import need
from carbonscaling.record import dataclass

__all__ = ["Contents", "contents_of", "counted", "noted"]

COUNTED = ("case", "status", "kind", "rank", "carbon_total_tco2e")

KEY = "carbonscaling.contents"


@dataclass(frozen=True)
class Contents:
    """Cases of a shard.

    Attributes
    ----------
    first, stop : int
        Its first case, and the one after its last.
    statuses : mapping of str to int
        Cases by how they ended.
    best_tco2e : float, optional
        Least carbon of an answered case.
    best_case : int, optional
        That case.
    """

    first: int
    stop: int
    statuses: Mapping[str, int]
    best_tco2e: float | None
    best_case: int | None

    @property
    def n_cases(self) -> int:
        """Cases."""
        return self.stop - self.first


def counted(table: Any) -> Contents | None:
    """Return what a shard's table holds; None where its cases are not one unbroken run."""
    best = table.filter((table["kind"] == "best") & (table["rank"] == 0))
    cases = best["case"]
    if not len(cases) or (cases.to_numpy() != np.arange(cases[0], cases[0] + len(cases))).any():
        return None
    statuses = {str(status): int(n) for status, n in best["status"].value_counts().rows()}
    place = best["carbon_total_tco2e"].arg_min()
    least, case = (None, None) if place is None else best.select("carbon_total_tco2e", "case").row(place)
    return Contents(cases[0], cases[0] + len(cases), dict(sorted(statuses.items())), least, case)


def noted(contents: Contents) -> dict[str, str]:
    """Return what a shard's file says of itself, so that its rows need not be read to be counted."""
    return {KEY: json.dumps(dataclasses.astuple(contents))}


def contents_of(content: bytes) -> Contents | None:
    """Return what a shard's file holds; None where it is no shard's."""
    polars, file = need("polars", "sweep"), io.BytesIO(content)
    try:
        says = polars.read_parquet_metadata(file).get(KEY)
        if says is None:  # 0.1.0
            return counted(polars.read_parquet(file, columns=list(COUNTED)))
        return Contents(*json.loads(says))
    except polars.exceptions.PolarsError:
        return None

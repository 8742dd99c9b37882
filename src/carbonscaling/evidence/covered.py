"""How far measured runs go in each degree of parallelism: beyond, a setting is nobody's.

``python -m carbonscaling.evidence.covered`` writes the table anew from the rows; a test holds the two equal.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import astuple, fields
from functools import cache

from carbonscaling.evidence import path, rows
from carbonscaling.evidence.row import RunRow, measured, parse_row
from carbonscaling.record import dataclass

__all__ = ["KINDS", "Covered", "covered", "read_covered"]

KINDS = ("tp", "pp", "cp", "ep")
"""Kinds of parallelism beside data parallelism."""
LARGEST = ("tp", "pp", "ep", "vpp", "micro_batch", "n_devices")
"""Degrees of which the largest measured one is kept."""
SPEEDS = ("tokens_per_s_per_device", "step_time_s", "tflops_per_device", "mfu", "device_hours")


@dataclass(frozen=True)
class Covered:
    """The end of what measured runs cover.

    Attributes
    ----------
    feature : str
        A degree; ``cp`` by sequence length, since splitting a short sequence is another thing than splitting a long one; or
        ``together``, kinds of parallelism in one run.
    value : str
        The largest degree, or the kinds with ``+`` between.
    seq_len : int
        Tokens of the run's sequences.
    id, source : str
        Row of the shipped measurements (``carbonscaling data show runs``), and what it says.
    """

    feature: str
    value: str
    seq_len: int
    id: str
    source: str


def _measured() -> Iterator[RunRow]:
    for text in rows("runs"):
        if not text["quality"] and any(measured(text, name) for name in SPEEDS):
            yield parse_row(text)


def _kinds(row: RunRow) -> frozenset[str]:
    return frozenset(kind for kind in KINDS if (getattr(row, kind) or 1.0) > 1.0)


def read_covered() -> Iterator[Covered]:
    """Yield what the shipped rows cover, from the rows themselves; of equal ones the first."""
    every = list(_measured())

    def said(feature: str, value: str, row: RunRow) -> Covered:
        return Covered(feature, value, int(row.seq_len or 0), row.id, row.source)

    for name in LARGEST:
        row = max(every, key=lambda r: getattr(r, name) or 1.0)
        yield said(name, f"{getattr(row, name):.0f}", row)
    shortest = float("inf")
    for row in sorted(every, key=lambda r: (-(r.cp or 1.0), r.seq_len or float("inf"))):
        if (row.cp or 1.0) > 1.0 and (row.seq_len or float("inf")) < shortest:
            shortest = row.seq_len or shortest
            yield said("cp", f"{row.cp:.0f}", row)
    found: dict[frozenset[str], RunRow] = {}
    for row in every:
        found.setdefault(_kinds(row), row)
    for kinds in sorted(found, key=sorted):
        if not any(kinds < other for other in found):
            yield said("together", "+".join(kind for kind in KINDS if kind in kinds), found[kinds])


@cache
def covered() -> Mapping[str, tuple[Covered, ...]]:
    """Return the table by feature."""
    by_feature: dict[str, list[Covered]] = {}
    with path("covered").open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            own = Covered(line["feature"], line["value"], int(line["seq_len"]), line["id"], line["source"])
            by_feature.setdefault(own.feature, []).append(own)
    return {feature: tuple(found) for feature, found in by_feature.items()}


if __name__ == "__main__":
    with path("covered").open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(f.name for f in fields(Covered))
        writer.writerows(map(astuple, read_covered()))

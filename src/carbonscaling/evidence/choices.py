"""What measured runs choose where a scenario leaves the choice open, learnt from the rows that state it.

``python -m carbonscaling.evidence.choices`` writes the table anew from the rows; a test holds the two equal.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import astuple, fields
from functools import cache

from carbonscaling.evidence import family, path, rows
from carbonscaling.evidence.row import RunRow, parse_row
from carbonscaling.record import dataclass

__all__ = ["Chosen", "chosen", "group_of", "read_chosen", "size_of"]

SIZES = ((1.0, "1"), (2.0, "2"), (4.0, "3 to 4"), (8.0, "5 to 8"))
"""Largest number of each class of sizes, and its name."""


@dataclass(frozen=True)
class Chosen:
    """How often one value is chosen.

    Attributes
    ----------
    choice, group, value : str
        A column of the rows, the kind of run, and what is chosen.
    rows, sources : int
        Rows of the kind that choose it, and their sources.
    of_rows, of_sources : int
        Rows and sources of the kind that state the choice.
    share : float
        Mean over those sources of the share of their rows.
    source : str
        Sources that choose it, semicolons between.
    """

    choice: str
    group: str
    value: str
    rows: int
    sources: int
    of_rows: int
    of_sources: int
    share: float
    source: str


def group_of(experts: bool, pp: float, tp: float) -> str:
    """Return the kind of a run: with experts; else by what its layers are split over."""
    return "experts" if experts else "pipeline" if pp > 1 else "tensor" if tp > 1 else "data"


def size_of(value: float) -> str:
    """Return the class of a number of sequences or chunks.

    >>> size_of(1), size_of(3), size_of(64)
    ('1', '3 to 4', 'more')
    """
    return next((name for most, name in SIZES if value <= most), "more")


def _stated(row: RunRow) -> Iterator[tuple[str, str]]:
    """Yield the choices that a row states."""
    if row.micro_batch:
        yield "micro_batch", size_of(row.micro_batch)
    if row.recompute in ("none", "selective", "full"):
        yield "recompute", row.recompute
    if row.zero_stage is not None:
        yield "zero_stage", f"{row.zero_stage:.0f}"
    if row.vpp and (row.pp or 1.0) > 1.0:
        yield "vpp", size_of(row.vpp)


def read_chosen() -> Iterator[Chosen]:
    """Yield what the shipped rows of trainings choose, from the rows themselves: on GPUs, where nothing is compiled whole."""
    found: dict[tuple[str, str], dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for text in rows("runs"):
        row = parse_row(text)
        if row.mode not in ("", "pretrain") or row.kind == "proxy" or row.device.upper().startswith("TPU"):
            continue
        group = group_of(bool(row.n_experts), row.pp or 1.0, row.tp or 1.0)
        for choice, value in _stated(row):
            found[choice, group][family(row.source)][value] += 1
    for (choice, group), by_source in sorted(found.items()):
        counts = sum(by_source.values(), Counter())
        for value in sorted(counts):
            shares = {name: own[value] / own.total() for name, own in by_source.items()}
            names = sorted(name for name, share in shares.items() if share > 0)
            share = round(sum(shares.values()) / len(shares), 4)
            n = (counts[value], len(names), counts.total(), len(shares))
            yield Chosen(choice, group, value, *n, share, "; ".join(names))


@cache
def chosen() -> tuple[Chosen, ...]:
    """Return the table."""
    with path("choices").open(encoding="utf-8", newline="") as file:
        return tuple(
            Chosen(
                line["choice"], line["group"], line["value"], int(line["rows"]), int(line["sources"]),
                int(line["of_rows"]), int(line["of_sources"]), float(line["share"]), line["source"],
            )
            for line in csv.DictReader(file)
        )  # fmt: skip


if __name__ == "__main__":
    with path("choices").open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(f.name for f in fields(Chosen))
        writer.writerows(map(astuple, read_chosen()))

"""The rule of training lengths on published models: what it assumes by the file alone, and what was published."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

from carbonscaling.model.huggingface.entries import Values
from carbonscaling.model.huggingface.lengths import train_length
from carbonscaling.model.huggingface.reader import Config
from carbonscaling.model.huggingface.table import row

__all__ = ["Assumed", "assumed", "table"]

DATA = Path(__file__).parents[1] / "data" / "lengths.csv"


class Assumed(NamedTuple):
    """A model's longest position, its assumed and its published training length, and whether the file states it."""

    model: str
    longest: int
    assumed: int
    published: int
    stated: bool
    source: str


def _one(entry: dict[str, str]) -> Assumed:
    longest = int(entry["longest"])
    file = {"transformers_version": entry["transformers_version"], "max_position_embeddings": longest}
    file |= {"seq_length": longest, "model_max_length": longest}
    if entry["stated"]:
        file["rope_scaling"] = {"original_max_position_embeddings": int(entry["stated"])}
    found = train_length(Values(Config(file, entry["model"]), row(entry["model_type"])))
    return Assumed(entry["model"], longest, found.seq_len, int(entry["published"]), not found.why, entry["source"])


def assumed() -> list[Assumed]:
    """Return every model of the table."""
    with DATA.open(newline="", encoding="utf-8") as file:
        return [_one(entry) for entry in csv.DictReader(file)]


def table() -> str:
    """Return the table in Markdown, and how often the rule is right."""
    found = assumed()
    head = "| model | longest position | assumed | published | |\n|---|---|---|---|---|"
    lines = [
        f"| {a.model} | {a.longest:,} | {a.assumed:,}{' (stated)' if a.stated else ''} | {a.published:,} | {a.source} |"
        for a in found
    ]
    exact = sum(a.assumed == a.published for a in found)
    near = sum(0.5 <= a.assumed / a.published <= 2 for a in found)
    plain = sum(a.longest == a.published for a in found)
    return "\n".join(
        (
            head,
            *lines,
            "",
            f"Of {len(found)}: {exact} exact, {near} within a factor of 2; the longest position itself is right for {plain}.",
        )
    )

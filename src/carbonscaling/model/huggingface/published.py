"""The rule of training lengths on published models: what it assumes by the file alone, and what was published."""

from __future__ import annotations

import csv
from importlib import resources

from carbonscaling.hints import NamedTuple
from carbonscaling.model.huggingface.entries import Values
from carbonscaling.model.huggingface.lengths import train_length
from carbonscaling.model.huggingface.reader import Config
from carbonscaling.model.huggingface.table import row

__all__ = ["Assumed", "assumed_lengths"]


class Assumed(NamedTuple):
    """A model's longest position, its assumed and its published training length, and whether the file states it.

    `source` is where the published length stands.
    """

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


def assumed_lengths() -> list[Assumed]:
    """Return every model of ``lengths.csv``."""
    text = resources.files(__package__).joinpath("lengths.csv").read_text(encoding="utf-8")
    return [_one(entry) for entry in csv.DictReader(text.splitlines())]

"""The batch of a training: what each costs in tokens, what published laws say, how published batches lie about them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from carbonscaling.catalog import laws
from carbonscaling.model.params import active_params, total_params
from carbonscaling.study.batches import law_batch
from carbonscaling.study.resolve import Resolved
from carbonscaling.validate.batches import LawScore
from carbonscaling.words import count, counted

__all__ = ["batch_data", "batch_page", "published_data", "published_page"]

SHARES = (0.1, 0.25, 0.5, 1.0, 1.5)
"""Batches shown, as shares of the one that needs 20 % more tokens."""


def batch_data(r: Resolved) -> dict[str, Any]:
    """Return the batches of a run, what each needs in tokens, and what every law says."""
    law, b, s = laws.batch_overhead(), r.batches, r.seq_len
    costs = [
        (share * b.overhead, law.tokens(r.asked_tokens, share * b.overhead, b.reference, b.overhead))
        for share in SHARES
    ]
    params = float(total_params(r.spec)), float(active_params(r.spec))
    named = {name: law_batch(name, r.spec, r.asked_tokens) for name in laws.batch_law_names()}
    return {
        "model": r.spec.name,
        "tokens": r.asked_tokens,
        "seq_len": s,
        "low_seqs": b.every[0],
        "high_seqs": b.every[-1],
        "reference_seqs": b.reference,
        "overhead_seqs": b.overhead,
        "costs": [
            {
                "batch_seqs": batch,
                "tokens": tokens,
                "over_asked": tokens / r.asked_tokens - 1.0,
                "ramp_from_tokens": law.ramp(batch * s, *params),
            }
            for batch, tokens in costs
        ],
        "laws": [
            {
                "name": name,
                "batch_tokens": batch,
                "batch_seqs": batch / s,
                "definition": laws.batch_law(name).definition,
            }
            for name, batch in named.items()
        ],
    }


def batch_page(data: Mapping[str, Any]) -> Group:
    """Return the page of one training."""
    costs = _table("sequences", "tokens a step", "tokens at equal loss", "over those asked for", "a ramp takes it from")
    for row in data["costs"]:
        batch = row["batch_seqs"]
        costs.add_row(
            f"{batch:,.0f}", count(batch * data["seq_len"]), count(row["tokens"]), f"{row['over_asked']:+.1%}",
            count(row["ramp_from_tokens"]),
        )  # fmt: skip
    named = _table("law", "sequences", "tokens a step", "what it means")
    for row in data["laws"]:
        named.add_row(row["name"], f"{row['batch_seqs']:,.0f}", count(row["batch_tokens"]), row["definition"])
    ends = f"{data['low_seqs']:,} to {counted(data['high_seqs'], 'sequence')}"
    head = f"{data['model']} on {count(data['tokens'])} tokens: {ends}"
    return Group(Text(head, style="bold"), costs, Text(""), named)


def published_page(scores: Sequence[LawScore]) -> Group:
    """Return the table of published batches by law."""
    table = _table("law", "trainings", "published over law", "median factor", "within 2x", "what it means")
    for s in scores:
        table.add_row(s.name, str(s.n), f"{s.median:.2f}", f"{s.error:.2f}", f"{s.within:.0%}", s.definition)
    first = scores[0]
    share = f"{first.inside:.0%} of {first.n} published batches lie in the range that is searched"
    words = f"{share}, {first.inside_recent:.0%} since 2023"
    return Group(Text(words, style="bold"), table)


def _table(*headings: str) -> Table:
    table = Table(box=None, padding=(0, 1), header_style="bold", show_edge=False)
    for place, heading in enumerate(headings):
        last = place == len(headings) - 1 and heading == "what it means"
        table.add_column(
            heading, justify="left" if last or not place else "right", overflow="fold" if last else "ellipsis"
        )
    return table


def published_data(scores: Sequence[LawScore]) -> list[dict[str, Any]]:
    """Return the same as plain data."""
    return [dataclasses.asdict(score) for score in scores]

"""Assumed beside published training lengths."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group
from rich.text import Text

from carbonscaling.model.huggingface.published import Assumed
from carbonscaling.reporting.tables import figures

__all__ = ["lengths_page"]


def lengths_page(found: Sequence[Assumed]) -> Group:
    """Return the table, and how often the rule is right."""
    rows = [
        (a.model, f"{a.longest:,}", f"{a.assumed:,}{' stated' if a.stated else ''}", f"{a.published:,}", a.source)
        for a in found
    ]
    table = figures(("model", "longest position", "assumed", "published", "source"), rows, words=("model", "source"))
    exact = sum(a.assumed == a.published for a in found)
    near = sum(0.5 <= a.assumed / a.published <= 2 for a in found)
    plain = sum(a.longest == a.published for a in found)
    summary = f"Of {len(found)}: {exact} exact, {near} within a factor of 2; "
    return Group(table, Text(""), Text(summary + f"the longest position itself is right for {plain}."))

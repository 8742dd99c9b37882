"""What to say when nothing fits."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from carbonscaling.reporting.blocks import bullets
from carbonscaling.study.infeasible import Infeasible
from carbonscaling.study.remedies import REASONS
from carbonscaling.study.shown import setting_words
from carbonscaling.words import data, duration, money, percent, plain

__all__ = ["infeasible_page"]


def infeasible_page(answer: Infeasible) -> Group:
    """Return the page of an answer that is no: the sentence, counts per reason, remedies."""
    search = answer.search
    parts: list[RenderableType] = [Text(f"Nothing feasible: {answer.reason}.", style="bold")]
    if answer.would is not None:
        w = answer.would
        told = f"{setting_words(w.setting)} would need {data(float(w.memory.total))} of {data(float(w.memory.limit))}"
        cost = "" if w.cost_usd is None else f" for {money(w.cost_usd)}"
        reach = (
            f"reach {plain(w.tokens_per_s_per_device)} tokens/s and device, and end in {duration(w.duration_s)}{cost}"
        )
        parts += [Text(""), Text(f"{told}, {reach}.")]
    if search is not None and search.rejected:
        table = Table(box=None, padding=(0, 1), header_style="", show_edge=False)
        table.add_column("settings", justify="right")
        table.add_column("share", justify="right")
        table.add_column("refused because", ratio=1)
        for name, n in sorted(search.rejected.items(), key=lambda item: -item[1]):
            table.add_row(f"{n:,}", percent(n / max(search.n_candidates, 1)), REASONS.get(name, name))
        parts += [Text(""), table]
    parts.append(Text(""))
    parts += bullets("What would help", answer.remedies)
    parts += bullets("Assumed", answer.resolved.notes)
    return Group(*parts[:-1])

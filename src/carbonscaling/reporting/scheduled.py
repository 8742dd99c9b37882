"""A schedule as a page and as plain data."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from carbonscaling.reporting.tables import figures
from carbonscaling.study.scheduled import Schedule
from carbonscaling.words import mass, money, percent, plain

__all__ = ["schedule_data", "schedule_page"]

BLOCKS_SHOWN = 12


def schedule_page(found: Schedule) -> Group:
    """Return what every policy comes to, and the hours of the best one."""
    table = figures(("policy", "carbon", "saved", "days", "paused", "pauses", "moves", "cost"))
    base = found.policies[0].total_tco2e
    for p in found.policies:
        table.add_row(
            p.name, mass(p.total_tco2e), percent(1.0 - p.total_tco2e / base) if base else "-", plain(p.days),
            plain(p.paused_days), str(p.n_pauses), str(p.n_moves), "-" if p.cost_usd is None else money(p.cost_usd),
        )  # fmt: skip
    best = found.policies[-1]
    parts: list[RenderableType] = [
        Text(f"{found.answer.headline}\n"),
        Text(f"Timetables within {plain(found.within_days)} days in {', '.join(found.places)}", style="bold"),
        table,
    ]
    if found.guarantee is not None:
        parts.append(
            Text(
                f"  with a guarantee: operation at most {found.guarantee:.2f} times the least possible in its place, whatever "
                "comes between the profile's least and greatest hour",
                style="italic",
            )
        )
    if found.filled:
        parts.append(Text(f"  {found.filled} hours without a value were bridged by a straight line", style="italic"))
    shown = [f"  {begin} to {end}  {place}" for begin, end, place in best.blocks[:BLOCKS_SHOWN]]
    more = len(best.blocks) - len(shown)
    shown += [f"  and {more} more (--json has all)"] if more > 0 else []
    return Group(*parts, Text("\nWork, every hour known", style="bold"), *map(Text, shown))


def schedule_data(found: Schedule) -> dict[str, Any]:
    """Return a schedule as plain data."""
    return {
        "summary": found.answer.summary(),
        "places": list(found.places),
        "within_days": found.within_days,
        "guarantee": found.guarantee,
        "filled_hours": found.filled,
        "policies": [p._asdict() | {"blocks": [list(b) for b in p.blocks]} for p in found.policies],
    }

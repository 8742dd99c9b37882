"""A project for people: what it takes by stage and by part, and which errors the stages share."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from carbonscaling.reporting.blocks import bullets
from carbonscaling.reporting.tables import figures
from carbonscaling.study.project.answer import ProjectAnswer
from carbonscaling.study.project.file import load_project, project_names
from carbonscaling.study.project.sums import Accounted
from carbonscaling.study.project.widest import Unknown
from carbonscaling.words import energy, mass, money, percent, plain

__all__ = ["PART_WORDS", "project_page", "projects_page"]

PART_WORDS = {
    "training": "final training", "development": "development", "data": "generated data", "serving": "serving",
    "storage": "storage",
}  # fmt: skip
SHARED = (
    "The same number is the same unknown in every stage (grid, PUE, embodied carbon of a device); so is the error of a "
    "speed on one device, for trainings and for servings each. Assumed amounts err alone."
)


FEW = 2
"""Stages that are named."""
HEADS = ("energy", "share", "t CO2e", "5 %", "95 %", "device-hours", "cost")


def _cells(found: Accounted, whole: Accounted) -> list[str]:
    low, high = found.intervals["total_tco2e"]
    cost = "-" if found.unpriced and not found.cost_usd else money(found.cost_usd) + ("+" if found.unpriced else "")
    return [
        energy(found.energy_kwh), percent(found.energy_kwh / whole.energy_kwh), plain(found.total_tco2e),
        plain(low), plain(high), plain(found.device_hours), cost,
    ]  # fmt: skip


def _where(one: Unknown, found: ProjectAnswer) -> str:
    """Return the stages that an unknown is one and the same in."""
    if len(one.stages) == len(found.stages) > 1:
        return "all stages"
    return ", ".join(one.stages) if len(one.stages) <= FEW else f"{len(one.stages)} stages"


def project_page(found: ProjectAnswer) -> Group:
    """Return the total, a line a stage and a line a part."""
    t = found.total
    span = {name: t.intervals[name] for name in ("energy_kwh", "total_tco2e", "water_litres")}
    said = [
        f"{found.project.title}: {energy(t.energy_kwh)} and {mass(t.total_tco2e)}.",
        f"Energy between {' and '.join(map(energy, span['energy_kwh']))}, carbon between "
        f"{' and '.join(map(mass, span['total_tco2e']))}.",
        f"Water {plain(t.water_litres / 1e3)} m3, between {' and '.join(plain(x / 1e3) for x in span['water_litres'])}.",
    ]
    table = figures(("stage", *HEADS), [(name, *_cells(stage, t)) for name, stage in found.stages.items()], width=34)
    table.add_row("in all", *_cells(t, t))
    parts: list[RenderableType] = [Text(said[0], style="bold"), *map(Text, said[1:]), Text(""), table]
    if len(found.parts) > 1:
        rows = [(PART_WORDS[part], *_cells(sums, t)) for part, sums in found.parts.items()]
        parts += [Text(""), figures(("part", *HEADS), rows, width=34)]
    parts.append(Text(""))
    if "development" in found.parts:
        value, low, high = found.development_share
        unsure = "" if percent(low) == percent(high) else f", between {percent(low)} and {percent(high)}"
        parts.append(Text(f"Development is {percent(value)} of development and training{unsure}."))
    if found.project.hours == "needed":
        parts.append(Text("Trainings take what people needed of such, not what can be reached."))
    if t.unpriced:
        parts.append(Text("A + or - behind money: not everything has a price."))
    if found.widest:
        rows = [(one.what, _where(one, found), percent(one.share)) for one in found.widest]
        parts += [Text(""), figures(("what makes carbon unsure", "in", "share"), rows, words=2), Text("")]
    parts += [*bullets("Counted", found.counted), *bullets("Assumed", found.notes)]
    return Group(*parts, Text(SHARED, style="italic"))


def projects_page() -> tuple[list[dict[str, Any]], Group]:
    """Return the projects that ship: rows, and a table."""
    rows = [
        {"name": name, "title": p.title, "stages": len(p.entries)}
        for name, p in ((name, load_project(name)) for name in project_names())
    ]
    table = figures(("name", "title", "stages"), words=2)
    for row in rows:
        table.add_row(str(row["name"]), str(row["title"]), str(row["stages"]))
    return rows, Group(Text("Projects that ship", style="bold"), table)

"""A schedule as a page and as plain data."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from carbonscaling.reporting.tables import figures
from carbonscaling.study.scheduling.answer import Schedule
from carbonscaling.study.scheduling.policies import Policy
from carbonscaling.words import mass, money, percent, plain

__all__ = ["savings", "schedule_data", "schedule_page"]

BLOCKS_SHOWN = 12


def savings(base: Policy, p: Policy) -> str:
    """Return what a policy saves against running at once, and what that costs in days and money."""
    kg = base.total_tco2e - p.total_tco2e
    share = f" ({percent(abs(kg) / base.total_tco2e)})" if base.total_tco2e else ""
    days = p.days - base.days
    said = f"{'Saves' if kg >= 0 else 'Emits'} {mass(abs(kg))}{'' if kg >= 0 else ' more'}{share}"
    said += f" and ends {plain(abs(days))} days {'later' if days >= 0 else 'sooner'}"
    if base.cost_usd is None or p.cost_usd is None:
        return f"{said}."
    usd = p.cost_usd - base.cost_usd
    return f"{said}, for {money(abs(usd))} {'more' if usd >= 0 else 'less'}."


def _promises(found: Schedule) -> list[str]:
    said = []
    if any(p.total_tco2e > found.policies[0].total_tco2e for p in found.policies):
        held = (
            ""
            if found.asked.released
            else " (idle power and hire go on while devices are held: --released gives them back)"
        )
        said.append(
            f"a policy that emits more than at once weighs hours, and not what a pause costs; it is no advice here{held}"
        )
    if found.guarantee is not None:
        said.append(
            f"with a guarantee: operation at most {found.guarantee:.2f} times the least possible in its place at the usual "
            "speed, whatever comes between the profile's least and greatest hour, where pauses cost nothing"
        )
    if found.learned is not None:
        said.append(
            f"trusts the planned length, and meets the deadline at any: {found.learned.consistent:.2f} times where the run "
            f"takes as long as planned or longer, at most {found.learned.robust:.2f} at any length, in the mean"
        )
    if found.advised is not None:
        said.append(
            f"trusts the forecast: {found.advised.consistent:.2f} times where the forecast's plan is the best, at most "
            f"{found.advised.robust:.2f} whatever it says, in the mean"
        )
    if found.forecast_error is not None:
        said.append(f"the forecast is off by {percent(found.forecast_error)} of the mean intensity")
    if found.floor is not None:
        what = mass(found.floor) if found.asked.least == "carbon" else money(found.floor)
        said.append(f"no timetable within the bound takes less than {what}")
    price = found.answer.resolved.price
    if found.asked.prices is not None and price is not None and price.source != "user":
        said.append(
            "a list price of devices holds their electricity, which is counted twice here: give the price without it"
        )
    if found.filled:
        said.append(f"steps of the window without a value, bridged by a straight line: {found.filled}")
    return said


def _on_windows(found: Schedule) -> list[RenderableType]:
    """Return what the policies come to on random windows."""
    if not found.windows:
        return []
    table = figures(("policy", "saved", "less than at once", "over the best, at worst", "later, days", "more cost"))
    for w in found.windows:
        table.add_row(
            w.name, percent(w.saved), percent(w.better), f"{w.worst:.2f}", plain(w.later_days),
            "-" if w.more_usd is None else money(w.more_usd),
        )  # fmt: skip
    return [Text(f"\n{found.windows[0].n:,} random windows of the profile", style="bold"), table]


def schedule_page(found: Schedule) -> Group:
    """Return what every policy comes to, and the hours of the best one."""
    slowed = len(found.ways) > 1
    headings = [
        "policy",
        "carbon",
        "saved",
        "days",
        "paused",
        *(["slowed"] if slowed else []),
        "pauses",
        "moves",
        "cost",
    ]
    table = figures(headings)
    base, best = found.policies[0], found.policies[-1]
    for p in found.policies:
        table.add_row(
            p.name, mass(p.total_tco2e), percent(1.0 - p.total_tco2e / base.total_tco2e) if base.total_tco2e else "-",
            plain(p.days), plain(p.paused_days), *([plain(p.slowed_days)] if slowed else []), plain(p.n_pauses),
            plain(p.n_moves), "-" if p.cost_usd is None else money(p.cost_usd),
        )  # fmt: skip
    mean = found.answer.footprint.location.carbon_intensity_g_per_kwh
    parts: list[RenderableType] = [
        Text(f"{found.answer.headline}\n"),
        Text(f"Timetables within {plain(found.within_days)} days in {', '.join(found.places)}", style="bold"),
        table,
        Text(f"  carbon: of each timetable by its hours; above, by their mean ({plain(mean)} g/kWh)", style="italic"),
        *(Text(f"  {words}", style="italic") for words in _promises(found)),
    ]
    if slowed:
        ways = [f"{w.name}: {percent(w.speed)} of the speed at {plain(w.kwh)} kWh an hour" for w in found.ways[1:]]
        parts.append(Text(f"  as usual: {plain(found.ways[0].kwh)} kWh an hour; {'; '.join(ways)}", style="italic"))
    shown = [f"  {begin} to {end}  {place}" for begin, end, place in best.blocks[:BLOCKS_SHOWN]]
    more = len(best.blocks) - len(shown)
    shown += [f"  and {more} more (--json has all)"] if more > 0 else []
    against = [Text(savings(base, best))] if base is not best else []
    parts += _on_windows(found)
    return Group(*parts, Text("\nWork, every hour known", style="bold"), *against, *map(Text, shown))


def schedule_data(found: Schedule) -> dict[str, Any]:
    """Return a schedule as plain data."""
    base = found.policies[0]
    return {
        "summary": found.answer.summary(),
        "asked": asdict(found.asked),
        "places": list(found.places),
        "within_days": found.within_days,
        "ways": [asdict(way) for way in found.ways],
        "guarantee": found.guarantee,
        "advised": found.advised and found.advised._asdict(),
        "learned": found.learned and found.learned._asdict(),
        "forecast_error": found.forecast_error,
        "floor": found.floor,
        "filled_hours": found.filled,
        "windows": [w._asdict() for w in found.windows],
        "policies": [
            p._asdict() | {"blocks": [list(b) for b in p.blocks], "words": savings(base, p)} for p in found.policies
        ],
    }

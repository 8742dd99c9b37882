"""An answer in a few lines, for ``print`` and notebooks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from carbonscaling.perf.numbers import Recompute, Schedule, Setting
from carbonscaling.sources import Datum
from carbonscaling.units import DAY, GB
from carbonscaling.words import big, count, data, duration, energy, mass, mass_span, money, percent, plain

__all__ = [
    "FIGURES",
    "OF_ALL",
    "OF_THE_RUN",
    "beside_words",
    "carbon_words",
    "figures",
    "headline",
    "html_table",
    "price_words",
    "recompute_words",
    "setting_words",
    "span",
    "with_beside",
]

FIGURES: tuple[tuple[str, str, Callable[[float], str]], ...] = (
    ("tokens_per_s_per_device", "speed", lambda v: f"{plain(v)} tokens/s and device"),
    ("duration_days", "run time", lambda v: duration(v * DAY)),
    ("device_hours", "device-hours", big),
    ("memory_per_device_gb", "memory of a device", lambda v: data(v * GB)),
    ("energy_kwh", "energy", energy),
    ("carbon_total_tco2e", "carbon", mass),
    ("cost_usd", "cost", money),
)
"""Figures of a summary whose interval is shown: key, name, how the number is written."""
OF_THE_RUN, OF_ALL = "of the run", "of the run and all beside it"
COVERED = {"carbon_total_tco2e": OF_ALL, **dict.fromkeys(("device_hours", "energy_kwh", "cost_usd"), OF_THE_RUN)}
"""What figures cover, to be said where something is counted beside the run."""


def figures(beside: bool) -> tuple[tuple[str, str, Callable[[float], str]], ...]:
    """Return `FIGURES`, with what each covers in its name where lines beside the run are counted.

    >>> [name for key, name, _ in figures(True) if key.startswith(("energy", "carbon"))]
    ['energy of the run', 'carbon of the run and all beside it']
    """
    return tuple(
        (key, f"{name} {COVERED[key]}" if beside and key in COVERED else name, write) for key, name, write in FIGURES
    )


def with_beside(cost: float, shares: Iterable[float]) -> float:
    """Return money of a run and the lines beside it, which are counted by their shares."""
    return cost * (1.0 + math.fsum(shares))


def span(ends: tuple[float, float], write: Callable[[float], str]) -> str:
    """Return an interval as words, the unit once where both ends have the same."""
    low, high = (write(end) for end in ends)
    unit = high.partition(" ")[2]
    return f"{low.removesuffix(f' {unit}')} to {high}"


def carbon_words(summary: Mapping[str, Any]) -> str:
    """Return the carbon total with its interval in the total's own unit."""
    total = summary["carbon_total_tco2e"]
    ends = mass_span((summary["carbon_low_tco2e"], summary["carbon_high_tco2e"]), total).rpartition(" ")[0]
    return f"{mass(total)} (between {ends.replace(' to ', ' and ')})"


def price_words(price: Datum | None) -> str:
    """Return what a cost counts as a price, in a few words; empty where there is none."""
    return "" if price is None else price.basis or f"at {price.value:g} $ a device-hour"


def beside_words(summary: Mapping[str, Any], lines: Sequence[tuple[str, float, float]]) -> str:
    """Return what a run and the lines beside it take together; empty where nothing stands beside it.

    Parameters
    ----------
    summary : mapping
        Energy and cost of the run itself.
    lines : sequence of (name, share, kWh)
        The lines of a boundary; money is counted by their shares.

    >>> beside_words({"energy_kwh": 1000.0, "cost_usd": 500.0}, [("failed_runs", 0.5, 400.0), ("evaluation", 0.0, 0.0)])
    'with failed runs 1.4 MWh, 750 $'
    """
    counted = [line for line in lines if line[1]]
    if not counted:
        return ""
    names = ", ".join(name.replace("_", " ") for name, _, _ in counted)
    cost = summary["cost_usd"]
    all_of_it = energy(summary["energy_kwh"] + sum(kwh for _, _, kwh in counted))
    return f"with {names} {all_of_it}" + (
        "" if cost is None else f", {money(with_beside(cost, [share for _, share, _ in counted]))}"
    )


def headline(
    summary: Mapping[str, Any], device: str, price: str = "", lines: Sequence[tuple[str, float, float]] = ()
) -> str:
    """Return an answer in two sentences, a line each.

    `device` is its name for people, `price` what was counted as one, `lines` as in `beside_words`: where there are any, energy
    and money are of the run itself first, and of all together with its carbon.
    """
    s = summary
    cost = "" if s["cost_usd"] is None else f", {money(s['cost_usd'])}" + (f" ({price})" if price else "")
    more, run = beside_words(s, lines), f"{big(s['device_hours'])} device-hours, {energy(s['energy_kwh'])}"
    taken = f"{run}{cost} for the run itself; {more}" if more else run
    return (
        f"Train {s['model']} on {count(s['tokens'])} tokens: {s['n_devices']:,} x {device} "
        f"for {duration(s['duration_days'] * DAY)} at {percent(s['mfu'])} MFU.\n"
        f"That is {taken} and {carbon_words(s)}{'' if more else cost}."
    )


def html_table(title: str, rows: Sequence[Sequence[str]], head: Sequence[str] = ()) -> str:
    """Return a small table that needs nothing from outside."""
    from html import escape

    def row(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f'<{tag} style="text-align:left">{escape(cell)}</{tag}>' for cell in cells) + "</tr>"

    body = "".join(row(cells, "td") for cells in rows)
    top = f"<thead>{row(head, 'th')}</thead>" if head else ""
    return f'<table><caption style="text-align:left">{escape(title)}</caption>{top}<tbody>{body}</tbody></table>'


def recompute_words(said: str, percent: float) -> str:
    """Return what is recomputed, as people say it.

    >>> recompute_words("partial", 75)
    'full recomputation of 75 % of layers'
    """
    share = f" of {percent:g} % of layers" if percent < 100 else ""
    kind = {"none": "no", "partial": "full"}.get(said, said)
    return f"{kind} recomputation{share}"


def setting_words(s: Setting) -> str:
    """Return a setting as people write it.

    >>> setting_words(Setting(8, 16, 64, 1, 1, 1, 1, 1, 64, 1, 32, 0, 0, 1))
    'TP8 PP16 DP64, ZeRO-1, micro-batch 1'
    """
    degrees = [f"TP{s.tp:g}", f"PP{s.pp:g}", f"DP{s.dp:g}"]
    degrees += [f"{name}{value:g}" for name, value in (("CP", s.cp), ("EP", s.ep), ("ETP", s.etp)) if value > 1]
    rest = [f"ZeRO-{s.zero:g}", f"micro-batch {s.micro_batch:g}"]
    if s.vpp > 1:
        rest.append(f"{s.vpp:g} chunks a stage")
    if s.schedule:
        rest.append(Schedule.NAMES[int(s.schedule)])
    if s.recompute:
        rest.append(recompute_words(Recompute.said(s), float(s.recompute_percent)))
    return ", ".join((" ".join(degrees), *rest))

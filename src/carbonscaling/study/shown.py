"""An answer in a few lines, for ``print`` and notebooks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import TYPE_CHECKING

from carbonscaling.study.remedies import setting_words
from carbonscaling.units import DAY, GB
from carbonscaling.words import MASS, big, count, data, duration, energy, mass, money, percent, plain

if TYPE_CHECKING:
    from carbonscaling.study.estimate import Estimate, Infeasible

__all__ = ["FIGURES", "carbon_words", "headline", "html_table", "lines", "lines_infeasible", "span"]

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


def span(ends: tuple[float, float], write: Callable[[float], str]) -> str:
    """Return an interval as words, the unit once where both ends have the same."""
    low, high = (write(end) for end in ends)
    unit = high.partition(" ")[2]
    return f"{low.removesuffix(f' {unit}')} to {high}"


def carbon_words(e: Estimate) -> str:
    """Return the carbon total with its interval in the total's own unit."""
    f = e.footprint
    number, unit = mass(f.total_tco2e).rsplit(" ", 1)
    factor = next(size for size, name in MASS if name == unit)
    return f"{number} {unit} (between {plain(f.low_tco2e / factor)} and {plain(f.high_tco2e / factor)})"


def headline(e: Estimate) -> str:
    """Return the answer in two sentences, a line each."""
    r, f = e.resolved, e.footprint
    cost = "" if e.cost_usd is None else f", {money(e.cost_usd)}"
    return (
        f"Train {r.spec.name} on {count(r.tokens)} tokens: {e.n_devices:,} x {r.cluster.device.name} "
        f"for {duration(e.duration_s)} at {percent(e.mfu)} MFU.\n"
        f"That is {big(e.device_hours)} device-hours, {energy(f.energy_kwh)} and {carbon_words(e)}{cost}."
    )


def lines(e: Estimate) -> str:
    """Return the headline, the setting and the memory: four lines."""
    r, need = e.resolved, e.memory
    return (
        f"{headline(e)}\n"
        f"  setting: {setting_words(e.setting)}; {r.recipe.name}, stack {r.stack.name}\n"
        f"  memory: {data(float(need.total))} of {data(float(need.limit))} a device"
    )


def lines_infeasible(answer: Infeasible) -> str:
    """Return why there is no answer, and up to three remedies."""
    r = answer.resolved
    head = f"Nothing feasible for {r.spec.name} on {r.cluster.device.name}: {answer.reason}"
    return "\n  remedy: ".join((head, *answer.remedies[:3]))


def html_table(title: str, rows: Sequence[Sequence[str]], head: Sequence[str] = ()) -> str:
    """Return a small table that needs nothing from outside."""

    def row(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f'<{tag} style="text-align:left">{escape(cell)}</{tag}>' for cell in cells) + "</tr>"

    body = "".join(row(cells, "td") for cells in rows)
    top = f"<thead>{row(head, 'th')}</thead>" if head else ""
    return f'<table><caption style="text-align:left">{escape(title)}</caption>{top}<tbody>{body}</tbody></table>'

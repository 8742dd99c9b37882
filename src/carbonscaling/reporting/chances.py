"""The chances of a plan, for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group
from rich.text import Text

from carbonscaling.reporting.tables import figures
from carbonscaling.study.assured import Assured
from carbonscaling.units import HOUR
from carbonscaling.words import duration, mass, money, percent, plain

__all__ = ["LEFT_OUT", "assured_page", "chances_page", "needed_words"]

NAMES = {
    "days": "days",
    "energy_kwh": "kWh",
    "carbon_tco2e": "t CO2e",
    "interruptions": "interruptions",
    "cost_usd": "USD",
}
LEFT_OUT = (
    "Interruptions, checkpoints and slow devices alone: evaluation, ramp-up and what else whole runs took (run_overhead) stand "
    "in the days of estimate and plan, and not here."
)


def needed_words(probability: float | None) -> str:
    """Say how likely limits hold of a run that needs what makers of published trainings needed; nothing where not known."""
    if probability is None:
        return ""
    return f"With as many device-hours as makers of published trainings needed it is {percent(probability)}."


def chances_page(data: Mapping[str, Any], *, limited: bool) -> Group:
    """Return quantiles of every figure, and the chance of the limits, where there are any."""
    shares = list(data["quantiles"]["days"])
    table = figures(("", *(f"{float(share):.0%} below" for share in shares)))
    for name, values in data["quantiles"].items():
        table.add_row(NAMES[name], *(plain(values[share]) for share in shares))
    head = (
        f"{data['steady_days']:.1f} days of steady training, an interruption every {duration(HOUR * data['mtbf_h'])}, a "
        f"checkpoint after every {duration(data['checkpoint_interval_s'])} of training"
    )
    said = f"All limits hold with a probability of {data['within']:.1%}. {needed_words(data['as_needed'])}"
    within = [Text(said.strip())] if limited else []
    return Group(Text(head, style="bold"), table, *within, Text(LEFT_OUT))


MOST_TRIED = 12
"""Counts of devices that a page shows."""


def _target_words(found: Assured) -> str:
    t = found.target
    limits = [f"before {t.by}" if t.by else f"within {plain(t.within_days or 0.0)} days"]
    limits += [f"under {plain(t.under_kwh)} kWh"] if t.under_kwh < float("inf") else []
    limits += [f"under {mass(t.under_tco2e)}"] if t.under_tco2e < float("inf") else []
    limits += [f"under {money(t.under_usd)}"] if t.under_usd < float("inf") else []
    return f"{' and '.join(limits)} with a probability of {percent(t.share)}"


def assured_page(found: Assured) -> Group:
    """Return the plan that keeps a target, and what other numbers of devices come to."""
    best, parts = found.best, []
    if found.answer is None:
        head = (
            f"No plan ends {_target_words(found)}: the most likely, {best.n_devices:,} devices from {found.start}, has "
            f"{percent(best.probability)}."
        )
    else:
        e = found.answer
        when = "on or before" if e.scenario.hourly is None else "at"
        head = f"{best.n_devices:,} x {e.resolved.cluster.device.name}, begun {when} {found.start}, end {_target_words(found)}."
        parts = [
            Text(
                f"It keeps all that with {percent(best.probability)}: {percent(found.target.share)} of the runs take at most "
                f"{plain(best.days)} days, and {percent(found.target.share)} at most {mass(best.total_tco2e)}. "
                + needed_words(found.as_needed)
            )
        ]
    priced = best.mean_usd is not None
    headings = ["devices", "start after days", "probability", "days", "carbon", *(["mean cost"] if priced else [])]
    table = figures(headings, words=0)
    step = -(-len(found.tried) // MOST_TRIED)
    for place, tried in enumerate(found.tried):
        if tried == best or place % step == 0:
            cells = [f"{tried.n_devices:,}{'*' if tried == best else ''}", plain(tried.start_days)]
            cells += [percent(tried.probability), plain(tried.days), mass(tried.total_tco2e)]
            table.add_row(*cells, *([money(tried.mean_usd or 0.0)] if priced else []))
    said = f"Days and carbon are those that {percent(found.target.share)} of the runs stay below; * is the plan."
    return Group(Text(head, style="bold"), *parts, Text(""), table, Text(said, style="italic"), Text(LEFT_OUT))

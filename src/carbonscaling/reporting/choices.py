"""Compared choices: rows, table, least carbon, least cost, the front between them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from carbonscaling.catalog.place_names import read_as
from carbonscaling.evidence.published import is_published
from carbonscaling.reporting.tables import Fitted
from carbonscaling.study.choices import Choice, best, front
from carbonscaling.words import mass, mass_span, money, plain

__all__ = ["choice_rows", "choices_page"]

ALWAYS = ("loc", "mkt", "emb", "total")


def choice_rows(found: Sequence[Choice]) -> list[dict[str, Any]]:
    """Return one flat row a choice: units in the names, None where there is no answer."""
    on_front = front(found)
    rows = []
    for c in found:
        row = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in asdict(c).items()}
        rows.append({**row, "feasible": not c.infeasible, "on_front": c in on_front})
    return rows


def _maybe(value: float | None) -> str:
    return "-" if value is None else plain(value)


def _columns(found: Sequence[Choice]) -> list[tuple[str, Callable[[Choice], str]]]:
    """Return headings and texts; the optional ones where any choice fills them."""
    optional: list[tuple[str, Callable[[Choice], float | None]]] = [
        ("deadline", lambda c: c.deadline_days),
        ("pause >", lambda c: c.pause_above_g_per_kwh),
        ("watts", lambda c: c.power_limit_w),
    ]
    said: list[tuple[str, Callable[[Choice], str]]] = [
        ("start", lambda c: c.start.partition("+")[0]),
        ("window", lambda c: c.window),
    ]
    filled = [(name, value) for name, value in optional if any(value(c) is not None for c in found)]
    return [
        ("region", lambda c: c.region),
        ("device", lambda c: c.device),
        ("n", lambda c: f"{c.n_devices:,}"),
        *((name, value) for name, value in said if any(value(c) for c in found)),
        *((name, lambda c, value=value: _maybe(value(c))) for name, value in filled),
        ("g/kWh", lambda c: plain(c.carbon_intensity_g_per_kwh)),
        ("days", lambda c: plain(c.days)),
        ("MWh", lambda c: plain(c.energy_kwh / 1e3)),
        ("loc", lambda c: plain(c.operational_tco2e)),
        ("mkt", lambda c: plain(c.market_tco2e)),
        ("emb", lambda c: plain(c.embodied_tco2e)),
        ("total", lambda c: plain(c.total_tco2e)),
        ("cost", lambda c: "-" if c.cost_usd is None else money(c.cost_usd)),
    ]


def _words(c: Choice) -> str:
    cost = "" if c.cost_usd is None else f", {money(c.cost_usd)}"
    extra = ""
    if c.start_hour is not None:
        extra += f" from {c.start} (hour {c.start_hour:,.10g})"
        extra += "" if c.window == "always" else f", working {c.window}"
    if c.pause_above_g_per_kwh is not None:
        extra += f", pausing above {plain(c.pause_above_g_per_kwh)} g/kWh"
    if c.power_limit_w is not None:
        extra += f", limited to {plain(c.power_limit_w)} W"
    span = mass_span((c.low_tco2e, c.high_tco2e), c.total_tco2e)
    return (
        f"{c.n_devices:,} x {c.device} in {c.region}{extra}: {mass(c.total_tco2e)} ({span}), {plain(c.days)} days{cost}"
    )


def _cooling(found: Sequence[Choice]) -> list[RenderableType]:
    """Say why places differ in energy, where their buildings do."""
    places = {pue: ", ".join(dict.fromkeys(c.region for c in found if c.pue == pue)) for pue in {c.pue for c in found}}
    told = "; ".join(f"{pue:g} in {where}" for pue, where in sorted(places.items()))
    return [Text(f"  MWh: with cooling and power delivery, PUE {told}", style="italic")] if len(places) > 1 else []


def _unmeasured(found: Sequence[Choice]) -> list[RenderableType]:
    """Say on which devices no training was measured, where several are compared."""
    devices = dict.fromkeys(c.device for c in found)
    told = ", ".join(name for name in devices if not is_published(name)) if len(devices) > 1 else ""
    words = f"  no speed of a training is published on {told}: by data sheet, and what devices like it reach"
    return [Text(words, style="italic")] if told else []


def choices_page(found: Sequence[Choice]) -> Group:
    """Return the table, then the least of carbon and cost, the front, and what cannot be."""
    shown = [c for c in found if not c.infeasible]
    columns = [*_columns(shown)]
    changing = [x for x in columns if x[0] in ALWAYS or len({x[1](c) for c in shown}) > 1]
    same = [f"{name} {text(shown[0])}" for name, text in columns if (name, text) not in changing] if shown else []
    table = Fitted(box=None, padding=(0, 1), header_style="bold", show_edge=False)
    for name, _ in changing:
        table.add_column(name, justify="left" if name in ("region", "device") else "right")
    for c in shown:
        table.add_row(*(text(c) for _, text in changing))
    parts: list[RenderableType] = [Text("In all: " + ", ".join(same))] if same else []
    parts += [Text(f"Carbon intensity: {basis}") for basis in dict.fromkeys(c.basis for c in shown if c.basis)]
    parts += [
        table,
        Text(
            "  tCO2e: operation by location and by market, embodied; total = location + embodied + lines beside the run",
            style="italic",
        ),
        *_cooling(shown),
        *_unmeasured(shown),
    ]
    for name in dict.fromkeys(c.region for c in found):
        if said := read_as(name):
            parts.append(Text(f"{name}: {said}"))
    figures = [("Least carbon", "total_tco2e"), ("Least cost", "cost_usd")]
    if len({c.region for c in shown}) == 1:  # one marginal intensity stands for every grid: it cannot rank two
        figures.append(("Least marginal carbon", "marginal_tco2e"))
    for title, figure in figures:
        least = best(found, figure)
        if least is not None and (len(shown) == 1 or len({getattr(c, figure) for c in shown}) > 1):
            parts.append(Text(f"{title}: {_words(least)}"))
    bases = dict.fromkeys(c.price_basis for c in shown if c.price_basis)
    for basis in bases:
        of = ", ".join(dict.fromkeys(c.device for c in shown if c.price_basis == basis))
        parts.append(Text(f"Price{f' of {of}' if len(bases) > 1 else ''}: {basis}"))
    unpriced = list(dict.fromkeys(c.device for c in shown if c.cost_usd is None))
    if unpriced:
        parts.append(
            Text(
                f"No such price is known of {', '.join(unpriced)}: not in least cost; give --price-usd-per-device-hour"
            )
        )
    if len(found) == 1 and not found[0].start:
        parts.append(
            Text("Nothing to compare yet: --regions, --accelerators, --counts, --deadlines or --starts take several")
        )
    kept = front(found)
    if len(kept) > 1:
        parts += [Text("No other is better in carbon and cost at once:", style="bold")]
        parts += [Text(f"  {_words(c)}") for c in kept]
    parts += [Text(f"cannot be: {c.region}, {c.device}: {c.infeasible}") for c in found if c.infeasible]
    return Group(*parts)

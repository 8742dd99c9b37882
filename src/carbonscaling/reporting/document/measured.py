"""The page of a record: what a training took as it was measured, beside its plan where one is known."""

from __future__ import annotations

from collections.abc import Callable

from carbonscaling import __version__
from carbonscaling.reporting.document import figures
from carbonscaling.reporting.document.html import Markup, cited, listed, node, page, table
from carbonscaling.reporting.document.page import LIMITS
from carbonscaling.reporting.statements import FORMATS
from carbonscaling.reporting.statements.inventory import scopes
from carbonscaling.reporting.statements.record import Record, RecordLine
from carbonscaling.reporting.statements.text import beside_plan, conventions, not_measured, span
from carbonscaling.words import big, duration, energy, mass, plain

__all__ = ["record_document", "written"]

METHOD = (
    "Device-hours and energy are those that were measured; what was not metered comes from the power model and is named.",
    "What was metered beyond the most that these machines can draw in these hours is a part of its own, not explained by the "
    "job; beyond three times that, or below half of idle power, a reading is refused (decision 0127).",
    "Scope 2 counts generation alone; fuel supply, plants and losses are scope 3, category 3. Embodied carbon is charged by "
    "time over lifetime.",
)


def written(record: Record, format: str) -> str:
    """Return a record in a statement's format, or as its page (html, pdf-ready)."""
    return FORMATS[format](record) if format in FORMATS else record_document(record)


def _results(r: Record) -> Markup:
    whole = r.project

    def between(figure: str, words: Callable[[float], str]) -> str:
        low, high = r.intervals[figure]
        return f"{words(low)} to {words(high)}"

    rows = [
        ("Time", duration(r.duration_h * 3600.0), f"{plain(r.n_devices)} x {r.device}"),
        ("Device-hours", big(r.device_hours), ""),
        ("Energy of the facility", energy(r.energy_kwh), between("energy_kwh", energy)),
        ("Operational carbon, by location", mass(whole.location_tco2e), between("operational_tco2e", mass)),
        ("Operational carbon, by market", mass(whole.market_tco2e), r.market_basis),
        ("Embodied carbon", mass(whole.embodied_tco2e), between("embodied_tco2e", mass)),
        ("Carbon, total by location", mass(r.total_tco2e), between("total_tco2e", mass)),
        ("Water", f"{plain(whole.water_litres / 1e3)} m3", f"{span(r, 'water_litres', 1e-3)} m3"),
    ]
    return table(("", "central", "interval or detail"), rows, (1,))


def _beside(r: Record) -> list[Markup]:
    rows = [
        (name, plain(planned), plain(actual), f"{actual / planned - 1.0:+.0%}" if planned else "-", unit)
        for name, planned, actual, unit in beside_plan(r)
    ]
    heads = ("", "planned", "measured", "measured over planned", "unit")
    told = [node("p", line) for line in not_measured(r)]
    return [node("h2", "Planned and measured"), table(heads, rows, (1, 2, 3)), *told] if rows else []


def _plausible(r: Record) -> list[Markup]:
    if not r.drawn_w:
        return [node("p", f"Energy {r.energy_method}: no reading to hold against what the machines can draw.")]
    beyond = r.energy_parts_kwh.get("unexplained", 0.0)
    rows = [
        ("Metered", f"{r.drawn_w['metered']:,.0f} W"),
        ("Idle", f"{r.drawn_w['idle']:,.0f} W"),
        ("At most, by ratings and high ends", f"{r.drawn_w['most']:,.0f} W"),
        ("Not explained by the job", energy(beyond) if beyond else "nothing"),
    ]
    return [table(("a device, as far as the meter saw", ""), rows, (1,))]


def _scopes(r: Record) -> Markup:
    def row(line: RecordLine) -> tuple[str, ...]:
        found = scopes(r, line)
        cells = (
            found.scope2_location, found.scope2_market, found.capital_goods, found.upstream, found.total_location,
            found.total_market,
        )  # fmt: skip
        return (
            line.name.replace("_", " "),
            plain(line.energy_kwh / 1e3),
            *("not known" if x is None else plain(x) for x in cells),
        )

    lines = [line for line in r.lines if line.energy_kwh]
    heads = (
        "line", "MWh", "scope 2, location", "scope 2, market", "scope 3, category 2", "category 3", "total, location",
        "total, market",
    )  # fmt: skip
    return table(heads, [row(line) for line in (*lines, r.project)], tuple(range(1, 8)))


def record_document(r: Record) -> str:
    """Return the record as one HTML file that needs nothing beside it; its style is ready for print."""
    title = f"What training {r.model or 'a model'} took"
    lead = (
        f"{r.n_devices:,} x {r.device} for {big(r.device_hours)} device-hours in {r.where}: {energy(r.energy_kwh)} and "
        f"{mass(r.total_tco2e)}."
    )
    named = {"unexplained": "not explained by the job", "overhead": "cooling and supply"}
    parts = {named.get(name, name): kwh / 1e3 for name, kwh in r.energy_parts_kwh.items()}
    carbon = {"operation": r.operational_tco2e, "embodied": r.embodied_tco2e}
    spans = [
        (name, r.intervals[key][0], value, r.intervals[key][1])
        for name, key, value in (
            ("operation", "operational_tco2e", r.operational_tco2e),
            ("embodied", "embodied_tco2e", r.embodied_tco2e),
            ("total", "total_tco2e", r.total_tco2e),
        )
    ]
    body = [
        node("p", f"Measured after the run - carbonscaling {__version__}", class_="kind"),
        node("h1", title),
        node("p", lead, class_="lead"),
        node("h2", "Results"), _results(r), *_beside(r),
        node("h2", "Plausibility"), *_plausible(r),
        node("h2", "Where it goes"), figures.parts("Energy", parts, "MWh"), figures.parts("Carbon", carbon, "t"),
        node("h2", "By scope, tCO2e"), _scopes(r),
        node("h2", "Uncertainty"), figures.intervals("Carbon, 5th to 95th percentile", spans, "t"),
        node("h2", "Method and conventions"), listed((*METHOD, *conventions(r))),
        node("h2", "Limits"), listed(LIMITS[1:]),
        node("h2", "Sources"), cited(r.sources),
    ]  # fmt: skip
    return page(title, body)

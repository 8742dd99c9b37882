"""The report of a saved answer that is no training: a serving, a timetable, chances, a decision, a project, a meter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from carbonscaling.errors import InputError
from carbonscaling.hints import NamedTuple
from carbonscaling.reporting.chances import LEFT_OUT, needed_words
from carbonscaling.reporting.decided import POINTS, decided_words, point_rows
from carbonscaling.reporting.document.decided import decided_figure
from carbonscaling.reporting.document.html import Markup, cited, listed, node, page, table
from carbonscaling.reporting.projects import PART_WORDS
from carbonscaling.reporting.served_rows import served_rows, serving_rows
from carbonscaling.words import count, energy, mass, money, percent, plain

__all__ = ["answer_document", "is_reported"]

Data = Mapping[str, Any]
MOST_STRETCHES = 60
EXACT = 1e6
"""Whole numbers below it are printed to the last digit."""
OF_MODELS = ("params", "tokens", "served_tokens", "candidates")
"""What is asked in parameters and tokens."""
METERS = {"job": "name", "devices": "devices", "device-hours": "device_hours", "kWh": "kwh", "planned kWh": "planned_kwh",
          "from": "planned_low_kwh", "to": "planned_high_kwh", "with its part of the rest": "with_rest_kwh",
          "tCO2e": "operational_tco2e", "embodied": "embodied_tco2e"}  # fmt: skip
POLICIES = {"policy": "name", "tCO2e": "total_tco2e", "days": "days", "paused": "paused_days", "slowed": "slowed_days",
            "pauses": "n_pauses", "moves": "n_moves", "USD": "cost_usd"}  # fmt: skip
WINDOWS = {"policy": "name", "saved, share": "saved", "less than at once, share": "better", "over the best, at worst": "worst",
           "later, days": "later_days", "more USD": "more_usd"}  # fmt: skip
IN_ALL = {
    "hours": "what trainings take", "n_stages": "stages", "energy_kwh": "energy, kWh", "operational_tco2e": "operation, tCO2e",
    "embodied_tco2e": "machines, tCO2e", "total_tco2e": "carbon, tCO2e", "water_litres": "water, litres",
    "cost_usd": "cost, USD", "device_hours": "device-hours", "metals_kg_sb": "metals and minerals, kg of antimony",
    "development_percent": "development, % of the energy of development and training",
    "development_percent_of_device_hours": "development, % of their device-hours",
}  # fmt: skip
"""Figures of a whole project, for people."""
PARTS = {f"{part}_percent_of_energy": f"{words}, % of the energy" for part, words in PART_WORDS.items()}
STAGES = {"stage": "name", "kind": "kind", "counts as": "part", "kWh": "energy_kwh", "tCO2e": "total_tco2e",
          "device-hours": "device_hours", "USD": "cost_usd"}  # fmt: skip
TRIED = {"devices": "n_devices", "start after days": "start_days", "probability": "probability", "days": "days",
         "tCO2e": "total_tco2e"}  # fmt: skip


class Said(NamedTuple):
    """A report before it is a page: its title, its first sentence, what follows."""

    title: str
    lead: str
    body: Sequence[Markup]


def _cell(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "-", True: "yes", False: "no"}[value]
    if isinstance(value, list | tuple):
        return ", ".join(map(_cell, value)) or "-"
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer() and abs(value) < EXACT):
        return f"{value:,.0f}"
    return plain(value) if isinstance(value, float) else str(value)


def _rows(rows: Sequence[Data], columns: Mapping[str, str]) -> Markup:
    numbers = [i for i, key in enumerate(columns.values()) if rows and isinstance(rows[0][key], int | float)]
    return table(tuple(columns), [[_cell(row[key]) for key in columns.values()] for row in rows], numbers)


def _pairs(data: Data) -> Markup:
    """Return a flat table; what holds tables itself is left out."""
    flat = {key: value for key, value in data.items() if not isinstance(value, dict)}
    return table(("", ""), [(key.replace("_", " "), _cell(value)) for key, value in flat.items() if value is not None])


def _serving(data: Data) -> Said:
    a = data["answer"]
    low, high = a["wh_per_request_interval"]
    lead = (
        f"{a['model']} on {a['n_devices']:,} x {a['device']} ({a['engine']}, {a['weights']}): "
        f"{plain(a['wh_per_request'])} Wh a request (90 % between {plain(low)} and {plain(high)}), "
        f"{plain(a['joules_per_token'])} J a token on the devices, {plain(a['kg_co2e_per_million_tokens'])} kg CO2e a million "
        "tokens."
    )
    notes = data.get("notes")  # an answer of an earlier version has none
    assumed = [node("h2", "Assumed"), listed(notes)] if notes else []
    takes = table(("", "", "90 % interval"), served_rows(a), (1, 2))
    body = [node("h2", "What serves"), _pairs(serving_rows(a)), node("h2", "What it takes"), takes, *assumed,
            node("h2", "What was asked"), _pairs(data["scenario"])]  # fmt: skip
    return Said("What serving takes", lead, body)


def _timetable(data: Data) -> Said:
    policies = data["policies"]
    best = policies[-1]
    blocks = [f"{begin} to {end}: {place}" for begin, end, place in best["blocks"][:MOST_STRETCHES]]
    more = len(best["blocks"]) - len(blocks)
    body = [
        node("h2", "Ways of deciding"),
        _rows(policies, POLICIES),
        listed(f"{p['name']}: {p['words']}" for p in policies),
    ]
    if data["windows"]:
        body += [node("h2", f"{data['windows'][0]['n']:,} random windows"), _rows(data["windows"], WINDOWS)]
    body += [node("h2", "Work, every hour known"), listed([*blocks, *([f"and {more} more"] if more > 0 else [])]),
             node("h2", "The run"), _pairs(data["summary"]), node("h2", "What was asked"), _pairs(data["asked"])]  # fmt: skip
    lead = f"Within {plain(data['within_days'])} days in {', '.join(data['places'])}, every hour known: {best['words']}"
    return Said("When to work", lead, body)


def _quantiles(data: Data) -> Markup:
    shares = list(data["quantiles"]["days"])
    heads = ("", *(f"{percent(float(share))} below" for share in shares))
    rows = [(name.replace("_", " "), *(plain(of[x]) for x in shares)) for name, of in data["quantiles"].items()]
    return table(heads, rows, range(1, len(heads)))


def _chances(data: Data) -> Said:
    needed = needed_words(data.get("as_needed"))
    limits = f" All limits hold with {percent(data['within'])}. {needed}" if data["within"] < 1.0 else ""
    lead = (
        f"{plain(data['steady_days'])} days of steady training, an interruption every {plain(data['mtbf_h'])} hours, a "
        f"checkpoint after every {plain(data['checkpoint_interval_s'])} s.{limits}"
    )
    return Said(
        "The chances of a plan", lead, [node("h2", "What may become of it"), _quantiles(data), node("p", LEFT_OUT)]
    )


def _target(data: Data) -> Said:
    best = data["best"]
    lead = (
        f"{best['n_devices']:,} devices from {data['start']} keep the target with {percent(best['probability'])}: at this "
        f"confidence {plain(best['days'])} days and {mass(best['total_tco2e'])}."
    )
    drawn = [node("h2", "What may become of it"), _quantiles(data["chances"])] if data["chances"] else []
    body = [*drawn, node("h2", "Other numbers of devices"), _rows(data["tried"], TRIED), node("h2", "The target"),
            _pairs(data["target"]), *([node("h2", "The run"), _pairs(data["summary"])] if data["summary"] else [])]  # fmt: skip
    return Said("A plan that keeps a target" if data["feasible"] else "No plan keeps the target", lead, body)


def _decision(data: Data) -> Said:
    lead, *rest = decided_words(data)
    asked = {key: value for key, value in data["decision"].items() if value not in (None, [], ())}
    for key in OF_MODELS:
        if key in asked:
            asked[key] = [count(x) for x in asked[key]] if isinstance(asked[key], list) else count(asked[key])
    wins = table(POINTS, point_rows(data), range(4))
    body = [listed(rest), decided_figure(data), node("h2", "Where another size wins"), wins,
            node("h2", "What was asked"), _pairs(asked), node("h2", "Sources"), cited(data["sources"])]  # fmt: skip
    return Said("Size, training and serving together", lead, body)


def _project(data: Data) -> Said:
    t = data["total"]
    low, high = t["intervals"]["total_tco2e"]
    cost = "" if t["unpriced"] else f" and {money(t['cost_usd'])}"
    lead = (
        f"{data['summary']['title']}: {len(data['stages'])} stages, {energy(t['energy_kwh'])}, {mass(t['total_tco2e'])} "
        f"(between {mass(low)} and {mass(high)}){cost}."
    )
    parts = [{"name": name, **part} for name, part in data["parts"].items()]
    widest = [f"{x['what']}: {percent(x['share'])} of what is unsure of the carbon" for x in data["widest"]]
    sources = [
        f"{x['name']}: {text}" for x in data["stages"] if (text := " ".join(filter(None, (x["source"], x["remark"]))))
    ]
    lists = {"Counted": data.get("counted"), "Assumed": data.get("notes"), "Where the stages are from": sources}
    developed = "development" in data["parts"]
    figures = {words: data["summary"].get(key) for key, words in (IN_ALL | PARTS).items()
               if developed or not key.startswith("development")}  # fmt: skip
    body = [
        node("h2", "Parts"), _rows(parts, {"": "name", **dict(list(STAGES.items())[3:])}),
        node("h2", "Stages"), _rows(data["stages"], STAGES),
        node("h2", "What it is least sure of"), listed(widest),
        *(one for title, lines in lists.items() if lines for one in (node("h2", title), listed(lines))),
        node("h2", "In all"), _pairs(figures),
    ]  # fmt: skip
    return Said("A whole project", lead, body)


def _meter(data: Data) -> Said:
    kwh = data["metered_kwh"]
    lines = [(name.replace("_", " "), plain(x), percent(x / kwh)) for name, x in data["lines_kwh"].items()]
    lead = f"{energy(kwh)} behind the meter of {data['devices']:,} x {data['device']} in {data['region']}."
    body = [node("h2", "Where it went"), table(("", "kWh", "share"), lines, (1, 2)), node("h2", "Jobs"),
            _rows(data["jobs"], METERS), listed(data["notes"])]  # fmt: skip
    return Said("A meter shared among jobs", lead, body)


SHAPES: tuple[tuple[frozenset[str], Callable[[Data], Said]], ...] = (
    (frozenset({"scenario", "answer", "cycle"}), _serving),
    (frozenset({"policies", "places", "windows"}), _timetable),
    (frozenset({"quantiles", "within"}), _chances),
    (frozenset({"target", "tried", "best"}), _target),
    (frozenset({"decision", "answer"}), _decision),
    (frozenset({"project", "stages", "parts"}), _project),
    (frozenset({"metered_kwh", "lines_kwh", "jobs"}), _meter),
)
"""Keys by which each kind of answer is known."""


def is_reported(data: object) -> bool:
    """Whether saved data are an answer of one of these kinds."""
    return isinstance(data, Mapping) and any(keys <= set(data) for keys, _ in SHAPES)


def answer_document(data: Data, where: str = "answer") -> str:
    """Return the report of an answer as one HTML file that needs nothing beside it.

    Parameters
    ----------
    data : Mapping
        As ``--json`` prints it.
    where : str
        File, for the message.

    Raises
    ------
    InputError
        It is none of these answers, or not whole.
    """
    tell = next((tell for keys, tell in SHAPES if keys <= set(data)), None)
    if tell is None and data.get("feasible") is False:
        said = Said("Nothing is feasible", f"{data.get('reason')}.", [listed(data.get("remedies") or ())])
    else:
        try:
            if tell is None:
                raise KeyError("answer")
            said = tell(data)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError, ZeroDivisionError) as error:
            raise InputError("not an answer that can be reported", where=where, value=str(error)[:80],
                             remedy="save it again with -o FILE.json") from error  # fmt: skip
    head = [
        node("p", "Estimates of carbonscaling", class_="kind"),
        node("h1", said.title),
        node("p", said.lead, class_="lead"),
    ]
    return page(said.title, [*head, *said.body])

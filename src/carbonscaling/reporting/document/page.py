"""The report of an answer: what was asked and found, figures, uncertainty, method, evidence, sources, limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from carbonscaling import __version__
from carbonscaling.reporting.accuracy import accuracy
from carbonscaling.reporting.document import around, figures
from carbonscaling.reporting.document.html import Markup, cited, listed, node, page, table
from carbonscaling.reporting.glossary import glossary
from carbonscaling.study.shown import OF_ALL, OF_THE_RUN, beside_words, recompute_words
from carbonscaling.units import DAY, GB, KWH
from carbonscaling.words import big, count, counted, duration, energy, mass, mass_span, money, percent, plain, shortened

__all__ = ["METHOD", "document", "limits"]

METHOD = (
    "A step is timed as a roofline over matrix multiplications, attention, element-wise work and collectives of one layer, "
    "composed over pipeline stages; constants that software sets were fitted to published runs (decisions 0005, 0031).",
    "The setting is the best of an exhaustive search over tensor, pipeline, context, data and expert parallelism, ZeRO, "
    "recomputation and schedule; bounds leave out only what cannot be best (decision 0010).",
    "Run time is the steady state times an overhead for failures, restarts, checkpoints and ramp-up.",
    "Energy is power by utilisation times time, for devices, hosts and network, times PUE. Operational carbon is energy times "
    "carbon intensity, by location and by market. Embodied carbon is charged by time over lifetime.",
    "Intervals are the 5th and 95th percentiles over the published ranges of all factors and the error of the step model.",
)
LIMITS = (
    "The best setting of a search may be one that nobody has run.",
    "Embodied carbon is known within a factor of two at best.",
    "One training is counted: experiments before it, failed runs and use after it only where the table says so.",
)


def limits() -> tuple[str, ...]:
    """Return what no estimate should be taken for, how right a speed is first."""
    return (accuracy(), *LIMITS)


def _headline(data: Mapping[str, Any], device: str) -> str:
    s, price = data["summary"], data.get("price", "")
    more = beside_words(s, [(line["name"], line["share"], line["energy_kwh"]) for line in data["carbon"]["boundary"]])
    cost = "" if s["cost_usd"] is None else f", {money(s['cost_usd'])}" + (f" ({price})" if price else "")
    return (
        f"{s['model']} on {count(s['tokens'])} tokens: {s['n_devices']:,} x {device} for "
        f"{duration(s['duration_days'] * DAY)} at {percent(s['mfu'])} MFU; {energy(s['energy_kwh'])}"
        + (f"{cost} for the run itself; {more}" if more else "")
        + f" and {mass(s['carbon_total_tco2e'])}{'' if more else cost}."
    )


def _span(pair: list[float], factor: float = 1.0) -> str:
    return f"{plain(pair[0] * factor)} to {plain(pair[1] * factor)}"


def _needed(needed: Mapping[str, float] | None) -> list[tuple[str, str, str]]:
    if not needed:
        return []
    return [
        ("Device-hours that people needed", big(needed["median"]), f"{big(needed['low'])} to {big(needed['high'])}")
    ]


def _results(data: Mapping[str, Any]) -> Markup:
    s, c = data["summary"], data["carbon"]
    i = c["intervals"]
    beside = [line for line in c["boundary"] if line["share"]]
    run, whole = (f" {OF_THE_RUN}", f" {OF_ALL}") if beside else ("", "")

    def carbon(name: str, tonnes: float, ends: list[float]) -> tuple[str, str, str]:
        return name, mass(tonnes), mass_span(ends, tonnes)

    rows = [
        ("Run time, overhead included", duration(s["duration_days"] * DAY), f"{plain(s['steady_days'])} days steady"),
        (f"Device-hours{run} that can be reached", big(s["device_hours"]),
         f"{plain(s['tokens_per_s_per_device'])} tokens/s per device"),
        *_needed(data.get("needed")),
        (f"Energy of the facility{run and ', ' + OF_THE_RUN}", energy(s["energy_kwh"]), f"{_span(i['energy_kwh'], 1e-3)} MWh"),
        carbon(f"Operational carbon{run}, by location", s["carbon_operational_tco2e"], i["operational_tco2e"]),
        carbon(f"Operational carbon{run}, by market", s["carbon_operational_market_tco2e"], c["market"]["interval_tco2e"]),
        carbon(f"Embodied carbon{run}", s["carbon_embodied_tco2e"], i["embodied_tco2e"]),
        ("Beside the final run", mass(s["carbon_boundary_tco2e"]) if s["carbon_boundary_tco2e"] else "not counted", ""),
        carbon(f"Carbon{whole}, total by location", s["carbon_total_tco2e"], i["total_tco2e"]),
        (f"Water{run}", f"{plain(s['water_litres'] / 1000)} m3", f"{_span(i['water_litres'], 1e-3)} m3"),
        (f"Cost{run}", "no price known" if s["cost_usd"] is None else money(s["cost_usd"]), data.get("price", "")),
    ]  # fmt: skip
    return table(("", "central", "interval or detail"), rows, (1,))


def _setting(s: Mapping[str, Any]) -> Markup:
    degrees = ("tp", "pp", "cp", "dp", "ep", "etp", "vpp", "zero_stage", "micro_batch", "n_micro")
    rows = [
        ("Parallelism", ", ".join(f"{name.replace('_', ' ')} {s[name]}" for name in degrees)),
        (
            "Schedule, recomputation",
            f"{s['schedule']}; {recompute_words(s['recompute'], s.get('recompute_percent', 100))}",
        ),
        ("Precision", s["precision"]),
        ("Batch", f"{counted(s['global_batch_seqs'], 'sequence')} of {s['seq_len']:,} tokens"),
        ("Steps", f"{s['n_steps']:,.0f}"),
        ("Model", f"{count(s['n_params'])} parameters; {plain(s['training_flops'])} training FLOPs"),
        ("Memory", f"{plain(s['memory_per_device_gb'])} of {plain(s['memory_limit_gb'])} GB on the fullest device"),
    ]
    return table((), rows)


def _doubts(data: Mapping[str, Any]) -> Markup:
    rows = [
        (x["name"].replace("_", " "), shortened(f"{x['low']} to {x['high']}"),
         f"{mass(min(x['at_low'], x['at_high']))} to {mass(max(x['at_low'], x['at_high']))}", x["source"])
        for x in data["levers"]
    ]  # fmt: skip
    rows += [
        (x["name"].replace("_", " "), "its range", f"{mass(x['low_tco2e'])} to {mass(x['high_tco2e'])}", x["source"])
        for x in data["carbon"]["widest"] if x["name"] not in {lever["name"] for lever in data["levers"]}
    ]  # fmt: skip
    return table(("input", "range", "carbon of the run", "source"), rows)


def _sequences(setting: Mapping[str, int]) -> int:
    """Return the sequences of a step of a setting as data."""
    return setting["dp"] * setting["micro_batch"] * setting["n_micro"]


def _searched(search: Mapping[str, Any] | None, others: Sequence[Mapping[str, Any]]) -> list[Markup]:
    if not search:
        return []
    found = [
        node("p", f"{counted(search['n_candidates'], 'setting')} decided, {search['n_fit']:,} fit; {search['n_near']:,} within "
                  f"{percent(search['near'])} of the best by objective '{search['objective']}'.")
    ]  # fmt: skip
    best = search.get("layouts", search["top"])[:5]
    batch = _sequences(search["top"][0])
    rows = [
        (c.get("what", ""), f"{c['n_devices']:,}", plain(c["duration_days"]), plain(c["carbon_tco2e"]),
         f"TP{c['tp']} PP{c['pp']} DP{c['dp']} CP{c['cp']} EP{c['ep']} ZeRO-{c['zero']}"
         + ("" if _sequences(c) == batch else f" batch {_sequences(c):,}"), "; ".join(c["unmeasured"]))
        for c in (*best, *others)
    ]  # fmt: skip
    heads = ("", "devices", "days", "tCO2e", "setting", "no measured run")[: 6 if any(row[-1] for row in rows) else 5]
    found.append(table(heads, [row[: len(heads)] for row in rows], (1, 2, 3)))
    front = [(c["duration_days"], c["carbon_tco2e"], f"{c['n_devices']:,}") for c in search["front"]]
    if len(front) > 1:
        found.append(
            figures.front("Settings that none beats in time, devices, carbon and cost; labels: devices", front)
        )
    return found


def _evidence(e: Mapping[str, Any]) -> list[Markup]:
    if not e["n_rows"]:
        return [node("p", "No measured training on this device with a model of this kind is known.")]
    size = e["within_factor"]
    near = f"within a factor of {plain(size)} in size" if size else "of every size"
    words = (
        f"{e['n_rows']:,} measured configurations of {counted(e['n_sources'], 'source')} on {e['device_name']}, {near}, each "
        f"predicted by a fit that never saw its source: median error {percent(e['median_error'])}, bias {e['bias']:+.0%}, "
        f"{percent(e['covered'])} inside the 90 % interval."
    )
    rows = [(r["measured"], r["predicted"], r["low"], r["high"]) for r in e["rows"]]
    return [node("p", words), figures.scatter("Predicted against measured speed of trainings like this one", rows)]


def _conventions(s: Mapping[str, Any], c: Mapping[str, Any]) -> list[str]:
    market = c["market"]
    return [
        f"Region {s['region']}: {plain(c['carbon_intensity_g_per_kwh'])} g CO2e/kWh ({c['carbon_basis'] or 'no basis'}); "
        f"by market {plain(market['carbon_intensity_g_per_kwh'])} g CO2e/kWh ({market['basis']}); PUE {plain(c['pue'])}.",
        f"Carbon mode {c['mode']}; embodied carbon by the {c['embodied_route']} route, amortised by {c['amortisation']}.",
    ]


TERMS = ("device-hour", "MFU", "operational carbon", "embodied carbon", "location-based", "market-based", "PUE", "interval",
         "tensor parallelism", "pipeline parallelism", "data parallelism", "ZeRO", "recomputation")  # fmt: skip


def _terms() -> Markup:
    known = glossary()
    return node(
        "dl", *(node("div", node("dt", name), node("dd", known[name].meaning)) for name in TERMS), class_="small"
    )


def document(
    data: Mapping[str, Any],
    evidence: Mapping[str, Any] | None = None,
    sources: Sequence[str] | None = None,
    *,
    places: Mapping[str, Any] | None = None,
    curve: Mapping[str, Any] | None = None,
    left_out: str = "",
) -> str:
    """Return the report as one HTML file that needs nothing beside it; its style is ready for print.

    Parameters
    ----------
    data : Mapping
        A feasible answer as plain data (``estimate.to_dict()``, or a file that plan or estimate saved).
    evidence : Mapping, optional
        `Nearby.to_dict` of `carbonscaling.evidence.nearby` for the same device and size.
    sources : sequence of str, optional
        Keys of every work behind the answer; without them those of its carbon figures, which the answer itself names.
    places, curve : Mapping, optional
        As `carbonscaling.reporting.beside.regions` and `curve`.
    left_out : str
        Why neither is there, if so.
    """
    s, c = data["summary"], data["carbon"]
    device = evidence["device_name"] if evidence else s["device"]
    step = {k: v for k, v in data["step_time_s"].items() if k != "total"}
    memory = {k: v / GB for k, v in data["memory_bytes"].items() if k not in ("total", "limit")}
    joules = {k: v / KWH / 1e3 for k, v in c["parts"].items() if k.endswith("_energy_j")}
    tonnes = {k: v / 1e3 for k, v in c["parts"].items() if k.endswith("_kg") and k != "total_kg"}
    tonnes |= {x["name"]: x["operational_tco2e"] + x["embodied_tco2e"] for x in c["boundary"]}
    central = {"operational_tco2e": "operation", "embodied_tco2e": "embodied", "total_tco2e": "total"}
    spans = [
        (name, c["intervals"][k][0], s[f"carbon_{k}"], c["intervals"][k][1]) for k, name in central.items()
    ]  # fmt: skip
    assumed = [f"Assumed: {note}." for note in data["notes"]]
    body = [
        node("p", f"Estimate before the run - carbonscaling {__version__}", class_="kind"),
        node("h1", f"What it takes to train {s['model']}"),
        node("p", _headline(data, device), class_="lead"),
        *(node("p", f"Warning: {text}", class_="warning") for text in data["warnings"]),
        node("h2", "Results"), _results(data),
        node("h2", "Setting"), _setting(s), *_searched(data["search"], data.get("alternatives", ())),
        node("h2", "Where it goes"),
        figures.parts(f"Seconds of a steady step, {plain(s['step_time_s'])} s", step, "s"),
        figures.parts("Memory of the fullest device", memory, "GB"),
        figures.parts("Energy", joules, "MWh"),
        figures.parts("Carbon", tonnes, "t"),
        *([node("h2", "Elsewhere"), around.places(places), around.when(places)] if places else []),
        *([node("h2", "Elsewhere, other losses"), node("p", f"Left out: {left_out}.")] if left_out else []),
        *([node("h2", "Other losses"), around.curve(curve, s["carbon_total_tco2e"])] if curve and curve["rows"] else []),
        node("h2", "Uncertainty"), figures.intervals("Carbon, 5th to 95th percentile", spans, "t"), _doubts(data),
        *([node("h2", "Evidence"), *_evidence(evidence)] if evidence else []),
        node("h2", "Method and conventions"), listed((*METHOD, *_conventions(s, c), *assumed)),
        node("h2", "Limits"), listed(limits()),
        node("h2", "Terms"), _terms(),
        node("h2", "Sources"), cited(data["sources"] if sources is None else sources),
    ]  # fmt: skip
    return page(f"What it takes to train {s['model']}", body)

"""An answer from the top: work, speed, time, energy, carbon, money, each in one line that leads to the next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from carbonscaling.formula import TraceLine
from carbonscaling.model.flops import training_flops_per_token
from carbonscaling.model.params import active_params
from carbonscaling.record import dataclass
from carbonscaling.reporting.document.html import Markup, node, page
from carbonscaling.reporting.explain import by_formula, explain_page, quantity
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.hours import hours_met
from carbonscaling.study.shown import price_words
from carbonscaling.units import HOUR, KWH
from carbonscaling.words import big, count, duration, energy, mass, money, percent, plain

__all__ = ["NAMES", "Stage", "derivation", "derivation_html", "derivation_page"]

NAMES = ("work", "speed", "time", "memory", "energy", "carbon", "money")
"""The stages, in their order."""
_PARTS: dict[str, tuple[str, ...]] = {
    "time": ("perf.goodput.run_time",),
    "memory": ("perf.pipeline.fullest_stage", "perf.pipeline.layers_in_flight", "perf.activations", "perf.memory"),
    "energy": (
        "carbon.power",
        "carbon.operational.energy",
        "carbon.operational.host_count",
        "carbon.operational.overhead",
    ),
    "carbon": ("carbon.", "laws.paper"),
    "work": ("laws.batch", "model."),
    "speed": ("perf.",),
}
"""Beginnings of the formulas behind a stage; the first stage that claims a formula has it."""


@dataclass(frozen=True)
class Stage:
    """One line of the derivation.

    Attributes
    ----------
    name : str
        One of `NAMES`.
    equation, numbers, result : str
        In words, with this answer's numbers, and what comes out.
    lines : tuple of TraceLine
        What was evaluated for it.
    """

    name: str
    equation: str
    numbers: str
    result: str
    lines: tuple[TraceLine, ...]


def _stage_of(line: TraceLine) -> str:
    name = line.formula.name
    return next(stage for stage, begins in _PARTS.items() if name.startswith(begins))


def derivation(e: Estimate, lines: Iterable[TraceLine]) -> list[Stage]:
    """Return the stages of an answer with the formulas that were evaluated for each.

    Work is 6 FLOP a parameter and token (Kaplan et al. 2020, section 2.1) plus attention scores; each later figure follows
    from the one before.
    """
    s, r, f = e.summary(), e.resolved, e.footprint
    flops, tokens, active = float(s["training_flops"]), float(s["tokens"]), float(active_params(r.spec))
    peak = float(s["model_tflops_per_device"]) / float(s["mfu"])
    n, tflops = e.n_devices, float(s["model_tflops_per_device"])
    watts = float(s["energy_kwh"]) * KWH / (n * e.duration_s)
    by_stage: dict[str, list[TraceLine]] = {name: [] for name in NAMES}
    for line in lines:
        by_stage[_stage_of(line)].append(line)
    which = "active parameters" if r.spec.n_moe_layers else "parameters"
    if r.spec.encoder is not None:
        active, which = training_flops_per_token(r.spec, r.seq_len, "6N") / 6.0, "parameters that a token passes"
    simple = 6.0 * active * tokens
    beside = f"attention, head and the rest: {flops / simple - 1.0:+.0%}"
    said = [
        ("work", f"6 x {which} x tokens, and attention",
         f"6 x {count(active)} x {count(tokens)} = {simple:.3g} FLOP; {beside}",
         f"{flops:.3g} FLOP"),
        ("speed", "devices x peak x MFU",
         f"{n:,} x {plain(peak)} TFLOP/s x {percent(float(s['mfu']))}", f"{n * tflops * 1e12:.3g} FLOP/s"),
        ("time", "work / speed, and what a run loses",
         f"{flops:.3g} / {n * tflops * 1e12:.3g} = {duration(e.steady_s)}, x {plain(float(s['run_overhead']))} for failures, "
         f"restarts, checkpoints", duration(e.duration_s)),
        ("memory", "the fullest device holds weights, states and activations",
         f"{plain(float(s['memory_per_device_gb']))} of {plain(float(s['memory_limit_gb']))} GB usable",
         f"{plain(float(s['memory_per_device_gb']))} GB"),
        ("energy", "devices x power x time, with hosts, network and cooling",
         f"{n:,} x {plain(watts)} W x {plain(e.duration_s / HOUR)} h (PUE {f.pue:.3g} is in it)", energy(f.energy_kwh)),
        ("carbon", "energy x carbon intensity, and the making of the hardware",
         f"{energy(f.energy_kwh)} x {plain(f.carbon_intensity_g_per_kwh)} g/kWh = {mass(f.operational_tco2e)}, "
         f"+ {mass(f.embodied_tco2e)} embodied" + "".join(f"; {words}" for words in _intensity(e)), mass(f.total_tco2e)),
    ]  # fmt: skip
    if e.cost_usd is not None and r.price is not None:
        hours = n * e.duration_s / HOUR
        numbers = f"{big(hours)} x {plain(e.cost_usd / hours)} $/h ({price_words(r.price)})"
        said.append(("money", "device-hours x price", numbers, money(e.cost_usd)))
    return [Stage(*row, lines=tuple(by_stage[row[0]])) for row in said]


def _intensity(e: Estimate) -> list[str]:
    """Return what the carbon intensity follows from, where hours or a contract are behind it."""
    f, contract, share = e.footprint, e.scenario.contracts, sum(e.footprint.contracted.values())
    found = list(hours_met(e.scenario, e.duration_s))
    if share:
        bought, mixed = contract.g_per_kwh, f.market.carbon_intensity_g_per_kwh
        rest = (mixed - share * bought) / (1.0 - share) if share < 1.0 else 0.0
        beyond = f" + {1.0 - share:.1%} x {plain(rest)}" if share < 1.0 else ""
        found.append(f"by market {plain(mixed)} g/kWh = {share:.1%} under contract x {plain(bought)}{beyond}")
    return found


def derivation_page(stages: Sequence[Stage], opened: str | None, shown: int) -> Group:
    """Return the derivation; the stage `opened` goes on with its formulas, up to `shown` evaluations of each."""
    parts: list[RenderableType] = []
    for stage in stages:
        parts += [
            Text.assemble((f"{stage.name:<8}", "bold cyan"), (stage.result, "bold")),
            Padding(Text(f"= {stage.equation}"), (0, 0, 0, 8)),
            Padding(Text(f"= {stage.numbers}", style="dim"), (0, 0, 0, 8)),
        ]
        if opened == stage.name and stage.lines:
            parts += [Text(""), Padding(explain_page(stage.lines, shown), (0, 0, 0, 4)), Text("")]
    return Group(*parts)


def derivation_html(stages: Sequence[Stage], headline: str) -> str:
    """Return the derivation as one HTML file: every stage opens to its formulas, every formula to its numbers."""
    body = [node("h1", "How this answer comes about"), node("p", headline)]
    for stage in stages:
        formulas = [_formula(name, found) for name, found in by_formula(stage.lines).items()]
        head = node("summary", node("b", f"{stage.name}: {stage.result}"), f" = {stage.equation}")
        inner = node("div", *formulas) if formulas else Markup()
        body.append(node("details", head, node("p", f"= {stage.numbers}"), inner, open="open"))
    return page("How this answer comes about", body)


def _formula(name: str, found: Sequence[TraceLine]) -> Markup:
    f = found[0].formula
    head = node("summary", f"{name} = {f.expression} ", node("small", f"[{f.source}]"))
    return node("details", head, *(node("p", _numbers(line), class_="small") for line in found))


def _numbers(line: TraceLine) -> str:
    unit = "" if line.formula.unit in ("", "1") else f" {line.formula.unit}"
    return f"{quantity(line.result)}{unit} from " + ", ".join(f"{k} = {quantity(v)}" for k, v in line.arguments.items())

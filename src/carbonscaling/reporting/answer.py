"""An answer as a page one can read aloud."""

from __future__ import annotations

from collections.abc import Iterator

from carbonscaling.carbon.result import Footprint
from carbonscaling.perf.numbers import Recompute, Schedule
from carbonscaling.reporting.bars import Bars, label
from carbonscaling.reporting.blocks import Block, Columns, Page, Paragraph, bullets
from carbonscaling.search.objectives import OBJECTIVES
from carbonscaling.study.asked import margin_of
from carbonscaling.study.doubts import best_alike, unmeasured
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.levers import Lever
from carbonscaling.study.shown import OF_ALL, OF_THE_RUN, carbon_words, figures, recompute_words, setting_words, span
from carbonscaling.units import DAY, KWH, TONNE
from carbonscaling.words import (
    BYTES,
    ENERGY,
    MASS,
    TIME,
    big,
    count,
    counted,
    data,
    duration,
    energy,
    mass,
    mass_span,
    percent,
    plain,
    shortened,
)

__all__ = ["answer_page", "conventions", "practised", "setting_lines", "spans"]

TOP_SHOWN = 5
_TOP_HEADINGS = ("devices", "days", "tCO2e", "between", "setting")


def setting_lines(e: Estimate) -> list[str]:
    """Return the setting in a few lines: degrees, batch, steps."""
    s, r = e.setting, e.resolved
    schedule = Schedule.NAMES[int(s.schedule)]
    degrees = [("tensor", s.tp), ("pipeline", s.pp), ("context", s.cp), ("data", s.dp)]
    product = " x ".join(f"{name} {int(n)}" for name, n in degrees if n > 1) or "none"
    used = int(s.n_devices)
    product += f" = {used:,} device{'s' if used > 1 else ''}"
    product += f", {e.n_devices - used:,} idle" if e.n_devices > used else ""
    if s.ep > 1:
        product += f"; experts over {int(s.ep)}" + (f", each over {int(s.etp)}" if s.etp > 1 else "")
    extras = [f"ZeRO stage {int(s.zero)}" if s.zero else "no ZeRO"]
    if s.zero and s.shard < s.dp * s.cp:
        extras.append(f"sharded over {int(s.shard)} devices")
    if s.pp > 1:
        chunks = f", {int(s.vpp)} chunks a stage" if s.vpp > 1 else ""
        extras.append(f"pipeline schedule {schedule}{chunks}")
    if s.schedule == Schedule.COMBINED:
        extras.append("experts' traffic beside other micro-batches' passes")
    if s.sp and s.tp > 1:
        extras.append("sequence parallel")
    extras.append(recompute_words(Recompute.said(s), float(s.recompute_percent)))
    own, asked = count(r.tokens), count(r.asked_tokens)
    moved = r.batches.is_open and r.batches.by_loss and own != asked
    tokens = [
        f"tokens: with this batch {own} reach the loss of the {asked} asked for; --batch alone trains all {asked}"
    ]
    loss = [] if r.loss is None else [f"expected loss {r.loss:.4g} by {e.scenario.law}"]
    speed, flops = (
        f"{plain(e.tokens_per_s_per_device)} tokens/s",
        f"{plain(e.model_flops_per_device / 1e12)} model TFLOP/s",
    )
    by_calendar = e.scenario.pace == "calendar"
    pace = f"{flops} per device, {speed} in the mean of the run" if by_calendar else f"{speed} and {flops} per device"
    return [
        f"parallelism: {product}",
        f"with {', '.join(extras)}, in {r.recipe.name}, on software stack {r.stack.name}",
        f"batch: {counted(round(r.batch), 'sequence')} of {r.seq_len:,} tokens ({count(r.batch * r.seq_len)} tokens), "
        f"in {s.n_micro:g} micro-batch{'es' if s.n_micro > 1 else ''} of {s.micro_batch:g} per replica",
        *(tokens if moved else []),
        f"{r.n_steps:,.0f} step{'s' * (r.n_steps != 1)} of {duration(float(e.step.total))}: {pace}",
        f"{duration(e.steady_s)} at steady state, times {plain(r.run_overhead.si)} for failures, restarts, "
        f"checkpoints and ramp-up = {duration(e.duration_s)}",
        *loss,
    ]


def practised(e: Estimate) -> list[str]:
    """Return what can be reached and what people needed, a line each; the papers' mode knows no people."""
    needed, n = e.needed, len(e.scenario.history)
    if needed is None:
        return []
    own = f"with {n} earlier run{'s' if n > 1 else ''} of yours" if n else "makers of published trainings"
    return [
        f"can be reached: {big(e.device_hours)} device-hours",
        f"people needed ({own}): {big(needed.median)}, {big(needed.low)} to {big(needed.high)} in 90 %, "
        f"{plain(needed.median / e.device_hours)} times as many",
    ]


def spans(e: Estimate) -> list[str]:
    """Return the 90 % interval of every main figure, a line each."""
    found = e.intervals
    return [f"{name}: {span(found[key], write)}" for key, name, write in figures(e.counts_beside) if key in found]


def _breakdowns(e: Estimate) -> Iterator[Block]:
    f, p = e.footprint, e.footprint.parts
    step = e.step._asdict()
    seconds = float(e.step.total)
    yield Bars(f"Step time: {duration(seconds)}", {k: float(v) for k, v in step.items()}, "s", units=TIME)
    yield Paragraph()
    need = {k: float(v) for k, v in e.memory._asdict().items() if k != "limit"}
    limit, installed = float(e.memory.limit), e.resolved.cluster.device.memory_capacity
    yield Bars(
        f"Memory of the fullest device: {data(float(e.memory.total))} of {data(limit)} usable "
        f"({installed.value:g} {installed.unit} installed)",
        need, "B", whole=limit, units=BYTES,
    )  # fmt: skip
    yield Paragraph()
    kwh = {k: float(v) / KWH for k, v in p._asdict().items() if k.endswith("_energy_j")}
    run, whole = (f" {OF_THE_RUN}", f" {OF_ALL}") if e.counts_beside else ("", "")
    yield Bars(f"Energy{run}: {energy(f.energy_kwh)}", kwh, "kWh", units=ENERGY)
    yield Paragraph()
    tonnes = {k: float(v) / TONNE for k, v in p._asdict().items() if k.endswith("_kg") and k != "total_kg"}
    tonnes |= {line.name: line.total_tco2e for line in f.lines}
    units = MASS if f.total_tco2e >= 1e5 else MASS[2:]
    yield Bars(f"Carbon{whole}: {carbon_words(e.summary())}", tonnes, "tCO2e", units=units)
    yield Paragraph()


def _lever(lever: Lever) -> str:
    ends = sorted((lever.at_low, lever.at_high))
    name = lever.name.replace("_", " ")
    low, high = shortened(lever.low.split(" ")[0]), shortened(lever.high)
    effect = f"{mass(ends[0])} to {mass(ends[1])}, {percent(lever.swing)} apart"
    return f"{name}: {low} to {high} gives {effect} [{lever.source}]"


def alternative_lines(e: Estimate) -> list[str]:
    """Return the settings that something else than the objective speaks for, with what they take, a line each."""
    own = e.setting.sequences
    return [
        f"{what}: {c.n_devices:,} devices, {plain(c.duration_s / DAY)} days, {mass(c.carbon_kg / TONNE)}: "
        f"{setting_words(c.setting)}{'' if c.setting.sequences == own else f', batch {c.setting.sequences:,}'}"
        for what, c in e.alternatives
    ]


NAMED = {
    "micro_batch": "micro-batch",
    "recompute": "recomputation",
    "zero_stage": "ZeRO stage",
    "vpp": "chunks a stage",
}
SPLIT = {
    "experts": "with experts",
    "pipeline": "with a pipeline",
    "tensor": "with split tensors",
    "data": "with replicas alone",
}


def usual_lines(e: Estimate) -> list[str]:
    """Return what measured runs choose where the question leaves the choice open, with what this setting takes, a line each."""
    return [
        f"{NAMED[u.choice]}: {', '.join(f'{value} in {share:.0%}' for value, share in list(u.shares.items())[:3])} "
        f"({u.rows:,} runs of {u.sources} sources {SPLIT[u.group]}); here {u.taken}"
        for u in e.usual
    ]


def _top(e: Estimate) -> Iterator[Block]:
    if e.search is None or len(e.search.top) < 2:
        return
    rows = []
    flagged: dict[str, None] = {}
    for c, n in e.search.layouts[:TOP_SHOWN]:
        between = " to ".join(plain(end) for end in e.intervals_of(c)["carbon_interval_tco2e"])
        doubts = unmeasured(c.setting, e.resolved.seq_len)
        flagged |= dict.fromkeys(doubts)
        carbon = plain(c.carbon_kg / TONNE)
        more = f" (+{n - 1:,} alike)" if n > 1 else ""
        row = (
            f"{c.n_devices:,}",
            plain(c.duration_s / DAY),
            carbon,
            between,
            setting_words(c.setting) + more + " *" * bool(doubts),
        )
        rows.append(row)
    found = e.search
    yield Paragraph(f"Best settings: {OBJECTIVES[found.objective].description}", "bold")
    yield Columns(_TOP_HEADINGS, rows)
    left_out = found.rejected.get("bound", 0)
    seen = f"{counted(found.n_candidates, 'setting')} decided"
    seen += f", {left_out:,} of them by a bound that they cannot pass" if left_out else f", {found.n_fit:,} fit"
    yield Paragraph(f"  {seen}; {found.n_near:,} within {percent(found.near)} of the best", "italic")
    if flagged:
        yield Paragraph(f"  * no measured run: {', '.join(flagged)}", "italic")
    for share, kg, c in found.quantiles:
        line = f"{percent(share)} of the feasible settings emit less than {mass(kg / TONNE)}: {c.n_devices:,} devices, "
        yield Paragraph(line + setting_words(c.setting), indent=2)
    yield Paragraph()


def _best_published(e: Estimate) -> list[str]:
    """Return how the answer's utilisation compares with the best one published; the papers' mode has none."""
    if e.footprint.mode != "physical":
        return []
    own, r = f"this setting has {percent(e.mfu)}", e.resolved
    if (run := e.best_run or best_alike(r)) is None:
        like = percent(float(r.carbon.numbers.best_utilisation))
        return [
            f"no run of this device, kind of model and number format is published; the best like it have {like}; {own}"
        ]
    best = percent(run.mfu(float(r.machine.formats.peak_mfu)))
    if e.best_run is None:
        which = f"no run of this size is published on this device; its best MFU of any size is {best} ({run.named}"
    else:
        which = f"the best MFU published for this device and size is {best} ({run.named}"
    return [f"{which}, the best of {counted(run.n_alike, 'configuration')}, {run.source}); {own}"]


def conventions(e: Estimate) -> list[str]:
    """Return what was counted how, a line each."""
    f = e.footprint
    version = f", version {f.version}" if f.version else ""
    deadline = f"deadline {plain(e.scenario.max_days)} days" if e.scenario.max_days else "no deadline"
    beside = [f"{label(x.name)} {mass(x.total_tco2e)}" for x in f.lines if x.share]
    left = [label(x.name) for x in f.lines if not x.share]
    beside += [f"not counted: {', '.join(left)}"] if left else []
    return [
        f"{deadline}; objective '{e.scenario.objective}'; space '{e.scenario.space}'; memory margin "
        f"{percent(margin_of(e.scenario))}",
        f"carbon mode: {f.mode}{version}; region {f.region}; intensity {f.carbon_basis or 'of unstated basis'}",
        f"operation by location {mass(f.location.operational_tco2e)} at "
        f"{plain(f.location.carbon_intensity_g_per_kwh)} g/kWh, by market "
        f"{mass(f.market.operational_tco2e)} at {plain(f.market.carbon_intensity_g_per_kwh)} g/kWh ({f.market.basis})",
        f"the total counts scope 2 by {f.scope2}",
        f"PUE {f.pue:.3g} ({e.resolved.carbon.factors['pue'].basis})",
        f"water {plain(f.water_litres / 1000.0)} m3, on site {plain(f.water_on_site_litres / 1000.0)}",
        *(
            []
            if f.metals_kg_sb is None
            else [f"metals and minerals {plain(1e3 * f.metals_kg_sb)} g of antimony (ADPe)"]
        ),
        *([] if f.primary_energy_mj is None else [f"primary energy {plain(f.primary_energy_mj / 1e3)} GJ"]),
        *_construction(f),
        f"beside the final run {'; '.join(beside)}",
        f"embodied carbon: {f.embodied_route} route; amortised by {f.amortisation}",
        "MFU counts model FLOPs with the causal half of attention, against the peak of the recipe's matrix format",
        *_best_published(e),
    ]


def _construction(f: Footprint) -> list[str]:
    """Return the building by its power, beside what the total counts for it."""
    if f.construction is None:
        return []
    c = f.construction
    return [
        f"the building by its power ({plain(c.capacity_w / 1e6)} MW): {mass(c.tco2e)} ({mass_span((c.low, c.high), c.tco2e)}); "
        "the total counts it as a share of the machines instead"
    ]


def answer_page(e: Estimate) -> Page:
    """Return the page of a feasible answer."""
    parts: list[Block] = [Paragraph(e.headline, "bold"), Paragraph()]
    parts += bullets("Warnings", list(e.warnings), "yellow")
    parts += bullets("Setting", setting_lines(e))
    parts += bullets("Between, with 90 % confidence", spans(e))
    parts += bullets("Reached and needed", practised(e))
    parts += _breakdowns(e)
    parts += _top(e)
    parts += bullets("Alternatives", alternative_lines(e))
    parts += bullets("What measured runs choose", usual_lines(e))
    parts += bullets("What would change this most", [_lever(lever) for lever in e.levers])
    parts += bullets("Assumed", list(e.resolved.notes))
    parts += bullets("Conventions", conventions(e))
    return Page(tuple(parts[:-1]))

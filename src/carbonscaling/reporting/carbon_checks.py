"""Pages of ``validate --carbon-runs``: trainings, published accounts, embodied routes, the power model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from carbonscaling.reporting.tables import error, figures
from carbonscaling.validate.carbon.accounts import WIDEST, AccountCheck, EmbodiedCheck, TableRow, accounts_summary
from carbonscaling.validate.carbon.energy import CarbonCheck, summary
from carbonscaling.validate.parts.power_curves import CapScore, PowerScore
from carbonscaling.validate.parts.systems import ENTERED, SystemCheck, system_scores
from carbonscaling.words import plain

__all__ = [
    "accounts_page", "carbon_runs_data", "carbon_runs_page", "power_data", "power_page", "systems_page",
]  # fmt: skip

NAME = 24
"""Characters of a run's name."""


def _maybe(value: float | None) -> str:
    return "-" if value is None else plain(value)


def _mwh(kwh: float | None) -> str:
    return "-" if kwh is None else plain(kwh / 1e3)


def carbon_runs_data(checks: Sequence[CarbonCheck]) -> dict[str, Any]:
    """Return figures of merit and one flat row a run."""
    rows = []
    for c in checks:
        run = c.run
        row: dict[str, Any] = {
            "name": run.name, "device": run.device, "energy_basis": run.energy_basis, "scored": c.scored,
            "device_hours": run.hours, "energy_kwh": run.energy, "fed": list(c.fed),
            "operational_tco2e": run.tco2e_operational, "operational_tco2e_ours": c.operational_tco2e,
            "embodied_tco2e": run.tco2e_embodied, "embodied_tco2e_ours": c.embodied_tco2e, "note": c.note,
        }  # fmt: skip
        for name, ours in (("shipped", c.shipped), ("left_out", c.left_out)):
            row |= {
                f"{name}_kwh": ours.kwh if ours else None,
                f"{name}_interval_kwh": [ours.low, ours.high] if ours else None,
                f"{name}_error": ours.error(run.energy) if ours and run.energy else None,
                f"{name}_covered": ours.covers(run.energy) if ours and run.energy else None,
            }
        rows.append(row)
    return {"summary": summary(checks), "runs": rows}


def carbon_runs_page(checks: Sequence[CarbonCheck]) -> Group:
    """Return the trainings with measured energy, then what was not scored and why."""
    table = figures(("run", "MWh", "ours", "low", "high", "error", "inside", "as shipped"))
    carbon = figures(("run", "tCO2e", "ours"))
    for c in checks:
        run, ours = c.run, c.left_out
        if not (c.scored and c.shipped and ours and run.energy):
            continue
        name = run.name.partition(" (")[0][:NAME]
        table.add_row(
            name, _mwh(run.energy), _mwh(ours.kwh), _mwh(ours.low), _mwh(ours.high),
            error(ours.error(run.energy), "+"), "yes" if ours.covers(run.energy) else "no",
            error(c.shipped.error(run.energy), "+"),
        )  # fmt: skip
        if run.tco2e_operational and c.operational_tco2e:
            carbon.add_row(name, plain(run.tco2e_operational), plain(c.operational_tco2e))
    s = summary(checks)
    merit = (
        f"{s['n_scored']} of {s['n_rows']} rows measured their energy and say their device-hours. Mean absolute error of "
        f"energy, each run left out of the factors it entered: {error(s['left_out_mape'])}, inside the interval "
        f"{error(s['left_out_coverage'])}; with the factors as shipped {error(s['energy_mape'])} and "
        f"{error(s['energy_coverage'])}; rows that entered no factor ({s['n_untouched']}) "
        f"{error(s['untouched_mape'])}"
    )
    reasons: dict[str, int] = {}
    for c in checks:
        if not c.scored:
            reasons[c.note] = reasons.get(c.note, 0) + 1
    parts: list[RenderableType] = [
        Text(
            "Energy of trainings, given their device-hours: each run left out of the factors it entered", style="bold"
        ),
        table,
        Text(merit),
    ]
    if s["n_carbon"]:
        parts += [
            carbon,
            Text(f"  operational carbon of {s['n_carbon']} rows: error {error(s['operational_mape'])}"),
        ]
    parts += [Text(f"  {c.run.name} entered {', '.join(c.fed)}") for c in checks if c.scored and c.fed]
    parts += [Text(f"  {c.run.name}: {c.note}", style="italic") for c in checks if c.scored]
    parts += [Text(f"  not scored: {n} rows, {why}") for why, n in sorted(reasons.items(), key=lambda kv: -kv[1])]
    return Group(*parts)


def _accounts(checks: Sequence[AccountCheck]) -> Iterator[RenderableType]:
    table = figures(
        ("account", "figure", "reported", "ours", "off by", "between", "inside", "repeated"), words=2, width=40
    )
    for check in checks:
        title = check.account.title
        for line in check.lines or [None]:
            if line is None:
                table.add_row(title, "nothing that can be held", *[""] * 6)
                continue
            between = "" if line.low is None else f"{_maybe(line.low)} to {_maybe(line.high)}"
            inside = {None: "", True: "yes", False: "no"}[line.inside]
            ours = error(line.error, "+") if line.error is not None else ""
            repeated = "" if line.repeated is None else plain(line.repeated)
            shown = f"{line.figure}, {line.unit}"
            table.add_row(title, shown, plain(line.reported), _maybe(line.ours), ours, between, inside, repeated)
            title = ""
        if check.formula_tco2e is not None:
            low, high = check.formula_tco2e
            table.add_row("", "papers' embodied formula, t", "", "", "", f"{plain(low)} to {plain(high)}", "", "")
    yield Text(
        "Published accounts: as reported, and ours from device-hours (water: from energy and place)", style="bold"
    )
    yield table
    for check in checks:
        if check.account.convention:
            yield Text(f"  {check.account.title}: {check.account.convention}", style="italic")
    s = accounts_summary(checks)
    yield Text(
        f"{s['accounts']} accounts, {s['accounts_held']} of them held: {s['figures_held']} measured figures, "
        f"{100 * s['share_inside']:.0f}% inside, {100 * s['share_narrow']:.0f}% inside intervals no wider than "
        f"{' and '.join(f'x{width:g} ({figure})' for figure, width in WIDEST.items())}; energy given the hours "
        f"{100 * s['energy_error']:.1f}% off in the mean; widest intervals: energy x{s['widest_energy']:.2f}, total carbon "
        f"x{s['widest_total_carbon']:.2f}; {s['figures_repeated']} "
        "figures by rating or from another figure of their account are repeated within "
        f"{100 * s['worst_repetition']:.1f}%"
    )


def accounts_page(checks: Sequence[AccountCheck], rows: Sequence[TableRow], embodied: Sequence[EmbodiedCheck]) -> Group:
    """Return accounts, LLMCarbon's table and embodied carbon by route."""
    parts = [*_accounts(checks), Text("")]
    table = figures(("LLMCarbon, tCO2e", "reported", "its method", "off by", "ours", "off by"))
    for r in rows:
        table.add_row(
            r.title, plain(r.reported), f"{r.repeated:.4g}", error(r.repeated / r.reported - 1.0, "+"),
            plain(r.ours), error(r.ours / r.reported - 1.0, "+"),
        )  # fmt: skip
    parts += [table, Text("  its inputs, all of the very run it predicts:", style="italic")]
    parts += [Text(f"    {r.title}: {r.inputs}", style="italic") for r in rows]
    parts += [
        Text("  ours: device count, days, PUE and intensity; watts from the power model", style="italic"),
        Text(""),
    ]
    table = figures(("embodied, kg a device", "primary", "bottom-up", "low", "high", "inside", "source"))
    for e in embodied:
        low, central, high = e.bottom_up
        table.add_row(
            e.device, plain(e.primary), plain(central), plain(low), plain(high), "yes" if e.inside else "no", e.source
        )
    return Group(*parts, table)


def power_page(scores: Sequence[PowerScore], caps: Sequence[CapScore]) -> Group:
    """Return the power model's scores by device: R2 and mean absolute error of every reading."""
    table = figures(("device", "rows", "shipped", "one curve", "left out", "workloads", "left out"))
    fitted = []
    for s in scores:
        parts = (s.shipped, s.one_curve, s.one_curve_left_out, s.by_workload, s.by_workload_left_out)
        table.add_row(s.device, str(s.shipped.n), *(f"{m.r2:.3f} {100 * m.mape:.0f}%" for m in parts))
        if s.busy_w == s.busy_w:
            fitted.append(
                f"  {s.device}: {s.data}; {s.n_workloads} workloads; one curve {s.busy_w:.0f} W, exponent {s.exponent:.2f}; "
                f"with workloads {s.workload_exponent:.2f}"
            )
    return Group(
        Text("Power against speed: R2 and error of the shipped constants and of two fits", style="bold"),
        table,
        *(Text(line) for line in fitted),
        Text("  one curve: one busy power and exponent a device, each workload predicted from the others; workloads: a busy "
             "power each, every row predicted without itself. The shipped constants are of heavy training: light "
             "networks and decoding draw less", style="italic"),
        *(Text(f"  power limits, {c.power.n} trainings on {c.device}: power R2 {c.power.r2:.3f}, error {error(c.power.mape)}; "
               f"speed R2 {c.speed.r2:.3f}, error {error(c.speed.mape)}, exponent {c.exponent:.2f}") for c in caps),
    )  # fmt: skip


def systems_page(checks: Sequence[SystemCheck]) -> Group:
    """Return watts of training systems beside those of the shipped constants."""
    table = figures(("training", "device", "readings", "speed", "W a device", "ours", "error"))
    for c in sorted(checks, key=lambda c: (c.speed < 1.0, c.device)):
        mark = " *" if c.workload in ENTERED else ""
        table.add_row(c.workload + mark, c.device, str(c.n_rows), f"{c.speed:.2f}", plain(c.watts), plain(c.ours),
                      error(c.error, "+"))  # fmt: skip
    lines = [
        f"  {name}: {s.n} of {len(checks)} rows, R2 {s.r2:.3f}, error {error(s.mape)}, median {error(s.bias, '+')}"
        for name, s in system_scores(checks).items()
    ]
    return Group(
        Text("Power of whole systems at training, shipped constants, a host's own readings left out", style="bold"),
        table,
        *(Text(line) for line in lines),
        Text("  * entered the host power of its device: not scored. Scaled out: speed over the same job on one node, from "
             "times to train that include evaluation and start-up, in which devices idle", style="italic"),
    )  # fmt: skip


def power_data(
    scores: Sequence[PowerScore], caps: Sequence[CapScore], systems: Sequence[SystemCheck]
) -> dict[str, Any]:
    """Return the scores as plain data."""
    return {
        "curves": [asdict(s) for s in scores],
        "limits": [asdict(c) for c in caps],
        "systems": [asdict(c) | {"error": c.error} for c in systems],
        "system_scores": {name: asdict(s) for name, s in system_scores(systems).items()},
    }

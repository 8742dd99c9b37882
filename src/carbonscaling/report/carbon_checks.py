"""Pages of ``validate --carbon-runs``: trainings, published accounts, embodied routes, the power model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from carbonscaling.report.words import count, plain
from carbonscaling.validate.accounts import AccountCheck, EmbodiedCheck, TableRow
from carbonscaling.validate.carbon_runs import CarbonCheck, summary
from carbonscaling.validate.device_hours import HoursCheck
from carbonscaling.validate.power import PowerScore

__all__ = ["accounts_page", "carbon_runs_data", "carbon_runs_page", "hours_page", "power_data", "power_page"]

NAME = 24
"""Characters of a run's name."""


def _table(*headings: str) -> Table:
    table = Table(box=None, padding=(0, 1), header_style="bold", show_edge=False)
    for i, heading in enumerate(headings):
        table.add_column(heading, justify="left" if i == 0 else "right", overflow="fold")
    return table


def _percent(value: float | None, sign: bool = False) -> str:
    if value is None:
        return "-"
    return f"{100 * value:+.1f} %" if sign else f"{100 * value:.1f} %"


def _maybe(value: float | None) -> str:
    return "-" if value is None else plain(value)


def _mwh(kwh: float | None) -> str:
    return "-" if kwh is None else plain(kwh / 1e3)


def carbon_runs_data(checks: Sequence[CarbonCheck]) -> dict[str, Any]:
    """Return figures of merit and one flat row a run."""
    rows = []
    for c in checks:
        run = c.run
        rows.append(
            {
                "name": run.name, "device": run.device, "energy_basis": run.energy_basis, "scored": c.scored,
                "device_hours": run.hours, "energy_kwh": run.energy_kwh, "energy_kwh_ours": c.energy_kwh,
                "energy_low_kwh": c.low_kwh, "energy_high_kwh": c.high_kwh, "energy_error": c.error, "covered": c.covered,
                "operational_tco2e": run.tco2e_operational, "operational_tco2e_ours": c.operational_tco2e,
                "embodied_tco2e": run.tco2e_embodied, "embodied_tco2e_ours": c.embodied_tco2e, "note": c.note,
            }
        )  # fmt: skip
    return {"summary": summary(checks), "runs": rows}


def carbon_runs_page(checks: Sequence[CarbonCheck]) -> Group:
    """Return the trainings with measured energy, then what was not scored and why."""
    table = _table("run", "MWh", "ours", "between", "error", "inside", "tCO2e", "ours")
    for c in checks:
        if c.scored and c.energy_kwh is not None:
            span = f"{_mwh(c.low_kwh)} to {_mwh(c.high_kwh)}"
            table.add_row(
                c.run.name.partition(" (")[0][:NAME], _mwh(c.run.energy_kwh), _mwh(c.energy_kwh), span,
                _percent(c.error, sign=True), "yes" if c.covered else "no", _maybe(c.run.tco2e_operational),
                _maybe(c.operational_tco2e),
            )  # fmt: skip
    s = summary(checks)
    merit = (
        f"{s['n_scored']} of {s['n_rows']} rows measured their energy and say their device-hours: energy mean absolute "
        f"error {_percent(s['energy_mape'])}, inside the interval {_percent(s['energy_coverage'])}; operational carbon of "
        f"{s['n_carbon']} rows {_percent(s['operational_mape'])}"
    )
    reasons: dict[str, int] = {}
    for c in checks:
        if not c.scored:
            reasons[c.note] = reasons.get(c.note, 0) + 1
    parts: list[RenderableType] = [
        Text("Energy of trainings, given their device-hours", style="bold"),
        table,
        Text(merit),
    ]
    parts += [Text(f"  not scored: {n} rows, {why}") for why, n in sorted(reasons.items(), key=lambda kv: -kv[1])]
    return Group(*parts)


def hours_page(checks: Sequence[HoursCheck]) -> Group:
    """Return device-hours estimated before the fact beside those reported."""
    table = _table("run", "devices", "reported", "ours", "error")
    for c in checks:
        devices = f"{c.n_devices:,}" + (" (assumed)" if c.assumed else "")
        error = _percent(c.error, sign=True)
        table.add_row(c.name.partition(" (")[0], devices, count(c.reported), count(c.ours), error)
    title = Text("Device-hours before the fact: model, tokens and device count; best setting found", style="bold")
    if not checks:
        return Group(title, Text("  no run names a model of the catalogue with tokens and device-hours"))
    mean = sum(abs(c.error) for c in checks) / len(checks)
    return Group(title, table, Text(f"{len(checks)} runs: mean absolute error {_percent(mean)}"))


def _accounts(accounts: Sequence[AccountCheck]) -> Iterator[RenderableType]:
    table = _table("tCO2e", "reported", "repeated", "off by", "ours", "between")
    for a in accounts:
        own = a.account
        for name, datum, repeated, ours, span in (
            (
                "operational",
                own.reported_operational,
                a.repeated_operational,
                a.physical_operational,
                a.operational_interval,
            ),
            ("embodied", own.reported_embodied, a.repeated_embodied, a.physical_embodied, a.embodied_interval),
        ):
            off = _percent(repeated / datum.value - 1.0, sign=True)
            between = f"{plain(span[0])} to {plain(span[1])}"
            table.add_row(f"{own.title}: {name}", plain(datum.value), f"{repeated:.2f}", off, plain(ours), between)
        low, high = a.formula_tco2e
        table.add_row("  papers' embodied formula", "", "", "", f"{plain(low)} to {plain(high)}", "")
    yield Text("Published accounts: repeated under their own conventions, and our own estimate", style="bold")
    yield table
    for a in accounts:
        yield Text(f"  {a.account.title}: {a.account.remark}", style="italic")


def accounts_page(
    accounts: Sequence[AccountCheck], rows: Sequence[TableRow], embodied: Sequence[EmbodiedCheck]
) -> Group:
    """Return accounts, LLMCarbon's table and embodied carbon by route."""
    parts = [*_accounts(accounts), Text("")]
    table = _table("LLMCarbon, tCO2e", "reported", "its method", "off by", "ours", "off by")
    for r in rows:
        table.add_row(
            r.title, plain(r.reported), f"{r.repeated:.4g}", _percent(r.repeated / r.reported - 1.0, sign=True),
            plain(r.ours), _percent(r.ours / r.reported - 1.0, sign=True),
        )  # fmt: skip
    parts += [table, Text("  its inputs, all of the very run it predicts:", style="italic")]
    parts += [Text(f"    {r.title}: {r.inputs}", style="italic") for r in rows]
    parts += [
        Text("  ours: device count, days, PUE and intensity; watts from the power model", style="italic"),
        Text(""),
    ]
    table = _table("embodied, kg a device", "primary", "bottom-up", "low", "high", "inside", "source")
    for e in embodied:
        low, central, high = e.bottom_up
        table.add_row(
            e.device, plain(e.primary), plain(central), plain(low), plain(high), "yes" if e.inside else "no", e.source
        )
    parts += [table, Text("  bottom-up is higher: the papers' 1.9 kg/GB of HBM, where NVIDIA's footprint allows 0.86",
                          style="italic")]  # fmt: skip
    return Group(*parts)


def power_page(scores: Sequence[PowerScore], caps: PowerScore, nodes: tuple[float, float, int]) -> Group:
    """Return the power model's scores by device."""
    table = _table("device", "rows", "curves", "exponent", "R2", "error", "R2 left out", "error left out")
    for s in scores:
        table.add_row(
            s.device, str(s.n_rows), str(s.n_workloads), "-" if s.exponent != s.exponent else f"{s.exponent:.2f}",
            f"{s.r2:.3f}", _percent(s.mape), f"{s.r2_left_out:.3f}", _percent(s.mape_left_out),
        )  # fmt: skip
    measured, ours, n = nodes
    return Group(
        Text("Power against speed: one busy power a workload, one exponent a device", style="bold"),
        table,
        Text(f"  power limits, {caps.n_rows} V100 trainings: power R2 {caps.r2:.3f}, error {_percent(caps.mape)}; "
             f"speed R2 {caps.r2_left_out:.3f}, error {_percent(caps.mape_left_out)}"),
        Text(f"  8 x H100 node training GPT-3 ({n} rows): measured {measured:,.0f} W, ours {ours:,.0f} W"),
    )  # fmt: skip


def power_data(scores: Sequence[PowerScore], caps: PowerScore, nodes: tuple[float, float, int]) -> dict[str, Any]:
    """Return the scores as plain data."""
    return {
        "curves": [asdict(s) for s in scores],
        "limits": asdict(caps),
        "node_h100": {"measured_w": nodes[0], "ours_w": nodes[1], "n_rows": nodes[2]},
    }

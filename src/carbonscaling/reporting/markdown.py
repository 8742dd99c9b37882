"""An answer as Markdown, for a report or a pull request."""

from __future__ import annotations

from collections.abc import Mapping

from carbonscaling.reporting.answer import conventions, practised, setting_lines
from carbonscaling.reporting.bars import NEGLIGIBLE, label
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.infeasible import Infeasible
from carbonscaling.study.remedies import REASONS
from carbonscaling.units import KWH
from carbonscaling.words import data, duration, percent, plain

__all__ = ["markdown"]


def _table(first: str, second: str, rows: Mapping[str, str]) -> str:
    body = "".join(f"| {name} | {value} |\n" for name, value in rows.items())
    return f"| {first} | {second} |\n|---|--:|\n{body}"


def _list(title: str, lines: list[str]) -> list[str]:
    return [f"## {title}\n", "".join(f"- {line}\n" for line in lines)] if lines else []


def _feasible(e: Estimate) -> str:
    step = {label(k): duration(float(v)) for k, v in e.step._asdict().items() if v > NEGLIGIBLE * e.step.total}
    need = {label(k): data(float(v)) for k, v in e.memory._asdict().items() if v}
    parts = e.footprint.parts._asdict()
    energy = {label(k): plain(float(v) / KWH) for k, v in parts.items() if k.endswith("_energy_j") and v}
    carbon = {label(k): plain(float(v)) for k, v in parts.items() if k.endswith("_kg") and k != "total_kg" and v}
    carbon |= {label(x.name): plain(1000.0 * x.total_tco2e) for x in e.footprint.lines if x.share}
    blocks = [f"# {e.resolved.spec.name}\n", e.headline + "\n"]
    blocks += _list("Setting", setting_lines(e)) + _list("Reached and needed", practised(e))
    blocks += _list("Warnings", list(e.warnings))
    blocks += ["## Step time\n", _table("part", "time", step)]
    blocks += ["## Memory of the fullest device\n", _table("part", "bytes", need)]
    blocks += ["## Energy\n", _table("part", "kWh", energy)]
    blocks += ["## Carbon\n", _table("part", "kg CO2e", carbon)]
    blocks += _list("Assumed", list(e.resolved.notes)) + _list("Conventions", conventions(e))
    return "\n".join(blocks)


def markdown(answer: Estimate | Infeasible) -> str:
    """Return the answer as a Markdown page."""
    if isinstance(answer, Estimate):
        return _feasible(answer)
    search = answer.search
    counts = (
        {}
        if search is None
        else {
            REASONS.get(name, name): f"{n:,} ({percent(n / max(search.n_candidates, 1))})"
            for name, n in search.rejected.items()
        }
    )
    blocks = ["# Nothing feasible\n", f"{answer.reason}.\n"]
    blocks += [_table("refused because", "settings", counts)] if counts else []
    return "\n".join(blocks + _list("What would help", list(answer.remedies)))

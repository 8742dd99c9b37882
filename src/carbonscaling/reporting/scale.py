"""A curve of loss against carbon: rows, table, fitted power law."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from rich.console import Group
from rich.text import Text

from carbonscaling.reporting.blocks import bullets
from carbonscaling.reporting.tables import figures
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.scale import ScalePoint
from carbonscaling.words import count, energy, mass, plain

__all__ = ["power_law", "scale_page", "scale_rows"]

ANSWER_COLUMNS = (
    "n_devices", "duration_days", "mfu", "device_hours", "energy_kwh", "carbon_total_tco2e", "carbon_low_tco2e",
    "carbon_high_tco2e", "carbon_operational_tco2e", "carbon_embodied_tco2e", "cost_usd", "tp", "pp", "dp", "ep", "cp",
    "zero_stage", "micro_batch", "global_batch_seqs", "seq_len",
)  # fmt: skip


def scale_rows(points: Sequence[ScalePoint]) -> list[dict[str, Any]]:
    """Return one flat row a size; what an infeasible size has no answer for is None, and `reason` says why."""
    rows = []
    for p in points:
        e = p.answer if isinstance(p.answer, Estimate) else None
        found = e.summary() if e else {}
        row: dict[str, Any] = {
            "size": p.size, "n_params": p.n_params, "n_tokens": p.n_tokens, "compute": p.compute, "loss": p.loss,
            "feasible": e is not None,
        }  # fmt: skip
        row |= {name: found.get(name) for name in ANSWER_COLUMNS}
        rows.append({**row, "reason": "" if isinstance(p.answer, Estimate) else p.answer.reason})
    return rows


def power_law(x: Sequence[float], y: Sequence[float]) -> tuple[float, float] | None:
    """Fit y = k·x^alpha by least squares on the logarithms; None with fewer than two points.

    >>> k, alpha = power_law([1.0, 10.0, 100.0], [3.0, 0.3, 0.03])
    >>> round(k, 6), round(alpha, 6)
    (3.0, -1.0)
    """
    if len(set(x)) < 2:
        return None
    alpha, log_k = np.polyfit(np.log(np.asarray(x, dtype=float)), np.log(np.asarray(y, dtype=float)), 1)
    return float(np.exp(log_k)), float(alpha)


def scale_page(points: Sequence[ScalePoint], law: str, device: str) -> Group:
    """Return the table of a curve, with the fit under it and the reasons of what is infeasible."""
    table = figures(("parameters", "tokens", "loss", "devices", "days", "MFU", "energy", "carbon"), words=0)
    failed: list[str] = []
    for p in points:
        e = p.answer
        sizes = (count(p.n_params), count(p.n_tokens), f"{p.loss:.4g}")
        if not isinstance(e, Estimate):
            table.add_row(*sizes, "-", "-", "-", "-", "infeasible")
            failed.append(f"{count(p.n_params)} parameters: {e.reason}")
            continue
        days, carbon = e.duration_s / 86400.0, e.footprint.total_tco2e
        energy_words, carbon_words = energy(e.footprint.energy_kwh), mass(carbon)
        table.add_row(*sizes, f"{e.n_devices:,}", plain(days), f"{e.mfu:.0%}", energy_words, carbon_words)
    feasible = [p for p in points if isinstance(p.answer, Estimate)]
    x = [p.answer.footprint.total_tco2e for p in feasible if isinstance(p.answer, Estimate)]
    lines = []
    if (fit := power_law(x, [p.loss for p in feasible])) is not None:
        lines.append(f"loss = {fit[0]:.4g} x (tCO2e)^{fit[1]:.4f}, least squares on the logarithms")
    if (fit := power_law([p.compute for p in feasible], x)) is not None:
        lines.append(f"tCO2e = {fit[0]:.4g} x (training FLOPs)^{fit[1]:.4f}")
    parts: list[Any] = [Text(f"{law} on {device}", style="bold"), table]
    parts += [Text(""), *(Text(line, style="italic") for line in lines)] if lines else []
    parts += [Text(""), *bullets("Infeasible", failed)]
    return Group(*parts[:-1])

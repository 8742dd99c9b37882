"""The validation page: how right predictions of speed are, on rows whose source the fit never saw."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from carbonscaling.calibration.profile import Calibration, shipped_calibration
from carbonscaling.catalog import hardware
from carbonscaling.evidence.left_out import LeftOut
from carbonscaling.reporting.tables import coefficient, error, figures
from carbonscaling.validate.score import COUNTED, Score, by_group, score, source_medians
from carbonscaling.validate.speed.beside import Beside
from carbonscaling.words import percent

__all__ = ["beside_page", "fitted_page", "left_out_data", "left_out_page", "replay_data", "replay_page"]

_SIZES = ((1.0, "below 1B"), (10.0, "1B to 10B"), (100.0, "10B to 100B"), (float("inf"), "above 100B"))


def _size(params_b: float) -> str:
    return "not stated" if params_b <= 0 else next(name for limit, name in _SIZES if params_b < limit)


def _arrays(rows: Sequence[LeftOut]) -> tuple[Any, Any, Any, Any]:
    return tuple(np.array([getattr(r, k) for r in rows]) for k in ("predicted", "measured", "low", "high"))  # type: ignore[return-value]


def _counted(rows: Sequence[LeftOut]) -> tuple[list[LeftOut], list[LeftOut]]:
    """Rows on GPUs and TPUs, and those on other accelerators; all of them where there are no others."""
    kinds = {device: hardware.device(device).kind for device in {r.device for r in rows}}
    counted = [r for r in rows if kinds[r.device] in COUNTED]
    return (counted, [r for r in rows if kinds[r.device] not in COUNTED]) if counted else (list(rows), [])


def _not_counted(others: Sequence[LeftOut]) -> str:
    """Say what the headline figures leave out."""
    if not others:
        return ""
    names = ", ".join(sorted({hardware.device(r.device).name for r in others}))
    return f"\n{len(others)} rows on devices that are neither GPU nor TPU ({names}) are listed by device alone."


def left_out_data(rows: Sequence[LeftOut]) -> dict[str, Any]:
    """Return all figures of left-out predictions as plain data; only rows on GPUs and TPUs count, but by device."""
    held, others = _counted([r for r in rows if r.fold == "source"])
    if not held:
        return {}
    arrays = _arrays(held)
    everything = held + others
    medians = source_medians([r.source for r in held], arrays[0], arrays[1])
    groups = {
        "source": [r.source for r in held],
        "stack": [r.stack for r in held],
        "precision": [r.precision for r in held],
        "kind": [r.kind or "benchmark" for r in held],
        "experts": [r.experts for r in held],
        "size": [_size(r.params_b) for r in held],
    }
    generations = sorted({r.fold for r in rows} - {"source"})
    return {
        "pooled": asdict(score(*arrays)),
        "n_sources": len(medians),
        "rows_not_counted": len(others),
        "median_of_source_medians": float(np.median(medians)),
        "sources_below_20_percent": float(np.mean(medians < 0.2)),
        "generations": {g: asdict(score(*_arrays([r for r in rows if r.fold == g]))) for g in generations},
        "by": {name: {k: asdict(v) for k, v in by_group(g, *arrays).items()} for name, g in groups.items()}
        | {"device": {k: asdict(v) for k, v in by_group([r.device for r in everything], *_arrays(everything)).items()}},
    }


def _table(title: str, scores: dict[str, Score]) -> Table:
    table = figures(("", "rows", "median", "p90", "MAPE", "bias", "log-R²", "inside", "within"), title=title, width=36)
    for name, s in scores.items():
        errors = error(s.median), error(s.p90), error(s.mape), error(s.bias, "+")
        within = "-" if math.isnan(s.half_width) else f"x{s.half_width:.2f}"
        table.add_row(name, str(s.n), *errors, coefficient(s.log_r2, 3), error(s.coverage), within)
    return table


def left_out_page(rows: Sequence[LeftOut], detail: bool = True) -> RenderableType:
    """Return the page of left-out predictions: pooled, by source, by generation, by everything else."""
    held, others = _counted([r for r in rows if r.fold == "source"])
    if not held:
        return Text("No left-out predictions: too few sources to leave one out.")
    arrays = _arrays(held)
    medians = source_medians([r.source for r in held], arrays[0], arrays[1])
    head = Text(
        f"Speed in tokens/s/device, {len(held):,} rows of {len(medians)} sources, each predicted by a fit that never saw its "
        f"source.\nMedian of the sources' median errors {error(float(np.median(medians)))}; "
        f"{np.mean(medians < 0.2):.0%} of sources below 20%.{_not_counted(others)}"
    )
    parts: list[RenderableType] = [head, Text(""), _table("pooled over rows", {"all": score(*arrays)})]
    generations = {
        f"{g}, whole generation left out": score(*_arrays([r for r in rows if r.fold == g]))
        for g in sorted({r.fold for r in rows} - {"source"})
    }
    if generations:
        parts += [Text(""), _table("by generation", generations)]
    if detail:
        for name in ("source", "device", "stack", "precision", "experts", "kind"):
            among = held + others if name == "device" else held
            groups = by_group([getattr(r, name) or "-" for r in among], *_arrays(among))
            parts += [Text(""), _table(f"by {name}", groups)]
        parts += [Text(""), _table("by size", by_group([_size(r.params_b) for r in held], *arrays))]
    return Group(*parts)


def fitted_page(calibration: Calibration, left: Sequence[LeftOut], n_rows: int, n_sources: int) -> RenderableType:
    """Return how right a fit is: by sources left out, or how much a few measurements may be trusted and narrow an interval."""
    if "trust" not in calibration.interval:
        return left_out_page(left, detail=False)
    known, shipped = calibration.interval, shipped_calibration().interval
    narrower = math.exp(known["fast_base"] - shipped["fast_base"])
    return Text(
        f"Measurements: {n_rows:,}, of {n_sources} source{'s' if n_sources > 1 else ''}: too few to leave one out. They "
        f"move the shipped fit, and settle {percent(known['trust'])} of what machines differ by. The 90 % interval of a speed "
        f"like theirs narrows by {percent(1.0 - narrower)}: what one machine's runs differ by stays, however well they are met."
    )


def replay_data(
    counts: dict[str, int], reasons: dict[str, int], aside: dict[str, int], scored: Score | None
) -> dict[str, Any]:
    """Return the summary of a replayed file as plain data."""
    return {"rows": counts, "unusable": reasons, "in_no_score": aside, "score": asdict(scored) if scored else None}


def replay_page(
    name: str, counts: dict[str, int], reasons: dict[str, int], aside: dict[str, int], scored: Score | None
) -> RenderableType:
    """Return the summary of a replayed file: rows by status, why some were unusable or not scored, and the score."""
    total = sum(counts.values())
    parts: list[RenderableType] = [
        Text(f"{name}: {total:,} rows, " + ", ".join(f"{n:,} {k}" for k, n in counts.items()))
    ]
    parts += [Text(f"  - {n:,} x {reason}") for reason, n in sorted(reasons.items(), key=lambda kv: -kv[1])[:10]]
    if aside:
        said = ", ".join(f"{n:,} x {mode}" for mode, n in aside.items())
        parts.append(Text(f"  in no score: {said} (--where mode={next(iter(aside))} scores such rows)"))
    if scored is not None:
        parts += [Text(""), _table("predicted against measured", {"rows with a measured speed": scored})]
    return Group(*parts)


def beside_page(found: Sequence[Beside], scored: Score | None) -> RenderableType:
    """Return measured and predicted speeds row by row, with their intervals, and how right they are together."""
    if scored is None:
        return Text("No row that meets the conditions has a measured speed.")
    table = Table(box=None, pad_edge=False)
    table.add_column("run", min_width=24)
    for name in ("measured", "predicted", "error", "90 %", "inside"):
        table.add_column(name, justify="right", no_wrap=True)
    for b in found:
        run = f"{b.id}: {b.model}, {b.seq_len:,} tokens, {b.n_devices:,} x {b.device}, {b.precision}, {b.layout}"
        speeds = f"{b.measured:,.0f}", f"{b.predicted:,.0f}", f"{b.predicted / b.measured - 1:+.0%}"
        inside = "yes" if b.low <= b.measured <= b.high else "no"
        table.add_row(run, *speeds, f"{b.low:,.0f} to {b.high:,.0f}", inside)
    title = "tokens/s and device, predicted against measured"
    return Group(table, Text(""), _table(title, {"these rows": scored}))

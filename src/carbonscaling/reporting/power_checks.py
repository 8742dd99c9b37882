"""Page of the power model by work in ``validate --carbon-runs``."""

from __future__ import annotations

from rich.console import Group
from rich.text import Text

from carbonscaling.reporting.tables import figures
from carbonscaling.validate.parts.power_fit import WorkFit
from carbonscaling.validate.score import Score

__all__ = ["work_page"]

KINDS = {"train": "training", "decode": "decoding", "generate": "image and video generation"}


def _cell(merit: Score) -> str:
    return f"{merit.r2:.3f} {100 * merit.mape:.0f}%"


def work_page(fit: WorkFit) -> Group:
    """Return R2 and mean absolute error of the model by work, fitted and held out, and its constants."""
    table = figures(("device", "rows", "workloads", "fitted", "workload out", "device out"))
    lines = []
    for s in fit.scores:
        cells = (_cell(s.fitted), _cell(s.left_out), _cell(s.device_left_out))
        table.add_row(s.device, str(s.fitted.n), str(s.n_workloads), *cells)
        parts = ", ".join(f"{KINDS[kind]} {_cell(merit)} ({merit.n} rows)" for kind, merit in s.kinds.items())
        busy = f"busy {s.busy_w:.0f} W; " if s.busy_w == s.busy_w else ""
        lines.append(f"  {s.device}: {busy}workload out: {parts}")
    return Group(
        Text("Power from work done: R2 and error, fitted and held out", style="bold"),
        table,
        *(Text(line) for line in lines),
        Text(f"  one fit for all: idle to busy by 1 - exp(-({fit.flop_weight:.1f} x share of peak FLOP/s + "
             f"{fit.memory_weight:.1f} x share of bandwidth)), less {1e6 * fit.stall_s:.0f} us of idling a layer"),
        Text("  workload out: each predicted by a fit without it, on any device; device out: busy power as shipped, weights "
             "from the other devices. FLOPs and bytes follow from the published architecture and the row's throughput",
             style="italic"),
    )  # fmt: skip

"""Figures that pages show and no checkout holds: drawn where they are missing when the site is built."""

from __future__ import annotations

from pathlib import Path

from sphinx.application import Sphinx

from carbonscaling.evidence.left_out import shipped_left_out
from carbonscaling.reporting.validation_plot import PlotRow, scatter

__all__ = ["draw_figures"]


def draw_figures(app: Sphinx) -> None:
    """Draw the shipped left-out predictions, as ``carbonscaling validate --page docs`` does."""
    file = Path(app.srcdir) / "validation.png"
    if not file.exists():
        held = [r for r in shipped_left_out() if r.fold == "source"]
        scatter([PlotRow(r.device, r.measured, r.predicted, r.low, r.high) for r in held], file,
                "Each row predicted without its source")  # fmt: skip

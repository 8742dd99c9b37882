"""The scatter plot of predicted against measured speed."""

from __future__ import annotations

from pathlib import Path

import pytest

from carbonscaling.errors import InputError
from carbonscaling.reporting.validation_plot import COLOURS, PlotRow, scatter

ROWS = [PlotRow(f"device {i % 11}", 100.0 + i, 110.0 + i, 90.0 + i, 130.0 + i) for i in range(60)]


def test_both_files_are_written_and_the_same_twice(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    one = scatter(ROWS, tmp_path / "a.png", "title")
    other = scatter(ROWS, tmp_path / "b")
    assert [p.suffix for p in one] == [".svg", ".png"]
    assert all(p.stat().st_size > 5000 for p in (*one, *other))
    again = scatter(ROWS, tmp_path / "c", "title")
    assert one[0].read_bytes() == again[0].read_bytes()
    assert "tokens/s per device" in one[0].read_text() or "<path" in one[0].read_text()


def test_rows_without_a_measurement_are_left_out(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    with pytest.raises(InputError, match="nothing to draw"):
        scatter([PlotRow("x", 0.0, 1.0, 1.0, 1.0)], tmp_path / "a")
    with pytest.raises(InputError, match="cannot be written"):
        scatter(ROWS, tmp_path / "missing" / "a")


def test_colours_differ() -> None:
    assert len(set(COLOURS)) == len(COLOURS)

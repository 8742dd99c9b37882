"""A total and its parts as a table with horizontal bars, as wide as the page allows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field

from carbonscaling.record import dataclass
from carbonscaling.reporting.blocks import BLOCK, Block, Line, wrapped
from carbonscaling.words import percent, plain, scaled

__all__ = ["Bars", "label"]

LABELS = {
    "matmul": "matrix multiplication",
    "head": "output head and embedding",
    "elementwise": "element-wise work",
    "recompute": "recomputation",
    "tp_comm": "tensor-parallel traffic",
    "cp_comm": "context-parallel traffic",
    "ep_comm": "expert traffic",
    "pp_comm": "pipeline traffic",
    "dp_comm": "data-parallel traffic",
    "stage_imbalance": "uneven pipeline stages",
    "bubble": "pipeline bubble",
    "optimizer": "optimizer",
    "host": "host work",
    "ffn": "dense feed-forward",
    "qkv": "query, key, value projections",
    "scores": "attention scores",
    "out": "attention output",
    "mtp": "multi-token prediction",
    "straggler": "stragglers",
    "framework": "contexts and workspaces",
    "device_energy_j": "devices",
    "host_energy_j": "hosts",
    "network_energy_j": "network",
    "overhead_energy_j": "cooling and power delivery",
    "operational_kg": "operation (electricity)",
    "embodied_device_kg": "devices, embodied",
    "embodied_host_kg": "hosts, embodied",
    "embodied_other_kg": "building, transport, disposal",
    "embodied_network_kg": "network, embodied",
    "development": "development",
    "failed_runs": "failed runs",
    "idle_reservation": "devices reserved and idle",
}
"""Parts by what a reader calls them; any other part keeps its own name."""

Units = tuple[tuple[float, str], ...]
SMALLEST_BAR = 8
WIDEST_BAR = 40
SHARE_WIDTH = 5
NEGLIGIBLE = 1e-5
"""Share of the whole up to which a part is not shown."""


def label(name: str) -> str:
    """Return what a reader calls a part."""
    return LABELS.get(name, name.replace("_", " "))


@dataclass(frozen=True)
class Bars(Block):
    """Parts that add up, drawn to scale; parts that round to nothing are left out.

    Attributes
    ----------
    title : str
    parts : Mapping[str, float]
        In `unit`.
    unit : str
    units : sequence of (float, str), optional
        Units to choose from for every row, largest first, each with its size in `unit`.
    whole : float, optional
        What the shares refer to; the sum of the parts if not given.
    total : float, optional
        A line under the parts; none if not given.
    label_width : int
        Columns of the names.
    """

    title: str
    parts: Mapping[str, float]
    unit: str
    whole: float | None = None
    total: str | None = None
    units: Units = ()
    label_width: int = field(default=32)

    def lines(self, width: int, block: str = BLOCK) -> Iterator[Line]:
        """Yield the title, a line a part, and the total."""
        whole = sum(self.parts.values()) if self.whole is None else self.whole
        most = max(self.parts.values(), default=0.0)
        room = width - self.label_width - 8 - max([len(self.unit), *(len(unit) for _, unit in self.units)]) - 5 - 6
        bar = max(SMALLEST_BAR, min(WIDEST_BAR, room))
        rows = []
        for name, value in self.parts.items():
            if value > NEGLIGIBLE * whole:
                length = round(bar * value / most) if most > 0 else 0
                share = percent(value / whole) if whole else ""
                number, unit = scaled(value, self.units) if self.units else (value, self.unit)
                rows.append((f"  {label(name)}", plain(number), unit, share, block * length))
        for line in wrapped(self.title, width):
            yield ((line, "bold"),)
        n, m, k = (max((len(row[column]) for row in rows), default=0) for column in (1, 2, 3))
        beside = 4 + n + m + max(k, SHARE_WIDTH)
        names = min(self.label_width, max(width - beside - SMALLEST_BAR, SMALLEST_BAR))
        for what, amount, of, part, drawn in rows:
            shown = what if len(what) <= names else what[: names - 1] + "…"
            left = f"{shown:{names}} {amount:>{n}} {of:{m}} {part:>{max(k, SHARE_WIDTH)}} "
            yield ((left, ""), (drawn[: max(width - len(left), 0)], "cyan"))
        if self.total:
            yield ((f"  {self.total}", "italic"),)

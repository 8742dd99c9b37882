"""Columns of a study's results and their types. Units are in the names."""

from __future__ import annotations

from carbonscaling.study.sweep.axes import Block
from carbonscaling.study.sweep.kinds import extra_columns

__all__ = ["COLUMNS", "PLACE_COLUMNS", "column", "columns_of", "is_number", "kind_of"]

TEXT_COLUMNS = ("status", "kind", "reason", "rejected", "recompute", "schedule", "precision", "quantiles")
WHOLE_COLUMNS = (
    "case", "rank", "n_devices", "tp", "pp", "dp", "ep", "etp", "cp", "vpp", "zero_stage", "shard", "micro_batch",
    "n_micro", "global_batch_seqs", "recompute_percent", "n_candidates", "n_fit",
)  # fmt: skip
PLACE_COLUMNS = (
    "energy_kwh", "water_litres", "carbon_operational_tco2e", "carbon_operational_market_tco2e", "carbon_embodied_tco2e",
    "carbon_boundary_tco2e", "carbon_total_tco2e", "carbon_low_tco2e", "carbon_high_tco2e", "carbon_intensity", "cost_usd",
)  # fmt: skip
"""Those that follow from the place and the run; the others from the run alone."""
REAL_COLUMNS = (
    "duration_days", "device_hours", "n_params", "tokens_trained", "training_flops", "mfu", "tokens_per_s_per_device",
    "step_time_s", "memory_per_device_gb", *PLACE_COLUMNS, "loss",
)  # fmt: skip
COLUMNS: dict[str, type] = {
    **dict.fromkeys(WHOLE_COLUMNS[:1], int), **dict.fromkeys(TEXT_COLUMNS[:3], str), **dict.fromkeys(WHOLE_COLUMNS[1:], int),
    **dict.fromkeys(REAL_COLUMNS, float), **dict.fromkeys(TEXT_COLUMNS[3:], str),
}  # fmt: skip
"""Columns of a result and their types, beside ``x_…`` for every field that varies."""


def columns_of(answer: str) -> dict[str, type]:
    """Return the columns of a study's results by what it asks, and their types."""
    return COLUMNS | dict.fromkeys((name for name in extra_columns(answer) if name not in COLUMNS), float)


def column(key: str) -> str:
    """Return the column of a field that varies.

    >>> column("layout.tp")
    'x_layout_tp'
    """
    return "x_" + key.replace(".", "_")


def kind_of(block: Block, key: str) -> type:
    """Return the type of a column of values: numbers of both kinds are floats, other mixtures text."""
    kinds = {type(value) for value in block.columns[key]}
    return float if kinds == {int, float} else kinds.pop() if len(kinds) == 1 else str


def is_number(block: Block, key: str) -> bool:
    """Return whether every value is a number."""
    return kind_of(block, key) in (int, float)

"""One measured configuration as it stands in a CSV, read strictly: numbers are numbers, blanks are unknown."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

from carbonscaling.files import read_table
from carbonscaling.record import dataclass

__all__ = [
    "MEASURED",
    "REQUIRED",
    "Cells",
    "Row",
    "RunRow",
    "Unusable",
    "count",
    "measured",
    "number",
    "parse_row",
    "read_runs",
    "value",
]

MEASURED = ("tflops_per_device", "mfu", "tokens_per_s_per_device", "step_time_s", "device_hours", "days")
"""Columns that a prediction never reads; they are what it is held to."""

MOST = 1e18
"""No quantity of a training run comes near, in the units of the columns."""

WHOLE = ("n_devices", "tp", "pp", "dp", "cp", "ep", "vpp", "shard", "sample_len")
"""Columns that count devices or parts: a fraction of one is a mistake."""

REQUIRED = ("id", "model", "device")
"""Columns a file must have. Any other column of the schema may be missing, which means unknown."""


Row = Mapping[str, str]
"""Cells of a row as text by column."""


class Cells(dict[str, str]):
    """A row of a file; a column that the file lacks is blank."""

    def __missing__(self, _column: str) -> str:
        """Return a blank."""
        return ""


class Unusable(Exception):  # noqa: N818 - a verdict on a row, not an error of the program
    """A row that cannot be replayed, with the reason."""


@dataclass(frozen=True)
class RunRow:
    """Inputs of a row (schema of ``runs.csv``); None where the source does not say."""

    id: str
    source: str
    model: str
    device: str
    stack: str
    kind: str
    mode: str
    lora_on: str
    precision: str
    recompute: str
    ffn_type: str
    interconnect: str
    config_key: str
    attention_kernel: str
    pace: str
    cuda_graphs: str
    dispatcher: str
    expert_overlap: str
    software: str
    offload: str
    params_b: float | None
    active_params_b: float | None
    n_layers: float | None
    d_model: float | None
    d_ff: float | None
    n_heads: float | None
    n_kv_heads: float | None
    head_dim: float | None
    vocab: float | None
    n_experts: float | None
    top_k: float | None
    d_ff_expert: float | None
    n_shared_experts: float | None
    n_dense_layers: float | None
    tied_embeddings: float | None
    seq_len: float | None
    sample_len: float | None
    device_memory_gb: float | None
    n_devices: float | None
    tp: float | None
    pp: float | None
    dp: float | None
    cp: float | None
    ep: float | None
    vpp: float | None
    zero_stage: float | None
    shard: float | None
    micro_batch: float | None
    recompute_percent: float | None
    global_batch_seqs: float | None
    tokens_b: float | None

    @property
    def calendar(self) -> bool:
        """Whether the row is a whole training by its hours or days, whatever happened in them, and not by its steady speed."""
        return self.kind == "full_run" and self.pace.lower() != "steady"


_IS_TEXT = {name: kind == "str" for name, kind in RunRow.__annotations__.items()}


def number(column: str, text: str) -> float | None:
    """Return the number in a cell, None where it is blank.

    Raises
    ------
    Unusable
        It holds text, a negative number or one beyond `MOST`; or a fraction where the column counts.
    """
    text = text.strip()
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        raise Unusable(f"{column} is not a number: {text[:40]!r}") from None
    if not 0 <= value <= MOST:
        raise Unusable(f"{column} is out of range: {text[:40]!r}")
    if column in WHOLE and value % 1:
        raise Unusable(f"{column} is not a whole number: {text[:40]!r}")
    return value


def value(row: Row, column: str) -> float:
    """Return the number in a cell that must hold one.

    Raises
    ------
    Unusable
        It is blank, or as `number`.
    """
    found = number(column, row[column])
    if found is None:
        raise Unusable(f"no {column}")
    return found


def measured(row: Mapping[str, str | None], column: str) -> float | None:
    """Return a measured column (one of `MEASURED`) of a row; None where it is blank or no positive number."""
    try:
        value = float(row.get(column) or "nan")
    except ValueError:
        return None
    return value if math.isfinite(value) and value > 0 else None


def count(value: float | None) -> int:
    """Return a whole number, 0 for an unknown one."""
    return int(value) if value else 0


def parse_row(row: Mapping[str, str | None]) -> RunRow:
    """Read the inputs of one row; the measured columns are not looked at.

    Raises
    ------
    Unusable
        A number column holds text, a negative number or one beyond `MOST`; or a degree is no whole number.
    """
    values = {
        name: (row.get(name) or "").strip() if is_text else number(name, row.get(name) or "")
        for name, is_text in _IS_TEXT.items()
    }
    return RunRow(**values)  # type: ignore[arg-type]


def read_runs(path: Path) -> list[dict[str, str]]:
    """Read a CSV with the schema of ``runs.csv``; models and stacks of files are looked for beside it first.

    Raises
    ------
    InputError
        No such file, not UTF-8, no header, or a required column is missing.
    """
    rows = read_table(path, REQUIRED, [*(f.name for f in fields(RunRow)), *MEASURED])
    for row in rows:
        for key in ("model", "stack"):
            named = row.get(key) or ""
            if named.endswith((".toml", ".json")) and (beside := path.parent / named).is_file():
                row[key] = str(beside)
    return rows

"""One measured serving of a model as it stands in a CSV: blanks are unknown."""

from __future__ import annotations

from dataclasses import fields
from functools import cached_property
from pathlib import Path

from carbonscaling.evidence.row import Cells, Row, number
from carbonscaling.files import read_table
from carbonscaling.record import dataclass

__all__ = ["REQUIRED", "ServingRow", "parse_serving", "read_servings"]

REQUIRED = ("id", "model", "device")
"""Columns a file must have. Any other column of the schema may be missing, which means unknown."""


@dataclass(frozen=True)
class ServingRow:
    """Inputs of a row and what it measured (schema of ``inference.csv``); None where the source does not say."""

    id: str
    source: str
    model: str
    arch: str
    kind: str
    kv_type: str
    device: str
    weights: str
    kv_cache: str
    framework: str
    mode: str
    concurrency_basis: str
    tokens_basis: str
    watts_scope: str
    params_b: float | None
    active_params_b: float | None
    n_layers: float | None
    d_model: float | None
    d_ff: float | None
    n_heads: float | None
    n_kv_heads: float | None
    head_dim: float | None
    vocab_size: float | None
    n_experts: float | None
    top_k: float | None
    d_ff_expert: float | None
    n_shared_experts: float | None
    n_dense_layers: float | None
    n_full_attn_layers: float | None
    window: float | None
    n_devices: float | None
    tp: float | None
    pp: float | None
    ep: float | None
    dp: float | None
    input_tokens: float | None
    output_tokens: float | None
    concurrency: float | None
    out_tok_s_total: float | None
    out_tok_s_per_device: float | None
    watts_per_device: float | None
    j_per_out_token: float | None

    @cached_property
    def speed(self) -> float | None:
        """Output tokens a second and device."""
        if self.out_tok_s_per_device:
            return self.out_tok_s_per_device
        return self.out_tok_s_total / self.n_devices if self.out_tok_s_total and self.n_devices else None


_TEXT = {f.name: f.type == "str" for f in fields(ServingRow)}


def parse_serving(row: Row) -> ServingRow:
    """Return a row of a table.

    Raises
    ------
    Unusable
        A cell that should hold a number holds something else.
    """
    return ServingRow(
        **{n: row[n].strip() if text else number(n, row[n]) for n, text in _TEXT.items()}  # type: ignore[arg-type]
    )


def read_servings(path: Path) -> list[Cells]:
    """Return the rows of a file.

    Raises
    ------
    InputError
        The file cannot be read, is empty, or lacks a column that it must have.
    """
    return [Cells(row) for row in read_table(path, REQUIRED)]

"""The best utilisation that anybody published for a device and a model of this size, beside an answer's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

from carbonscaling.catalog import hardware
from carbonscaling.errors import InputError
from carbonscaling.evidence import rows
from carbonscaling.evidence.row import count, measured, parse_row

__all__ = ["BestRun", "best_run"]

ALIKE = 2.0
"""Models within this factor of active parameters are of one size."""
EIGHT_BITS = ("fp8", "mxfp8", "int8")
FOUR_BITS = ("nvfp4", "mxfp4")


@dataclass(frozen=True)
class BestRun:
    """The fastest published training configuration of a device and size.

    Attributes
    ----------
    id, source, model : str
        Row of the shipped measurements (``carbonscaling data show runs``), and what it says.
    n_devices : int
    active_params : float
    model_flops : float
        Model FLOP/s of a device, attention counted over the causal half.
    n_alike : int
        Configurations of this device, size and number format that were compared.
    """

    id: str
    source: str
    model: str
    n_devices: int
    active_params: float
    model_flops: float
    n_alike: int = 1


def _read(text: Mapping[str, str]) -> BestRun | None:
    """Return what a row says, counted as an answer counts; None where it lacks something or is marked as doubtful."""
    row, speed = parse_row(text), measured(text, "tokens_per_s_per_device")
    layers, width = row.n_layers or 0.0, row.d_model or 0.0
    params = 1e9 * (row.active_params_b or row.params_b or 0.0)
    if not params and not row.n_experts:  # 4 d² of attention and 8 d² of feed-forward a layer, and the embedding
        params = 12.0 * layers * width**2 + (row.vocab or 0.0) * width
    doubtful = row.mode != "pretrain" or text["quality"] or row.precision.startswith(FOUR_BITS)
    if doubtful or not (speed and params and layers and width):
        return None
    inside = (row.n_heads or 0.0) * (row.head_dim or 0.0) or width
    flops = 6.0 * params + 6.0 * layers * inside * (row.seq_len or 0.0)
    return BestRun(row.id, row.source, row.model, count(row.n_devices), params, speed * flops)


@cache
def _runs() -> Mapping[tuple[str, bool], tuple[BestRun, ...]]:
    """Return published configurations by device and by whether matrices are multiplied in 8 bits."""
    found: dict[tuple[str, bool], list[BestRun]] = {}
    for row in rows("runs"):
        run = _read(row)
        device = _device(row["device"])
        if run is not None and device:
            found.setdefault((device, row["precision"].startswith(EIGHT_BITS)), []).append(run)
    return {key: tuple(runs) for key, runs in found.items()}


@cache
def _device(name: str) -> str:
    try:
        return hardware.device(name).id
    except InputError:
        return ""


def best_run(device: str, active_params: float, *, low_bits: bool = False) -> BestRun | None:
    """Return the best published configuration of a device and a size; None where nobody published one.

    Parameters
    ----------
    device : str
        Catalogue id.
    active_params : float
        Parameters that a token passes; models within a factor of two count.
    low_bits : bool
        Matrices multiplied in 8 bits rather than in 16.
    """
    alike = [
        run
        for run in _runs().get((device, low_bits), ())
        if active_params / ALIKE <= run.active_params <= active_params * ALIKE
    ]
    if not alike:
        return None
    return replace(max(alike, key=lambda run: run.model_flops), n_alike=len(alike))

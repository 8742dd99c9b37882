"""Published speeds as model FLOP/s of a device, one line a run: what `runs.csv` says, counted as an answer counts.

``python -m carbonscaling.evidence.published`` writes the table anew from the rows; a test holds the two equal.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields
from functools import cache, lru_cache

from carbonscaling.errors import InputError
from carbonscaling.evidence import path, rows
from carbonscaling.record import dataclass

__all__ = ["PublishedSpeed", "is_published", "published_speeds", "read_speeds"]

EIGHT_BITS = ("fp8", "mxfp8", "int8")
FOUR_BITS = ("nvfp4", "mxfp4")


@dataclass(frozen=True)
class PublishedSpeed:
    """One published training configuration with its speed.

    Attributes
    ----------
    id, source, model : str
        Row of the shipped measurements (``carbonscaling data show runs``), and what it says.
    device : str
        Catalogue id.
    low_bits, experts : bool
        Whether matrices are multiplied in 8 bits, and whether the model is a mixture of experts.
    n_devices : int
    active_params : float
        Parameters that a token passes.
    model_flops : float
        Model FLOP/s of a device, attention counted over the causal half.
    """

    id: str
    source: str
    model: str
    device: str
    low_bits: bool
    experts: bool
    n_devices: int
    active_params: float
    model_flops: float


def _counted(text: Mapping[str, str]) -> PublishedSpeed | None:
    """Return what a row says; None where it lacks something or is marked as doubtful."""
    from carbonscaling.evidence.row import count, measured, parse_row

    row, speed = parse_row(text), measured(text, "tokens_per_s_per_device")
    layers, width = row.n_layers or 0.0, row.d_model or 0.0
    params = 1e9 * (row.active_params_b or row.params_b or 0.0)
    if not params and not row.n_experts:  # 4 d² of attention and 8 d² of feed-forward a layer, and the embedding
        params = 12.0 * layers * width**2 + (row.vocab or 0.0) * width
    doubtful = row.mode != "pretrain" or text["quality"] or row.precision.startswith(FOUR_BITS)
    device = _device(row.device)
    if doubtful or not (device and speed and params and layers and width):
        return None
    inside = (row.n_heads or 0.0) * (row.head_dim or 0.0) or width
    flops = 6.0 * params + 6.0 * layers * inside * (row.seq_len or 0.0)
    low_bits, experts = row.precision.startswith(EIGHT_BITS), bool(row.n_experts)
    return PublishedSpeed(
        row.id,
        row.source,
        row.model,
        device,
        low_bits,
        experts,
        count(row.n_devices),
        params,
        float(f"{speed * flops:.6g}"),
    )


@cache
def _device(name: str) -> str:
    from carbonscaling.catalog.hardware import device

    try:
        return device(name).id
    except InputError:
        return ""


def read_speeds() -> Iterator[PublishedSpeed]:
    """Yield the speed of every shipped row that states one, from the rows themselves."""
    return filter(None, map(_counted, rows("runs")))


@cache
def _lines() -> list[str]:
    return path("published").read_text(encoding="utf-8").splitlines()[1:]


def is_published(device: str) -> bool:
    """Whether the table has a run on a device, of any kind."""
    return any(f",{device}," in line for line in _lines())


@lru_cache(maxsize=256)
def published_speeds(device: str, *, low_bits: bool, experts: bool) -> tuple[PublishedSpeed, ...]:
    """Return the runs of the table on a device, in 8 bits or more, of mixtures of experts or of dense models."""
    named = f",{device},{low_bits:d},{experts:d},"
    rows = csv.reader(line for line in _lines() if named in line)
    return tuple(
        PublishedSpeed(id_, source, model, device, low_bits, experts, int(n), float(params), float(flops))
        for id_, source, model, of, low, kind, n, params, flops in rows
        if [of, low, kind] == [device, f"{low_bits:d}", f"{experts:d}"]
    )


if __name__ == "__main__":
    with path("published").open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(f.name for f in fields(PublishedSpeed))
        writer.writerows([int(v) if isinstance(v, bool) else v for v in asdict(s).values()] for s in read_speeds())

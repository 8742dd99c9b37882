"""Published scaling laws by name, with their coefficients' sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from functools import lru_cache
from typing import Any, Literal

from carbonscaling.catalog.read import packaged, shipped
from carbonscaling.errors import InputError
from carbonscaling.laws import (
    BatchLaw,
    BatchOverhead,
    ChinchillaLaw,
    CriticalBatch,
    KaplanLaw,
    MoeLaw,
    PaperFamily,
    ScalingLaw,
    TokensPerParam,
)
from carbonscaling.meaning import choice_meant
from carbonscaling.record import dataclass
from carbonscaling.sources import Datum

__all__ = [
    "LawRow",
    "batch_law",
    "batch_law_names",
    "batch_names",
    "batch_overhead",
    "critical_batch_law",
    "data",
    "law",
    "law_names",
    "law_row",
    "paper_family",
]


@dataclass(frozen=True)
class LawRow:
    """A law as it stands in the catalogue.

    Attributes
    ----------
    kind : str
        Which formula.
    title : str
    coefficients : Mapping[str, Datum]
    dense, moe : str
        Names of the laws that a composed one takes its loss from.
    """

    kind: Literal["chinchilla", "normalised", "tokens_per_param", "kaplan", "moe", "paper"]
    title: str
    coefficients: Mapping[str, Datum]
    dense: str = ""
    moe: str = ""

    def values(self) -> dict[str, float]:
        """Return the bare numbers by coefficient."""
        return {key: datum.si for key, datum in self.coefficients.items()}


@dataclass(frozen=True)
class BatchLawRow:
    """A law of the batch as it stands in the catalogue; see `carbonscaling.laws.BatchLaw`."""

    title: str
    definition: str
    of: Literal["tokens", "compute", "params", "loss"]
    coefficients: Mapping[str, Datum]


@dataclass(frozen=True)
class _Shipped:
    law: Mapping[str, LawRow]
    shape: Mapping[str, Datum]
    layers: Mapping[str, Datum]
    batch: Mapping[str, Mapping[str, Datum]] = field(default_factory=dict)
    batch_overhead: Mapping[str, Datum] = field(default_factory=dict)
    batch_law: Mapping[str, BatchLawRow] = field(default_factory=dict)


@lru_cache(maxsize=1)
def _shipped() -> _Shipped:
    return shipped(_Shipped, packaged("carbonscaling.catalog", "laws.toml"))


def _pick(what: str, key: str, name: str, known: Mapping[str, Any]) -> Any:
    if name not in known:
        raise InputError(
            f"unknown {what}",
            key=key,
            value=name,
            suggestion=choice_meant(key, name, known),
            allowed=", ".join(known),
            remedy="write one of these names",
        )
    return known[name]


def law_names() -> tuple[str, ...]:
    """Return the names that `law` accepts, in the catalogue's order."""
    return tuple(_shipped().law)


def batch_names() -> tuple[str, ...]:
    """Return the names that `critical_batch_law` accepts."""
    return tuple(_shipped().batch)


def law_row(name: str) -> LawRow:
    """Return a law's coefficients with their sources.

    Raises
    ------
    InputError
        No such law; names the nearest.
    """
    return _pick("scaling law", "law", name, _shipped().law)  # type: ignore[no-any-return]


def data() -> dict[str, Datum]:
    """Return every number of this part of the catalogue, by its path in the file."""
    shipped = _shipped()
    groups = {
        **{f"law.{name}": row.coefficients for name, row in shipped.law.items()},
        "shape": shipped.shape,
        "layers": shipped.layers,
        "batch_overhead": shipped.batch_overhead,
        **{f"batch_law.{name}": row.coefficients for name, row in shipped.batch_law.items()},
        **{f"batch.{name}": row for name, row in shipped.batch.items()},
    }
    return {f"{group}.{key}": datum for group, rows in groups.items() for key, datum in rows.items()}


def law(name: str) -> ScalingLaw:
    """Return a published law.

    Raises
    ------
    InputError
        No such law; names the nearest.

    >>> round(law("besiroglu_2024").optimum_for_compute(5.76e23).n_params / 1e9, 1)
    72.2
    """
    row = law_row(name)
    match row.kind:
        case "chinchilla":
            return ChinchillaLaw(**row.values())
        case "normalised":
            return _normalised(**row.values())
        case "tokens_per_param":
            return TokensPerParam(law(row.dense), **row.values())
        case "kaplan":
            return KaplanLaw(**row.values())
        case "moe":
            return MoeLaw(**row.values())
        case "paper":
            return _paper(row, "refit", "chinchilla", 2048)


def critical_batch_law(name: str = "chinchilla") -> CriticalBatch:
    """Return a critical-batch law: ``chinchilla`` (C^1/6) or ``aggressive`` (C^0.33).

    Raises
    ------
    InputError
        No such law.
    """
    row = _pick("critical-batch law", "batch", name, _shipped().batch)
    return CriticalBatch(**{key: datum.si for key, datum in row.items()})


def batch_law_names() -> tuple[str, ...]:
    """Return the names that `batch_law` accepts."""
    return tuple(_shipped().batch_law)


def batch_law(name: str) -> BatchLaw:
    """Return a published law of the batch.

    Raises
    ------
    InputError
        No such law; names the nearest.
    """
    row = _pick("batch law", "batch_law", name, _shipped().batch_law)
    return BatchLaw(row.title, row.definition, row.of, **{key: datum.si for key, datum in row.coefficients.items()})


@lru_cache(maxsize=1)
def batch_overhead() -> BatchOverhead:
    """Return what a batch costs in tokens at equal loss."""
    return BatchOverhead(**{key: datum.si for key, datum in _shipped().batch_overhead.items()})


def paper_family(
    version: str = "v2", *, layers: str = "refit", batch: str = "chinchilla", seq_len: int = 2048
) -> PaperFamily:
    """Return the model family of the CarbonScaling papers.

    Parameters
    ----------
    version : {"v1", "v2"}
        Decides the loss, and whether small members are dense.
    layers : {"refit", "printed"}
        Coefficient of the layer count: 0.1618, or the printed 0.402 that contradicts the papers' sizes (ruling R1).
    batch : {"chinchilla", "aggressive"}
        Critical-batch law.
    seq_len : int
        In tokens.

    Raises
    ------
    InputError
        An unknown name.
    """
    versions = {name.removeprefix("paper_"): row for name, row in _shipped().law.items() if row.kind == "paper"}
    return _paper(_pick("version of the paper family", "version", version, versions), layers, batch, seq_len)


def _normalised(irreducible: float, params_scale: float, alpha: float, tokens_scale: float, beta: float) -> ScalingLaw:
    """Return E + (N / N_0)^-alpha + (D / D_0)^-beta as a Chinchilla law."""
    return ChinchillaLaw(irreducible, params_scale**alpha, alpha, tokens_scale**beta, beta)


def _paper(row: LawRow, layers: str, batch: str, seq_len: int) -> PaperFamily:
    shipped = _shipped()
    return PaperFamily(
        dense_law=law(row.dense),
        moe_law=law(row.moe),
        layer_coefficient=_pick("layer coefficient", "layers", layers, shipped.layers).si,
        batch_law=critical_batch_law(batch),
        seq_len=seq_len,
        **{key: datum.si for key, datum in shipped.shape.items()},
        **row.values(),
    )

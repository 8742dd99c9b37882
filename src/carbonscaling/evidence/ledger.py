"""First looks: how right each version was on rows that it had never seen, before any rule changed. Rows are only ever added."""

from __future__ import annotations

from functools import lru_cache
from statistics import mean, median

from carbonscaling import evidence
from carbonscaling.record import dataclass

__all__ = ["FirstLook", "LedgerRow", "first_looks", "ledger", "ledger_of_servings", "ledger_of_trainings"]


@dataclass(frozen=True)
class LedgerRow:
    """One version on one source of a batch of evidence: speeds of trainings, servings, or whole trainings.

    Attributes
    ----------
    version, date, batch, source : str
        The version that predicted, the day, the batch of rows by the month it came, their publication or repository.
    n, n_skipped : int
        Rows with a measurement, and rows that the version could not predict.
    median, p90, bias, inside : float, optional
        Of predicted over measured: median and 90th percentile of the error, median signed error, share inside the 90 %
        interval. None where no row was predicted.
    constant_mfu, regression, llmcarbon : float, optional
        Median errors of other methods on the same rows.
    quantity : {"speed", "watts"}
        What was measured, where it is not the speed of a training or serving.
    span : float, optional
        Median factor from end to end of the intervals, of whole trainings.
    """

    version: str
    date: str
    batch: str
    source: str
    n: int
    n_skipped: int
    median: float | None = None
    p90: float | None = None
    bias: float | None = None
    inside: float | None = None
    constant_mfu: float | None = None
    regression: float | None = None
    llmcarbon: float | None = None
    quantity: str = "speed"
    span: float | None = None


_COUNTS = ("n", "n_skipped")
_TEXTS = ("version", "date", "batch", "source", "quantity")


@dataclass(frozen=True)
class FirstLook:
    """A version on a whole batch, every source counting once.

    Attributes
    ----------
    version, batch : str
    n, n_sources, n_skipped : int
    median : float
        Median of the sources' medians.
    below_20 : float
        Share of sources whose median error lies below 20 %.
    inside : float
        Mean over sources of the share inside the interval.
    constant_mfu, regression, llmcarbon : float
        Medians of the sources' medians of other methods.
    """

    version: str
    batch: str
    n: int
    n_sources: int
    n_skipped: int
    median: float
    below_20: float
    inside: float
    constant_mfu: float
    regression: float
    llmcarbon: float


@lru_cache(maxsize=1)
def ledger() -> tuple[LedgerRow, ...]:
    """Return every entry of trainings, oldest first."""
    return _entries("first_look")


@lru_cache(maxsize=1)
def ledger_of_servings() -> tuple[LedgerRow, ...]:
    """Return every entry of servings, output tokens a second and watts, oldest first; the first four's bias is not known."""
    return _entries("first_look_servings")


@lru_cache(maxsize=1)
def ledger_of_trainings() -> tuple[LedgerRow, ...]:
    """Return every entry of whole trainings before the fact, oldest first; their sources are what was reported of them."""
    return _entries("first_look_trainings")


def _entries(name: str) -> tuple[LedgerRow, ...]:
    def value(name: str, text: str) -> str | int | float | None:
        if name in _TEXTS:
            return text
        return int(text) if name in _COUNTS else float(text) if text else None

    return tuple(
        LedgerRow(**{name: value(name, text) for name, text in row.items()})  # type: ignore[arg-type]
        for row in evidence.rows(name)
    )


def first_looks() -> tuple[FirstLook, ...]:
    """Return each version's first look at each batch, summed up over sources."""
    found = []
    for version, batch in dict.fromkeys((row.version, row.batch) for row in ledger()):
        rows = [row for row in ledger() if (row.version, row.batch) == (version, batch)]
        scored = [row for row in rows if row.median is not None]
        medians = [row.median or 0.0 for row in scored]
        others = {
            name: median(getattr(row, name) for row in scored) for name in ("constant_mfu", "regression", "llmcarbon")
        }
        found.append(
            FirstLook(
                version,
                batch,
                sum(row.n for row in rows),
                len(scored),
                sum(row.n_skipped for row in rows),
                median(medians),
                mean(m < 0.2 for m in medians),
                mean(row.inside or 0.0 for row in scored),
                **others,
            )
        )
    return tuple(found)

"""Tables of results, column by column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from carbonscaling.platform import need
from carbonscaling.study.sweep.columns import PLACE_COLUMNS, column, columns_of, kind_of
from carbonscaling.study.sweep.studyfile import Study

__all__ = ["Frames"]


class Frames:
    """Makes tables of a study's rows; holds the values that vary as columns."""

    def __init__(self, study: Study) -> None:
        self._pl = pl = need("polars", "sweep")
        self._study = study
        types = {int: pl.Int64, float: pl.Float64, str: pl.String, bool: pl.Boolean}
        self._columns = columns_of(study.answer)
        self._types = {name: types[kind] for name, kind in self._columns.items()}
        self._varied = [
            {column(key): self._series(values, types[kind_of(block, key)]) for key, values in block.columns.items()}
            for block in study.blocks
        ]

    def _series(self, values: Sequence[Any], kind: Any) -> Any:
        if kind == self._pl.String:
            values = [None if v is None else str(v) for v in values]
        return self._pl.Series(values, dtype=kind, strict=False)

    def table(
        self,
        cases: NDArray[np.int64],
        rows: Sequence[Mapping[str, Any]],
        index: NDArray[np.int64],
        places: Mapping[str, NDArray[np.float64]],
        lost: Mapping[int, Mapping[str, Any]],
    ) -> Any:
        """Return a table in the order of the cases.

        Parameters
        ----------
        cases : array
            The case of each row.
        rows : sequence of mapping
            Distinct rows before the place counts.
        index : array
            Which one of them each row has.
        places : mapping
            A column of numbers by name; not-a-number where there is none.
        lost : mapping
            Rows of cases that have no other, by case.
        """
        pl = self._pl
        plain = [name for name in self._columns if name != "case" and name not in PLACE_COLUMNS]
        known = pl.DataFrame({name: self._series([r.get(name) for r in rows], self._types[name]) for name in plain})
        found = known[index].with_columns(
            pl.Series("case", cases), *(pl.Series(name, values, nan_to_null=True) for name, values in places.items())
        )
        if lost:
            alone = {name: self._series([r.get(name) for r in lost.values()], self._types[name]) for name in plain}
            found = pl.concat([found, pl.DataFrame(alone | {"case": list(lost)})], how="diagonal")
            found = found.sort("case", maintain_order=True)
        taken = self._study.rows(found["case"].to_numpy())
        varied = [
            values.gather(pl.Series(row)).alias(name)
            for row, block in zip(taken, self._varied, strict=True)
            for name, values in block.items()
        ]
        names = [name for name in self._columns if name != "case"]
        return found.select("case", *varied, *names)

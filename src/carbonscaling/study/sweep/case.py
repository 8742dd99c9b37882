"""Cases of a study: their scenarios, and what of their values changes the run, the place, or both."""

from __future__ import annotations

import math
from collections.abc import Mapping, Set
from functools import lru_cache
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from carbonscaling.errors import InputError
from carbonscaling.study.scenario import Layout, Scenario, scenario_from
from carbonscaling.study.sweep.kinds import Training
from carbonscaling.study.sweep.studyfile import PLACE_FIELDS, Study

__all__ = ["codes", "is_place", "n_searches", "place_keys", "refusal", "scenario_of", "scenario_of_case", "with_values"]

Ints = NDArray[np.int64]


@lru_cache(maxsize=256)
def _is_count(key: str) -> bool:
    outer, _, inner = key.partition(".")
    cls = Layout if outer == "layout" else Scenario
    field = cls.__dataclass_fields__.get(inner or outer)
    return field is not None and str(field.type).startswith("int")


def scenario_of(base: Mapping[str, Any], values: Mapping[str, Any]) -> Scenario:
    """Return the scenario with some values in place of the base's.

    Raises
    ------
    InputError
        The values contradict each other.
    """
    return scenario_from(with_values(base, values), "case")


def with_values(base: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return plain data of a scenario with some values in place of the base's; counts are whole."""
    data = dict(base)
    for key, value in values.items():
        outer, _, inner = key.partition(".")
        whole = isinstance(value, float) and value.is_integer()
        plain = int(value) if whole and _is_count(key) else value
        if inner:
            data[outer] = {**data.get(outer, {}), inner: plain}
        else:
            data[outer] = plain
    return data


def scenario_of_case(study: Study, case: int) -> Scenario:
    """Return the scenario of a case; raises as `scenario_of`."""
    return scenario_of(study.base, study.varied(case))


def is_place(key: str) -> bool:
    """Return whether a field belongs to the place.

    >>> is_place("boundary.evaluation"), is_place("layout.tp")
    (True, False)
    """
    return key.partition(".")[0] in PLACE_FIELDS


def place_keys(study: Study) -> frozenset[str]:
    """Return the fields that vary and change neither settings nor time; none where the place has a say in what is best."""
    if study.answer not in get_args(Training):
        return frozenset()
    objectives = {study.base.get("objective", "paper")}
    for block in study.blocks:
        objectives |= set(block.columns.get("objective", ()))
    limited = any(key.startswith("budget_") for key in (*study.base, *study.keys))
    if objectives - {"paper", "time"} or limited or study.keep.front or study.keep.quantiles:
        return frozenset()
    return frozenset(filter(is_place, study.keys))


def n_searches(study: Study) -> int:
    """Return how many runs differ in more than their place."""
    places = place_keys(study)
    return math.prod(len(block) for block in study.blocks if set(block.columns) - places)


def codes(study: Study, cases: Ints, keys: Set[str]) -> Ints:
    """Return numbers that are equal where cases have the same values of `keys`, whichever other cases are asked about."""
    found = np.zeros(len(cases), dtype=np.int64)
    for block, row_of in zip(study.blocks, study.rows(cases), strict=True):
        rows, columns = row_of, [column for key, column in block.columns.items() if key in keys]
        if not columns:
            continue
        if len(columns) < len(block.columns):
            first: dict[tuple[Any, ...], int] = {}
            each, place = np.unique(rows, return_inverse=True)
            alike = [first.setdefault(tuple(c[row] for c in columns), row) for row in each.tolist()]
            rows = np.array(alike, dtype=np.int64)[place]
        found = found * len(block) + rows
    return found


def refusal(study: Study, key: str, value: float) -> str | None:
    """Return why a value alone is refused; None where it is not."""
    try:
        scenario_of(study.base, {key: value})
    except InputError as error:
        return str(error)
    return None

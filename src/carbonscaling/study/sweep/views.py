"""Canned views of a study's results, each one SQL query."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from carbonscaling.errors import InputError, nearest
from carbonscaling.study.sweep.columns import column
from carbonscaling.study.sweep.query import Results, Selection
from carbonscaling.study.sweep.shares import explained

__all__ = [
    "MISSING",
    "VIEWS",
    "best",
    "failures",
    "front",
    "known_columns",
    "law",
    "measured",
    "quantiles",
    "sensitivity",
    "status",
    "view",
]

CARBON = "carbon_total_tco2e"
NUMBERS = ("BIGINT", "DOUBLE")
"""Their types, as DuckDB calls them."""
MISSING = "missing"
"""Status of cases that are not done."""
SHOWN = (
    "n_devices, duration_days, carbon_total_tco2e, carbon_embodied_tco2e, cost_usd, mfu, tp, pp, dp, ep, cp, precision"
)


def _inputs(r: Results) -> list[str]:
    return [column(key) for key in r.study.keys]


def known_columns(r: Results, names: Sequence[str]) -> list[str]:
    """Return the columns of inputs or results by name; `InputError` where there is none."""
    found = []
    for name in names:
        match = next((c for c in (column(name), name) if c in r.columns), None)
        if match is None:
            raise InputError(
                "no such column", value=name, suggestion=nearest(name, r.columns), allowed=", ".join(r.columns),
                remedy="name a column of the results",
            )  # fmt: skip
        found.append('"case"' if match == "case" else match)
    return found


def measured(r: Results, name: str) -> str:
    """Return the column of a measure, which is a number; `InputError` where there is none."""
    (column,) = known_columns(r, [name])
    numbers = [c for c, kind in r.types.items() if kind in NUMBERS and c != "case"]
    if column not in numbers:
        raise InputError(
            "not a number, so nothing can be compared by it", key="measure", value=name, allowed=", ".join(numbers),
            remedy="name a column of numbers",
        )  # fmt: skip
    return column


def best(r: Results, by: Sequence[str] = (), measure: str = CARBON) -> Selection:
    """Return the case with the least of `measure`, for each combination of `by`; without one, the first twenty."""
    what = measured(r, measure)
    groups = known_columns(r, by)
    inputs = [c for c in _inputs(r) if c not in groups]
    columns = ", ".join(dict.fromkeys([*groups, '"case"', *inputs, *SHOWN.split(", "), what]))
    if not groups:
        return r.sql(f'SELECT {columns} FROM best ORDER BY {what}, "case" LIMIT 20')
    keys = ", ".join(groups)
    winners = f'SELECT arg_min("case", {what}) FROM best GROUP BY {keys}'
    return r.sql(f'SELECT {columns} FROM best WHERE "case" IN ({winners}) ORDER BY {keys}')


def front(r: Results, by: Sequence[str] = (), measure: str = CARBON) -> Selection:
    """Return the cases that no other beats in both run time and `measure`, for each combination of `by`."""
    what = measured(r, measure)
    groups = known_columns(r, by)
    part = f"PARTITION BY {', '.join(groups)}" if groups else ""
    keys = ", ".join([*groups, "duration_days"])
    columns = ", ".join(dict.fromkeys([*groups, *_inputs(r), *SHOWN.split(", "), what]))
    return r.sql(
        f'WITH cheapest AS (SELECT {keys}, min({what}) AS least, arg_min("case", {what}) AS winner '
        f"FROM best GROUP BY {keys}), "
        f"ranked AS (SELECT *, min(least) OVER ({part} ORDER BY duration_days "
        "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) "
        'AS before FROM cheapest) SELECT b."case", '
        f'{", ".join("b." + c for c in columns.split(", "))} FROM best b JOIN ranked r ON b."case" = r.winner '
        f"WHERE r.before IS NULL OR r.least < r.before ORDER BY {', '.join('b.' + k for k in [*groups, 'duration_days'])}"
    )


def law(r: Results, by: Sequence[str] = (), measure: str = CARBON) -> Selection:
    """Return the power law measure = factor x FLOPs^exponent over training FLOPs, for each combination of `by`."""
    what = measured(r, measure)
    groups = known_columns(r, by)
    keys = "".join(f"{g}, " for g in groups)
    grouping = f"GROUP BY {', '.join(groups)} ORDER BY {', '.join(groups)}" if groups else ""
    of = f"(ln({what}), ln(training_flops))"
    fitted = {"exponent": f"regr_slope{of}", "factor": f"exp(regr_intercept{of})", "r2": f"regr_r2{of}"}
    told = ", ".join(
        f"CASE WHEN isfinite({x}) THEN {x} END AS {name}" for name, x in fitted.items()
    )  # one size has no slope
    return r.sql(f"SELECT {keys}{told}, count(*) AS n FROM best WHERE {what} > 0 {grouping}")


def quantiles(r: Results, by: Sequence[str] = (), measure: str = CARBON) -> Selection:
    """Return 5th, 25th, 50th, 75th and 95th percentile of `measure`, for each combination of `by`."""
    what = measured(r, measure)
    groups = known_columns(r, by)
    keys = "".join(g + ", " for g in groups)
    shares = (5, 25, 50, 75, 95)
    named = ", ".join(f"q[{i}] AS p{share:02d}" for i, share in enumerate(shares, start=1))
    grouping = f"GROUP BY {', '.join(groups)}" if groups else ""
    order = f"ORDER BY {', '.join(groups)}" if groups else ""
    return r.sql(  # one list of shares: the values are sorted once
        f"SELECT {keys}n, {named} FROM (SELECT {keys}count(*) AS n, quantile_cont({what}, {[s / 100 for s in shares]}) AS q "
        f"FROM best {grouping}) {order}"
    )


def sensitivity(r: Results, by: Sequence[str] = (), measure: str = CARBON) -> Selection:
    """Return, for every input (or those of `by`), the share of the variance of ln(`measure`) that it explains alone.

    See `explained`; `low` and `high` are the least and greatest (geometric) mean over the input's values.
    """
    what = measured(r, measure)
    keys = {column(key): key for key in r.study.keys}
    wanted = known_columns(r, by) or list(keys)
    for name in wanted:
        if name not in keys:
            raise InputError(
                "not an input of the study", key="by", value=name, allowed=", ".join(keys), remedy="name an input"
            )
    if not wanted:
        raise InputError("nothing varies in this study", key="view", remedy="give it an axis")
    rows = [f"('{column(e.key)}', {_sql(e.share)}, {_sql(e.low)}, {_sql(e.high)}, {e.n_values})"
            for e in explained(r, what, [keys[name] for name in wanted])]  # fmt: skip
    names = "input, share, low, high, n_values"
    return r.sql(f"SELECT * FROM (VALUES {', '.join(rows)}) AS t({names}) ORDER BY share DESC NULLS LAST")


def _sql(value: float) -> str:
    return f"{value!r}::DOUBLE" if math.isfinite(value) else "NULL::DOUBLE"


def status(r: Results, by: Sequence[str] = (), measure: str = CARBON) -> Selection:
    """Return how many cases ended how, for each combination of `by`; a last row counts and names those not done."""
    del measure
    groups = known_columns(r, by)
    keys = ", ".join([*groups, "status"])
    query = f"SELECT {keys}, count(*) AS n, NULL::VARCHAR AS which FROM cases WHERE kind = 'best' AND rank = 0 GROUP BY {keys}"
    if r.found.missing:
        nothing, n = "NULL, " * len(groups), r.study.n_cases - r.found.n_seen
        query += f" UNION ALL SELECT {nothing}'{MISSING}', {n}, '{r.found.missing}'"
    return r.sql(f"{query} ORDER BY which NULLS FIRST, {keys}")


def failures(r: Results, by: Sequence[str] = (), measure: str = CARBON) -> Selection:
    """Return the cases without an answer and why, at most a thousand."""
    del by, measure
    columns = ", ".join(['"case"', *_inputs(r), "status", "reason"])
    return r.sql(f"SELECT {columns} FROM cases WHERE status <> 'ok' ORDER BY status, \"case\" LIMIT 1000")


VIEWS: dict[str, Callable[..., Selection]] = {
    f.__name__: f for f in (best, front, law, sensitivity, quantiles, status, failures)
}


def view(r: Results, name: str, by: Sequence[str] = (), measure: str = CARBON) -> Selection:
    """Return the rows of a canned view.

    Raises
    ------
    InputError
        An unknown view or column.
    """
    if name not in VIEWS:
        raise InputError(
            "unknown view", key="view", value=name, suggestion=nearest(name, VIEWS), allowed=", ".join(VIEWS),
            remedy="choose one of these",
        )  # fmt: skip
    return VIEWS[name](r, by, measure)

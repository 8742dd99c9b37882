"""Canned views of a study's results, each one SQL query."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from carbonscaling.errors import InputError, nearest
from carbonscaling.study.sweep.columns import column
from carbonscaling.study.sweep.query import Results

__all__ = ["VIEWS", "best", "failures", "front", "known_columns", "law", "quantiles", "sensitivity", "status", "view"]

CARBON = "carbon_total_tco2e"
SHOWN = (
    "n_devices, duration_days, carbon_total_tco2e, carbon_embodied_tco2e, cost_usd, mfu, tp, pp, dp, ep, cp, precision"
)
BINS = 16
"""Groups into which the values of a sampled factor are put to tell its effect."""


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
        found.append(match)
    return found


def best(r: Results, by: Sequence[str] = (), measure: str = CARBON) -> Any:
    """Return the case with the least of `measure`, for each combination of `by`; without one, the first twenty."""
    (what,) = known_columns(r, [measure])
    groups = known_columns(r, by)
    inputs = [c for c in _inputs(r) if c not in groups]
    columns = ", ".join(dict.fromkeys([*groups, '"case"', *inputs, *SHOWN.split(", "), what]))
    if not groups:
        return r.sql(f'SELECT {columns} FROM best ORDER BY {what}, "case" LIMIT 20')
    keys = ", ".join(groups)
    winners = f'SELECT arg_min("case", {what}) FROM best GROUP BY {keys}'
    return r.sql(f'SELECT {columns} FROM best WHERE "case" IN ({winners}) ORDER BY {keys}')


def front(r: Results, by: Sequence[str] = (), measure: str = CARBON) -> Any:
    """Return the cases that no other beats in both run time and `measure`, for each combination of `by`."""
    (what,) = known_columns(r, [measure])
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


def law(r: Results, by: Sequence[str] = (), measure: str = CARBON) -> Any:
    """Return the power law measure = factor x FLOPs^exponent over training FLOPs, for each combination of `by`."""
    (what,) = known_columns(r, [measure])
    groups = known_columns(r, by)
    keys = "".join(f"{g}, " for g in groups)
    grouping = f"GROUP BY {', '.join(groups)} ORDER BY {', '.join(groups)}" if groups else ""
    return r.sql(
        f"SELECT {keys}regr_slope(ln({what}), ln(training_flops)) AS exponent, "
        f"exp(regr_intercept(ln({what}), ln(training_flops))) AS factor, "
        f"regr_r2(ln({what}), ln(training_flops)) AS r2, count(*) AS n FROM best WHERE {what} > 0 {grouping}"
    )


def sensitivity(r: Results, by: Sequence[str] = (), measure: str = CARBON) -> Any:
    """Return, for every input, the share of the variance of ln(`measure`) that it explains alone, and its span of means.

    The share is the correlation ratio: variance of the means over the input's values (sampled inputs in bins of equal
    number), over the whole variance; `low` and `high` are the least and greatest of those (geometric) means.
    """
    (what,) = known_columns(r, [measure])
    inputs = known_columns(r, by) or _inputs(r)
    types = {row[0]: row[1] for row in r.sql("DESCRIBE cases").fetchall()}
    parts = []
    for name in inputs:
        distinct = r.sql(f"SELECT approx_count_distinct({name}) FROM best").fetchall()[0][0]
        group = name
        if distinct > 4 * BINS and types[name] in ("DOUBLE", "BIGINT"):
            shares = [i / BINS for i in range(1, BINS)]
            cuts = r.sql(f"SELECT approx_quantile({name}, {shares}) FROM best").fetchall()[0][0]
            group = (
                "CASE "
                + " ".join(f"WHEN {name} < {cut!r} THEN {i}" for i, cut in enumerate(cuts))
                + f" ELSE {BINS} END"
            )
        parts.append(
            f"SELECT '{name}' AS input, sum(n * (mean - grand) ** 2) / sum(n) / nullif(any_value(spread), 0) AS share, "
            f"exp(min(mean)) AS low, exp(max(mean)) AS high, count(*) AS n_values FROM "
            f"(SELECT {group} AS g, count(*) AS n, avg(ln({what})) AS mean FROM best WHERE {what} > 0 GROUP BY g), "
            f"(SELECT avg(ln({what})) AS grand, var_pop(ln({what})) AS spread FROM best WHERE {what} > 0)"
        )
    if not parts:
        raise InputError("nothing varies in this study", key="view", remedy="give it an axis")
    return r.sql(" UNION ALL ".join(parts) + " ORDER BY share DESC NULLS LAST")


def quantiles(r: Results, by: Sequence[str] = (), measure: str = CARBON) -> Any:
    """Return 5th, 25th, 50th, 75th and 95th percentile of `measure`, for each combination of `by`."""
    (what,) = known_columns(r, [measure])
    groups = known_columns(r, by)
    shares = ", ".join(f"quantile_cont({what}, {q / 100}) AS p{q:02d}" for q in (5, 25, 50, 75, 95))
    grouping = f"GROUP BY {', '.join(groups)} ORDER BY {', '.join(groups)}" if groups else ""
    return r.sql(f"SELECT {''.join(g + ', ' for g in groups)}count(*) AS n, {shares} FROM best {grouping}")


def status(r: Results, by: Sequence[str] = (), measure: str = CARBON) -> Any:
    """Return how many cases ended how, for each combination of `by`."""
    del measure
    keys = ", ".join([*known_columns(r, by), "status"])
    return r.sql(
        f"SELECT {keys}, count(*) AS n FROM cases WHERE kind = 'best' AND rank = 0 GROUP BY {keys} ORDER BY {keys}"
    )


def failures(r: Results, by: Sequence[str] = (), measure: str = CARBON) -> Any:
    """Return the cases without an answer and why, at most a thousand."""
    del by, measure
    columns = ", ".join(['"case"', *_inputs(r), "status", "reason"])
    return r.sql(f"SELECT {columns} FROM cases WHERE status <> 'ok' ORDER BY status, \"case\" LIMIT 1000")


VIEWS: dict[str, Callable[..., Any]] = {
    f.__name__: f for f in (best, front, law, sensitivity, quantiles, status, failures)
}


def view(r: Results, name: str, by: Sequence[str] = (), measure: str = CARBON) -> Any:
    """Return a canned view's relation.

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

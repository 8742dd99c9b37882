"""Ask the results of a study: a SELECT over all of its rows (DuckDB), whatever their number."""

from __future__ import annotations

import math
import os
import shutil
import tempfile
import weakref
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from carbonscaling.errors import InputError
from carbonscaling.literal import literal
from carbonscaling.platform import need
from carbonscaling.study.sweep.bounded import Progress, bounded
from carbonscaling.study.sweep.found import Found, found
from carbonscaling.study.sweep.store import Store, is_remote

__all__ = ["Results", "Selection", "folder_of", "results"]

T = TypeVar("T")
MOST_ROWS = 10_000
"""Rows fetched at once; between them an interrupt is heard."""
WRITTEN = {".parquet": "FORMAT parquet", ".csv": "FORMAT csv, HEADER"}


class Selection:
    """The rows of one SELECT, worked out whenever they are asked for.

    Attributes
    ----------
    columns : tuple of str
        Names, each once.
    types : tuple of str
        Their types, as DuckDB calls them.
    """

    def __init__(self, results: Results, view: str) -> None:
        self._results, self._view = results, view
        rows = results.fetched(f"DESCRIBE {view}")
        self.columns = tuple(str(row[0]) for row in rows)
        self.types = tuple(str(row[1]) for row in rows)

    def fetchall(self, most: int | None = None) -> list[tuple[Any, ...]]:
        """Return all rows, or the first of them."""
        return self._results.fetched(f"FROM {self._view}" + ("" if most is None else f" LIMIT {most}"))

    def fetchnumpy(self) -> dict[str, Any]:
        """Return the columns as arrays, by name."""
        return self._results.run(lambda c: c.execute(f"FROM {self._view}").fetchnumpy())

    def file(self, ending: str) -> bytes:
        """Return all rows as the content of a file: ``.parquet`` or ``.csv``."""
        path = Path(self._results.scratch, f"rows{ending}")
        to = f"COPY (FROM {self._view}) TO {_quoted(str(path))} ({WRITTEN[ending]}, USE_TMP_FILE false)"
        try:
            self._results.run(lambda c: c.execute(to).fetchall())
            return path.read_bytes()
        finally:
            path.unlink(missing_ok=True)


class Results:
    """The rows of a study as a table ``cases`` (every kept row) and a view ``best`` (the best row of each feasible case).

    Nothing but the study's own shards can be read, nothing written, and no setting changed.

    Attributes
    ----------
    study : Study
    found : Found
        What the folder holds of it, with its manifest.
    types : dict of str to str
        Of the columns, as DuckDB calls them.
    columns : tuple of str
        Their names.
    scratch : str
        Folder for what does not fit in memory.
    """

    def __init__(self, what: Found, most_s: float = math.inf, progress: Progress | None = None) -> None:
        self.found, self.study = what, what.study
        self._most_s, self._progress, self._n_views = most_s, progress, 0
        self.scratch = tempfile.mkdtemp(prefix="carbonscaling-")
        self._clean = weakref.finalize(self, shutil.rmtree, self.scratch, ignore_errors=True)
        self._connection = _opened(what, self.scratch)
        self.types = {str(row[0]): str(row[1]) for row in self.fetched("DESCRIBE cases")}
        self.columns = tuple(self.types)

    @cached_property
    def seen(self) -> str:
        """How many of how many cases these are."""
        return f"{self.found.n_seen:,} of {self.study.n_cases:,} cases"

    def run(self, work: Callable[[Any], T]) -> T:
        """Return what `work` on the connection returns, within the time that a query may take.

        Raises
        ------
        InputError
            DuckDB cannot do it, or it takes too long.
        """
        duckdb = need("duckdb", "sweep")
        try:
            return bounded(self._connection, lambda: work(self._connection), self._most_s, self._progress, self._clean)
        except (duckdb.Error, OverflowError, ValueError) as error:  # the last two of values that Python does not hold
            raise InputError(
                f"the query cannot be run: {_first_line(error)}", key="SQL",
                allowed=f"tables: cases, best; columns: {', '.join(self.columns)}", remedy="correct the query",
            ) from error  # fmt: skip

    def fetched(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query that is known to be one."""

        def work(connection: Any) -> list[tuple[Any, ...]]:
            rows, cursor = [], connection.execute(query)
            while some := cursor.fetchmany(MOST_ROWS):
                rows += some
            return rows

        return self.run(work)

    def sql(self, query: str) -> Selection:
        """Return the rows of a query.

        Raises
        ------
        InputError
            It is not one SELECT, or DuckDB cannot run it.
        """
        duckdb = need("duckdb", "sweep")
        statements = self.run(lambda c: c.extract_statements(query))
        if [s.type for s in statements] != [duckdb.StatementType.SELECT]:
            raise InputError(
                "the query is not one SELECT", key="SQL", allowed="a single SELECT over the tables cases and best",
                remedy="write a SELECT",
            )  # fmt: skip
        self._n_views += 1
        name = f"selection_{self._n_views}"
        self.run(lambda c: c.execute(f"CREATE TEMP VIEW {name} AS {statements[0].query}"))
        return Selection(self, name)


def _first_line(error: Exception) -> str:
    return literal((str(error).strip() or type(error).__name__).splitlines()[0])


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _opened(what: Found, scratch: str) -> Any:
    """Return a connection that sees the study's shards and nothing else."""
    duckdb = need("duckdb", "sweep")
    connection = duckdb.connect(config={"python_enable_replacements": "false"})
    if what.store.fs is not None:
        connection.register_filesystem(what.store.fs)
    files = ", ".join(_quoted(what.store.path(s.name)) for s in what.shards.values())
    for statement in (
        "SET autoinstall_known_extensions = false", "SET autoload_known_extensions = false",
        "SET enable_progress_bar = true", "SET enable_progress_bar_print = false",
        f"SET temp_directory = {_quoted(scratch)}",
        f"CREATE VIEW cases AS SELECT * FROM read_parquet([{files}])",
        "CREATE VIEW best AS SELECT * FROM cases WHERE status = 'ok' AND kind = 'best' AND rank = 0",
        f"SET allowed_directories = [{_quoted(scratch)}]", f"SET allowed_paths = [{files}]",
        "SET enable_external_access = false", "SET lock_configuration = true",
    ):  # fmt: skip
        try:
            connection.execute(statement)
        except duckdb.Error as error:
            raise InputError(
                f"the results cannot be opened: {_first_line(error)}", where=what.store.url,
                remedy="run the same command again; where that does not help, carbonscaling sweep mends what it can",
            ) from error  # fmt: skip
    return connection


def folder_of(where: str) -> str:
    """Return the folder of a study's results: itself, or the one beside its study file."""
    is_folder = is_remote(where) or os.path.isdir(where)
    is_file = not is_folder and (where.endswith(".toml") or os.path.isfile(where))
    return str(Path(where).with_suffix(".sweep")) if is_file else where


def results(where: str, most_s: float = math.inf, progress: Progress | None = None) -> Results:
    """Open the results of a study.

    Parameters
    ----------
    where : str
        Folder or URL of the results, or the study file they were made from.
    most_s : float
        Seconds that a query may take.
    progress : callable, optional
        Told how far a query is.

    Raises
    ------
    InputError
        Nothing is there, no shard is done yet, a shard is not what was written, or the study file was edited since.
    """
    folder = folder_of(where)
    return Results(found(Store(folder), None if folder == where else Path(where)), most_s, progress)

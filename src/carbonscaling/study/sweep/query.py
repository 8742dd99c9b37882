"""Ask the results of a study: SQL over all of its rows (DuckDB), whatever their number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from carbonscaling.errors import InputError
from carbonscaling.study.sweep.extra import need
from carbonscaling.study.sweep.manifest import read_manifest, study_of
from carbonscaling.study.sweep.shards import known_shards
from carbonscaling.study.sweep.store import Store
from carbonscaling.study.sweep.studyfile import Study

__all__ = ["Results", "folder_of", "results"]


class Results:
    """The rows of a study as a table ``cases`` (every kept row) and a view ``best`` (the best row of each feasible case).

    Attributes
    ----------
    study : Study
    columns : tuple of str
    """

    def __init__(self, study: Study, connection: Any) -> None:
        self.study = study
        self._connection = connection
        self.columns = tuple(row[0] for row in connection.execute("DESCRIBE cases").fetchall())

    def sql(self, query: str) -> Any:
        """Return the relation of a query.

        Raises
        ------
        InputError
            DuckDB cannot run it.
        """
        duckdb = need("duckdb", "sweep")
        try:
            found = self._connection.sql(query)
        except duckdb.Error as error:
            raise InputError(
                f"the query cannot be run: {str(error).strip().splitlines()[0]}", key="SQL",
                allowed=f"tables: cases, best; columns: {', '.join(self.columns)}", remedy="correct the query",
            ) from error  # fmt: skip
        if found is None:
            raise InputError("the query returns no rows", key="SQL", remedy="write a SELECT")
        return found


def folder_of(where: str) -> str:
    """Return the folder of a study's results: itself, or the one beside its study file."""
    return str(Path(where).with_suffix(".sweep")) if where.endswith(".toml") else where


def results(where: str) -> Results:
    """Open the results of a study.

    Parameters
    ----------
    where : str
        Folder or URL of the results, or the study file they were made from.

    Raises
    ------
    InputError
        Nothing is there, or no shard is done yet.
    """
    duckdb = need("duckdb", "sweep")
    path = folder_of(where)
    store = Store(path)
    data = read_manifest(store)
    newest = {s.number: s for s in known_shards(store) if s.stamp == data["stamp"]}
    if not newest:
        raise InputError("no shard is done yet", where=path, remedy="run: carbonscaling sweep STUDY.toml")
    connection = duckdb.connect()
    if store.fs is not None:
        connection.register_filesystem(store.fs)
    files = ", ".join("'" + store.path(s.name).replace("'", "''") + "'" for _, s in sorted(newest.items()))
    connection.execute(f"CREATE VIEW cases AS SELECT * FROM read_parquet([{files}])")
    connection.execute("CREATE VIEW best AS SELECT * FROM cases WHERE status = 'ok' AND kind = 'best' AND rank = 0")
    return Results(study_of(data), connection)

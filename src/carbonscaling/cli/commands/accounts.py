"""``carbonscaling accounts``."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import Parameter

from carbonscaling.cli import output as out
from carbonscaling.cli.common import Json, PageFile, asked

__all__ = ["accounts"]


def accounts(
    *,
    csv: Annotated[bool, Parameter(negative=(), help="Print the accounts as CSV, a figure a row.")] = False,
    json: Json = False,
    output: PageFile = None,
) -> None:
    """Set published carbon accounts beside this project's figures: inside or not, and whose convention explains the rest."""
    from carbonscaling.reporting.carbon_checks import accounts_page
    from carbonscaling.reporting.jsonable import jsonable
    from carbonscaling.validate.carbon.accounts import (
        accounts_summary,
        check_accounts,
        embodied_table,
        llmcarbon_table,
    )

    said = {"--csv": csv, "--json": json, "--output": output}
    asked(said, {"--csv": (), "the accounts": ("--json", "--output")}, "the accounts")
    checks, table, embodied = check_accounts(), llmcarbon_table(), embodied_table()
    rows: list[dict[str, Any]] = [
        {
            "name": check.name, "title": check.account.title, **vars(line), "inside": line.inside, "error": line.error,
            "convention": check.account.convention,
        }
        for check in checks
        for line in check.lines
    ]  # fmt: skip
    if csv:
        out.write_csv(rows)
        return
    data = {
        "accounts": rows,
        "summary": accounts_summary(checks),
        "llmcarbon": jsonable(table),
        "embodied": jsonable(embodied),
    }
    out.hand_out(data, accounts_page(checks, table, embodied), json=json, output=output)

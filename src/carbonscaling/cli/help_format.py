"""How help pages look: two aligned columns, no boxes, readable aloud and in a pipe."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cyclopts.help import HelpEntry, HelpPanel
    from rich.console import Console, ConsoleOptions

__all__ = ["ColumnFormatter"]

LABEL_WIDTH = 32
COMMAND_WIDTH = 14
LONG = 95
"""Letters of a short text that go into two lines."""


class ColumnFormatter:
    """Help formatter of the command tree.

    Parameters
    ----------
    only : frozenset of str, optional
        Options to show, in short; without it every one.
    """

    def __init__(self, only: frozenset[str] | None = None) -> None:
        self.only = only

    def __call__(self, console: Console, options: ConsoleOptions, panel: HelpPanel) -> None:  # noqa: ARG002
        """Print one panel: a title, then labels on the left and texts on the right."""
        from rich.table import Table
        from rich.text import Text

        short = self.only is not None
        entries = [e for e in panel.entries if not short or not e.names or self.only & set(e.names)]  # type: ignore[operator]
        if not entries:
            return
        table = Table.grid(padding=(0, 2))
        table.add_column(width=COMMAND_WIDTH if panel.format == "command" else LABEL_WIDTH)
        table.add_column(ratio=1)
        for entry in entries:
            text = _text(entry)
            table.add_row(Text(f"  {_label(entry)}"), Text(_first(text) if short else text))
        console.print(Text(f"{panel.title}:", style="bold"))
        console.print(table)
        console.print()

    def render_usage(self, console: Console, options: ConsoleOptions, usage: Any) -> None:  # noqa: ARG002
        """Print the usage line."""
        if usage:
            words = str(getattr(usage, "plain", usage)).strip().removeprefix("Usage: ")
            console.print(f"Usage: {words}", highlight=False, markup=False)
            console.print()

    def render_description(self, console: Console, options: ConsoleOptions, description: Any) -> None:  # noqa: ARG002
        """Print what the command is for."""
        if description:
            console.print(_plain(description).strip(), highlight=False, markup=False)
            console.print()


def _label(entry: HelpEntry) -> str:
    names = (*entry.names, *entry.shorts) if entry.names or entry.shorts else (entry.positional_label or "",)
    joined = ", ".join(names)
    if len(names) == 2 and names[1] == f"--no-{names[0][2:]}":
        joined = f"--[no-]{names[0][2:]}"
    kind = (
        ""
        if entry.choices or not (entry.names or entry.shorts)
        else {"STR": " TEXT", "INT": " N", "FLOAT": " X"}.get(entry.metavar or "", "")
    )
    return joined + kind


def _text(entry: HelpEntry) -> str:
    words = str(getattr(entry.description, "plain", None) or _plain(entry.description)).strip()
    choices = " | ".join(entry.choices or ())
    if choices and words.startswith("{"):
        words = words.partition("}")[2].strip(" .")
    return " ".join(part for part in (words, f"[{choices}]" if choices else "") if part)


def _first(text: str) -> str:
    """Return the first sentence or clause of a text, and its choices."""
    choices = re.search(r" \[[^]]* \| [^]]*\]$", text)
    words = text[: choices.start()] if choices else text
    clause = re.split(r"(?<=[\w)\"])[.;] ", words, maxsplit=1)[0].rstrip(".")
    short = clause if len(clause) < LONG else re.split(r": (?![^(]*\))", clause, maxsplit=1)[0]
    return short + (choices[0] if choices else "")


def _plain(description: Any) -> str:
    if description is None or isinstance(description, str):
        return description or ""
    import io

    from rich.console import Console

    out = io.StringIO()
    Console(file=out, width=1000, color_system=None).print(description)
    return out.getvalue()

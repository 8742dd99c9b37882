"""How help pages look: two aligned columns, no boxes, readable aloud and in a pipe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cyclopts.help import HelpEntry, HelpPanel
    from rich.console import Console, ConsoleOptions

__all__ = ["ColumnFormatter"]

LABEL_WIDTH = 32


class ColumnFormatter:
    """Help formatter of the command tree."""

    def __call__(self, console: Console, options: ConsoleOptions, panel: HelpPanel) -> None:  # noqa: ARG002
        """Print one panel: a title, then labels on the left and texts on the right."""
        from rich.table import Table
        from rich.text import Text

        if not panel.entries:
            return
        table = Table.grid(padding=(0, 2))
        table.add_column(width=LABEL_WIDTH)
        table.add_column(ratio=1)
        for entry in panel.entries:
            table.add_row(Text(f"  {_label(entry)}"), Text(_text(entry)))
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


def _plain(description: Any) -> str:
    if description is None or isinstance(description, str):
        return description or ""
    import io

    from rich.console import Console

    out = io.StringIO()
    Console(file=out, width=1000, color_system=None).print(description)
    return out.getvalue()

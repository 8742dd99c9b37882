"""One page for every device, software stack and scaling law, with each of its numbers; written anew by each build."""

from __future__ import annotations

from pathlib import Path

from sphinx.application import Sphinx

from carbonscaling.catalog.references import references
from carbonscaling.cli.shelves import shelf
from carbonscaling.reporting.catalog import Entry
from carbonscaling.sources import Datum
from carbonscaling.words import plain
from sitegen.tables import table, work_link

__all__ = ["SHELVES", "entry_page", "write_entries"]

RUN = "carbonscaling estimate --model llama-3-8b --tokens 1T --devices 64"
SHELVES = {
    "device": ("devices", "Devices, one by one", f"{RUN} --device {{name}}"),
    "stack": ("stacks", "Software stacks, one by one", f"{RUN} --stack {{name}}"),
    "law": ("laws", "Scaling laws, one by one", "carbonscaling plan --law {name} --compute 1e22"),
}
"""By folder: the shelf of the catalogue, the title of its list, a command that uses an entry."""
NOT_BY_COMPUTE = ("paper_v1_loss",)
"""Laws of a loss alone, which plan nothing by themselves."""


def _value(key: str, row: object) -> tuple[str, ...]:
    name = key.replace("_", " ")
    if not isinstance(row, Datum):
        source, remark = getattr(row, "source", ""), getattr(row, "remark", "")
        return (name, str(getattr(row, "value", row)), "", _source(source), remark)
    unit = "" if row.unit == "1" else f" {row.unit}"
    span = "" if row.low is None or row.high is None else f"{plain(row.low)} to {plain(row.high)}"
    when = f", {row.year}" if row.year else ""
    return (name, f"{plain(row.value)}{unit}", span, _source(row.source) + when, row.remark)


def _source(key: str) -> str:
    return work_link(key) if key in references() else key


def entry_page(folder: str, entry: Entry, words: str) -> str:
    """Return the page of one entry: what it is, every number with range, source and remark, a command that uses it."""
    facts = [f"- {k.replace('_', ' ')}: {_fact(v)}" for k, v in entry.facts.items() if v not in (None, "", (), [], {})]
    parts = [f"# {entry.name}", "", words, "", *facts, ""]
    if entry.data:
        rows = (_value(key, row) for key, row in entry.data.items())
        parts += ["## Numbers", "", table(("number", "value", "range", "source", "remark"), rows), ""]
    parts += ["## Use it", ""]
    if entry.name not in NOT_BY_COMPUTE:
        parts += ["```bash", SHELVES[folder][2].format(name=entry.name), "```", ""]
    return "\n".join([*parts, "```bash", f"carbonscaling catalog show {entry.name}", "```", ""])


def _fact(value: object) -> str:
    if isinstance(value, float):
        return plain(value)
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def write_entries(app: Sphinx) -> None:
    """Write ``reference/device/``, ``reference/stack/`` and ``reference/law/``: a list each, and a page for each entry."""
    for folder, (kind, title, _) in SHELVES.items():
        home, found = Path(app.srcdir) / "reference" / folder, shelf(kind)
        home.mkdir(parents=True, exist_ok=True)
        names = sorted(found.names())
        rows = ((f"[{name}]({name}.md)", found.words(name)) for name in names)
        toc = "\n".join(names)
        texts = {name: entry_page(folder, found.entry(name), found.words(name)) for name in names}
        texts["index"] = f"# {title}\n\n{table(('name', 'what'), rows)}\n```{{toctree}}\n:hidden:\n\n{toc}\n```\n"
        for path in home.glob("*.md"):
            if path.name.removesuffix(".md") not in texts:
                path.unlink()
        for name, text in texts.items():
            path = home / f"{name}.md"
            if not path.is_file() or path.read_text(encoding="utf-8") != text:
                path.write_text(text, encoding="utf-8")

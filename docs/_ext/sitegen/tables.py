"""Tables as Markdown text: formulas, nomenclature, references, devices, fields of a schema."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from carbonscaling.catalog import hardware
from carbonscaling.catalog.efficiency import efficiency, family
from carbonscaling.catalog.prices import price
from carbonscaling.catalog.references import references
from carbonscaling.reporting.glossary import glossary
from sitegen.package import arguments, registered

__all__ = [
    "device_table",
    "entries_of",
    "entry_of",
    "function_link",
    "nomenclature_table",
    "reference_list",
    "schema_table",
    "symbol_anchor",
    "table",
    "term_table",
    "undefined",
    "work_link",
]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return rows as a Markdown table."""
    head = tuple(head)
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(_cell(c) for c in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def function_link(name: str) -> str:
    """Return a link to a function's place in the API."""
    return f"{{py:func}}`{name.rpartition('.')[2]} <carbonscaling.{name}>`"


def work_link(key: str) -> str:
    """Return a link to a work."""
    return f"[{key}](#ref-{key})"


def entries_of(file: Path) -> dict[str, Any]:
    """Return the nomenclature's entries."""
    return tomllib.loads(file.read_text(encoding="utf-8"))


def entry_of(entries: Mapping[str, Any], formula: str, argument: str) -> str | None:
    """Return the key that explains an argument: its own under a module ("perf.gemm:k"), or the general one."""
    special = f"{formula.rpartition('.')[0]}:{argument}"
    return special if special in entries else argument if argument in entries else None


def symbol_anchor(key: str) -> str:
    """Return the anchor of an entry of the nomenclature.

    >>> symbol_anchor("perf.attention:backward")
    'nom-perf-attention-backward'
    """
    return "nom-" + re.sub(r"[^a-z0-9]+", "-", key.lower()).strip("-")


def undefined(file: Path) -> list[str]:
    """Return the arguments of formulas that the nomenclature does not explain."""
    entries = entries_of(file)
    return [f"{a} of {n}" for n in registered() for a in arguments(n) if entry_of(entries, n, a) is None]


def nomenclature_table(file: Path) -> str:
    """Return name, unit, meaning, and the formulas that take it."""
    entries = entries_of(file)
    users: dict[str, list[str]] = {}
    for name in registered():
        for argument in arguments(name):
            users.setdefault(entry_of(entries, name, argument) or argument, []).append(name)
    rows = (
        (
            f"[]{{#{symbol_anchor(key)}}}`{key.rpartition(':')[2]}`",
            row["unit"],
            row["meaning"],
            ", ".join(function_link(n) for n in users.get(key, ())),
        )
        for key, row in sorted(entries.items(), key=lambda item: item[0].rpartition(":")[2].lower())
    )
    return table(("name", "unit", "meaning", "used by"), rows)


def _indexed(term: str) -> str:
    """Return a term as an entry of the index, which the search asks first."""
    return f"{{index}}`{term} <! {term}>`"


def term_table() -> str:
    """Return the terms of the glossary: other names, meaning, formula, where to go on, the work that a term is from."""
    rows = (
        (
            f"**{_indexed(one.name)}**" + (f" ({', '.join(map(_indexed, one.names))})" if one.names else ""),
            one.meaning + (f" `{one.formula}`" if one.formula else ""),
            f"`{one.see}`" if one.see else "",
            work_link(one.source) if one.source else "",
        )
        for one in sorted(glossary().values(), key=lambda one: one.name.lower())
    )
    return table(("term", "meaning", "see", "from"), rows)


def reference_list() -> str:
    """Return every work behind a number or a formula, each with an anchor."""
    lines = []
    for key, r in sorted(references().items()):
        where = f" <{r.url}>" if r.url else ""
        licence = f" ({r.licence})" if r.licence else ""
        lines.append(f"- []{{#ref-{key}}}`{key}`: {r.authors} ({r.year}). *{r.title}*. {r.venue}{licence}.{where}")
    return "\n".join(lines) + "\n"


def device_table() -> str:
    """Return the devices that ship: their sheets, power, host, efficiency and price, each with its source."""
    rows = []
    for device in map(hardware.device, hardware.device_names()):
        half = device.peak.get("bf16", device.peak.get("fp16"))
        e, cost = efficiency(device), price(device.id)
        known = family(device)
        memory, idle = device.memory_capacity, device.idle_power
        reached = e.gemm["bf16" if "bf16" in device.peak else "fp16"]
        rows.append(
            (
                f"[{device.id}](device/{device.id}.md)",
                f"{device.name} ({device.year})",
                "" if half is None else f"{half.value:g} {half.unit} {work_link(half.source)}",
                f"{memory.value:g} {memory.unit} {device.memory_kind} at {device.memory_bandwidth.value:g} "
                f"{device.memory_bandwidth.unit} {work_link(memory.source)}",
                f"{device.link_bandwidth.value:g} {device.link_bandwidth.unit}",
                f"{device.tdp.value:g} W, idle {idle.value:g} W {work_link(device.tdp.source)}",
                f"`{device.default_host}`",
                f"{reached.value:g} ({reached.low:g} to {reached.high:g}), {known or 'default'}",
                "" if cost is None else f"{cost.value:g} {cost.unit} ({cost.year})",
            )
        )
    head = (
        "device",
        "what",
        "16 bit, dense",
        "memory",
        "links, both ways",
        "power",
        "host",
        "of its peak reached",
        "price",
    )
    return table(head, rows)


def _kind(field: Mapping[str, Any]) -> str:
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return " or ".join(f"`{v}`" for v in field["enum"])
    if "anyOf" in field:
        return ", ".join(k for k in map(_kind, field["anyOf"]) if k != "null")
    if "$ref" in field:
        return str(field["$ref"]).rpartition("/")[2]
    kind = field.get("type", "any")
    if kind == "array":
        return f"list of {_kind(field.get('items', {}))}"
    return ", ".join(k for k in kind if k != "null") if isinstance(kind, list) else str(kind)


def schema_table(schema: Mapping[str, Any], described: Mapping[str, str], prefix: str = "") -> str:
    """Return the fields of an object's schema: name, type, default, meaning."""
    rows = []
    for name, field in schema["properties"].items():
        default = field.get("default")
        shown = "" if default is None or isinstance(default, dict) else f"`{default}`"
        rows.append((f"`{prefix}{name}`", _kind(field), shown, described.get(name) or field.get("description", "")))
    return table(("key", "type", "default", "meaning"), rows)

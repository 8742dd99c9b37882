"""Servings for people and machines: an answer, and measured ones beside what is said of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from rich.console import Group
from rich.text import Text

from carbonscaling.reporting.blocks import bullets
from carbonscaling.reporting.jsonable import jsonable
from carbonscaling.reporting.served_rows import served_rows
from carbonscaling.reporting.tables import error, figures
from carbonscaling.serving.answer import Served
from carbonscaling.serving.width import EXPERTS
from carbonscaling.validate.serving.check import Checked, Line
from carbonscaling.words import plain

__all__ = ["checked_data", "checked_page", "served_page"]

TITLES = {
    "nothing": "Servings, by the shipped factors",
    "everything": "Servings, by the physics before any row was seen",
    "source": "Servings, source left out",
    "model": "Servings, model left out",
    "device": "Servings, device left out",
}
KNOWN = {
    "measured alike": "servings of the same source", "measured": "software and devices that were measured",
    "prompts untold": "prompts whose length nobody states", "in flight untold": "requests in flight that nobody states",
    "new devices": "devices that no serving was measured on",
    "new software": "software that no serving was measured with",
    "new both": "software and devices that no serving was measured with",
}  # fmt: skip
"""What is known of a serving (`serving.width`), for people."""
QUANTITIES = {"speed": "tokens/s", "watts": "watts", "joules": "J/token"}


def checked_data(found: Checked) -> dict[str, Any]:
    """Return every score, and why rows have no answer."""
    return dict(
        jsonable(
            {"lines": found.lines, "unusable": found.refused(), "n_rows": len(found.rows), "n_known": found.n_known}
        )
    )


def _table(title: str, lines: list[Line]) -> Any:
    others = sorted({name for line in lines for name in line.others})
    headings = ("", "rows", "median", "p90", "inside", "within", *others)
    table = figures(headings, title=title, width=40)
    above = ""
    for line in lines:
        s, stem = line.score, line.group.removesuffix(EXPERTS)
        within = "-" if np.isnan(line.factor) else f"x{line.factor:.2f}"
        inside = "-" if np.isnan(line.factor) else error(s.coverage)
        part = "  with experts" if stem == above else line.group[:16]
        name, above = QUANTITIES[line.quantity] if line.group == "all" else f"  {part}", line.group
        table.add_row(
            name, f"{s.n:,}", error(s.median), error(s.p90), inside, within,
            *(error(line.others.get(other)) for other in others),
        )  # fmt: skip
    return table


def checked_page(found: Checked) -> Group:
    """Return a table for all that was left out in the same way, then the rows without an answer by reason."""
    parts: list[Any] = []
    for left_out in dict.fromkeys(line.left_out for line in found.lines):
        parts += [_table(TITLES[left_out], [line for line in found.lines if line.left_out == left_out]), Text("")]
    n_ok = sum(row["status"] == "ok" for row in found.rows)
    seen = f", of which the factors have seen {found.n_known:,}" if found.n_known else ""
    parts.append(Text(f"{n_ok:,} of {len(found.rows):,} rows answered{seen}"))
    parts += [Text(f"  unusable: {n:,} x {why}") for why, n in found.refused().items()]
    return Group(*parts)


def unmeasured(engine: str) -> str:
    """Return what is said of an engine by which no serving was measured."""
    return (
        f"{engine}: no serving by this engine was learnt from. Its speed is that of engines in general, and tells nothing "
        "of how it compares with another."
    )


def served_page(answer: Served) -> Group:
    """Return the answer as people read it."""
    a = answer.summary()
    batches = figures(("in flight", "tokens/s a device", "J a token", "ms between tokens"), words=0)
    for in_flight, speed, joules, tpot in answer.by_in_flight:
        if math.log2(in_flight).is_integer() or in_flight == a["in_flight"]:
            batches.add_row(f"{in_flight:,.10g}", plain(speed), plain(joules), plain(1e3 * tpot))
    causes = sorted(answer.seconds.items(), key=lambda item: -item[1])
    said = "A cycle's time: " + ", ".join(
        f"{name.replace('_', ' ')} {share:.0%}" for name, share in causes if share > 0.02
    )
    stem = a["known"].removesuffix(EXPERTS)
    whose = KNOWN[stem] + (", with experts" if stem != a["known"] else "")
    known = f"{a['n_ways']:,} layouts and numbers in flight compared; intervals of 90 % as for {whose}"
    unknown = [] if a["engine_measured"] else [Text(unmeasured(a["engine"]))]
    return Group(
        Text(answer.headline, style="bold"),
        figures(("", "", "90 % interval"), served_rows(a), width=40),
        Text(said),
        Text(known),
        *unknown,
        Text(""),
        *bullets("Assumed", answer.notes),
        batches,
    )

"""How far each unprinted input moves the required claims that differ, in the quantities that their verdicts rest on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from carbonscaling.reproduce.claims import REQUIRED
from carbonscaling.reproduce.figure import DIFFERS, Outcome
from carbonscaling.reproduce.nearest import Values
from carbonscaling.reproduce.realisation import choices
from carbonscaling.reproduce.run import Reproduction

__all__ = ["distance_lines", "distances", "named"]


def named(values: Values) -> str:
    """Return inputs with their values as text.

    >>> named((("alpha", 0.5), ("pue", 1.0)))
    'alpha = 0.5 and pue = 1'
    """
    return " and ".join(f"{name} = {value:{'g' if value == int(value) else '.3g'}}" for name, value in values)


def _missed(found: Reproduction) -> dict[str, Outcome]:
    """Return the required claims that differ and say in numbers by how much."""
    ours = {v.claim.id: v.paper for v in found.verdicts}
    return {c: ours[c] for c in REQUIRED if c in ours and ours[c].verdict == DIFFERS and ours[c].tests}


def _moved(found: Reproduction, claim: str) -> Iterator[tuple[Values, Outcome]]:
    """Yield every alternative alone, and the sets of several that bring the claim nearest."""
    for m in found.moves:
        if claim in m.outcomes:
            yield ((m.choice, m.value),), m.outcomes[claim]
    for a in found.nearest:
        if a.claim == claim and len(a.values) > 1:
            yield a.values, a.outcome


def distances(found: Reproduction) -> list[dict[str, Any]]:
    """Return the same as plain data, one record a claim and set of inputs; the realisation has none."""
    return [
        {"id": claim, "inputs": dict(values), "verdict": o.verdict, "points": o.points,
         "tests": [{"what": t.what, "found": t.found, "needed": t.needed} for t in o.tests]}
        for claim, base in _missed(found).items() if found.moves
        for values, o in (((), base), *_moved(found, claim))
    ]  # fmt: skip


def _row(label: str, o: Outcome) -> str:
    return f"| {label} | {' | '.join(f'{t.found:.3g}' for t in o.tests)} | {o.points} | {o.verdict} |"


def distance_lines(found: Reproduction) -> list[str]:
    """Return Markdown: one table for each required claim that differs."""
    lines: list[str] = []
    for claim, base in _missed(found).items():
        heads = [f"{t.what}; needed {t.needed:g}" for t in base.tests]
        lines += [f"**{claim}**", "", f"| input | {' | '.join(heads)} | tested at | verdict |",
                  "|---" * (len(heads) + 3) + "|", _row("as realised", base)]  # fmt: skip
        same = []
        for values, o in _moved(found, claim):
            if _row("", o) == _row("", base):
                same.append(named(values))
            else:
                lines.append(_row(f"{named(values)}{_caution(values)}", o))
        lines += ["", f"Without effect: {', '.join(same) or 'none'}.", ""]
    return lines


def _caution(values: Values) -> str:
    """Say of a value that it is no open input of the papers."""
    if any(choices()[name].printed for name, _ in values):
        return " (the papers print another value)"
    return " (a word read as a number)" if any(choices()[name].wording for name, _ in values) else ""

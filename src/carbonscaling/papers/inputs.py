"""What the papers do not print, as parts of the reproduction page: what decides a verdict, and how far inputs move one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from carbonscaling.papers.claims import REQUIRED
from carbonscaling.papers.deciding import Move, Values
from carbonscaling.papers.figure import DIFFERS, REPRODUCED, Outcome
from carbonscaling.papers.realisation import choices
from carbonscaling.papers.run import Reproduction

__all__ = ["deciding_lines", "distance_lines", "distances", "moved_text", "named", "row_of", "sensitivity_lines"]


def row_of(*cells: str) -> str:
    """Return a row of a Markdown table."""
    return "| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |"


def named(values: Values) -> str:
    """Return inputs with their values as text.

    >>> named((("alpha", 0.5), ("pue", 1.0)))
    'alpha = 0.5 and pue = 1'
    """
    return " and ".join(f"{name} = {value:{'g' if value == int(value) else '.3g'}}" for name, value in values)


def moved_text(move: Move) -> str:
    """Return the verdicts that an alternative moves as a sentence."""
    return "; ".join(f"{name} {before} -> {after}" for name, before, after in move.moved) or "moves no verdict"


def _supported(name: str) -> str:
    choice = choices()[name]
    if choice.printed:
        return f"{choice.value:g}, as printed"
    known = (choice.value, *choice.variants)
    return f"{min(known):g} to {max(known):g}" if choice.range else " or ".join(f"{v:g}" for v in known)


def _turned(found: Reproduction, claim: str) -> Iterator[tuple[str, str, str, str]]:
    """Yield rows of inputs that turn a claim, what is known of them, and whether that includes the value."""

    def row(values: Values, plausible: bool) -> tuple[str, str, str, str]:
        known = "; ".join(f"{name} {_supported(name)}" for name, _ in values)
        return claim, named(values), known, "yes" if plausible else "no"

    decided = [t for t in found.decisions if t.claim == claim]
    yield from (row(t.values, t.plausible) for t in decided)
    known = {frozenset(t.values) for t in decided}
    yield from (
        row(t.values, True)
        for t in found.nearest
        if (t.claim, t.outcome.verdict) == (claim, REPRODUCED)
        and len(t.values) > 1
        and frozenset(t.values) not in known
    )
    tried = {t.values[0][0] for t in decided if len(t.values) == 1}
    yield from (
        (claim, f"{m.choice} = {m.value:g}", f"{m.choice} {_supported(m.choice)}", "yes" if _plausible(m) else "no")
        for m in found.moves
        if m.choice not in tried and (claim, DIFFERS, REPRODUCED) in m.moved
    )


def _plausible(move: Move) -> bool:
    return choices()[move.choice].plausible(move.value)


def deciding_lines(found: Reproduction) -> list[str]:
    """Return Markdown: for each required claim, the inputs on which its verdict rests."""
    verdicts = {v.claim.id: v.paper.verdict for v in found.verdicts}
    lines = [
        "| required claim that differs | turned by | supported by paper or measurement | plausible |",
        "|---|---|---|---|",
    ]
    for claim in (c for c in REQUIRED if verdicts.get(c) not in (REPRODUCED, None)):
        rows = list(_turned(found, claim))
        lines += [row_of(*row) for row in rows]
        if not any(row[-1] == "yes" for row in rows):
            lines.append(row_of(claim, "no supported value of any input, alone or with the others tried", "", ""))
    lines += ["", "Every other alternative, alone, leaves these claims as they are. Claims that are reproduced, and the "
              "supported values of one input with which they are not:", ""]  # fmt: skip
    for claim in (c for c in REQUIRED if verdicts.get(c) == REPRODUCED):
        falls = [f"{m.choice} = {m.value:g}" for m in found.moves
                 if _plausible(m) and any((name, before) == (claim, REPRODUCED) for name, before, _ in m.moved)]  # fmt: skip
        lines.append(f"- {claim}: {', '.join(falls) or 'none does'}.")
    return lines


def sensitivity_lines(found: Reproduction) -> list[str]:
    """Return Markdown: every choice with its reason, and what each alternative moves."""
    lines = ["| input | value | why |", "|---|---|---|"]
    lines += [row_of(name, f"{c.value:g}", c.reasoning) for name, c in choices().items()]
    lines += ["", "| input | tried | verdicts of the paper mode that move |", "|---|---|---|"]
    return lines + [row_of(m.choice, f"{m.value:g}", moved_text(m)) for m in found.moves]


def _missed(found: Reproduction) -> dict[str, Outcome]:
    """Return the required claims that differ and say in numbers by how much."""
    ours = {v.claim.id: v.paper for v in found.verdicts}
    return {c: ours[c] for c in REQUIRED if c in ours and ours[c].verdict == DIFFERS and ours[c].tests}


def _moved(found: Reproduction, claim: str) -> Iterator[tuple[Values, Outcome]]:
    """Yield every alternative alone, and the sets of several that bring the claim nearest."""
    yield from ((((m.choice, m.value),), m.outcomes[claim]) for m in found.moves if claim in m.outcomes)
    yield from ((t.values, t.outcome) for t in found.nearest if t.claim == claim and len(t.values) > 1)


def distances(found: Reproduction) -> list[dict[str, Any]]:
    """Return by how much each set of inputs leaves a claim missed, as plain data; the realisation has no inputs."""
    return [
        {"id": claim, "inputs": dict(values), "verdict": o.verdict, "points": o.points,
         "tests": [{"what": t.what, "found": t.found, "needed": t.needed} for t in o.tests]}
        for claim, base in _missed(found).items() if found.moves
        for values, o in (((), base), *_moved(found, claim))
    ]  # fmt: skip


def _distance(label: str, o: Outcome) -> str:
    return row_of(label, *(f"{t.found:.3g}" for t in o.tests), str(o.points), o.verdict)


def distance_lines(found: Reproduction) -> list[str]:
    """Return Markdown: one table for each required claim that differs."""
    lines: list[str] = []
    for claim, base in _missed(found).items():
        heads = ["input", *(f"{t.what}; needed {t.needed:g}" for t in base.tests), "tested at", "verdict"]
        lines += [f"**{claim}**", "", row_of(*heads), "|---" * len(heads) + "|", _distance("as realised", base)]
        rows = dict(_moved(found, claim))
        same = [named(values) for values, o in rows.items() if _distance("", o) == _distance("", base)]
        lines += [
            _distance(f"{named(values)}{_caution(values)}", o)
            for values, o in rows.items()
            if named(values) not in same
        ]
        lines += ["", f"Without effect: {', '.join(same) or 'none'}.", ""]
    return lines


def _caution(values: Values) -> str:
    """Say of a value that it is no open input of the papers."""
    if any(choices()[name].printed for name, _ in values):
        return " (the papers print another value)"
    return " (a word read as a number)" if any(choices()[name].wording for name, _ in values) else ""

"""What the papers do not print, as parts of the reproduction page: what decides a verdict, and what moves one."""

from __future__ import annotations

from collections.abc import Sequence

from carbonscaling.reproduce.claims import REQUIRED
from carbonscaling.reproduce.distance import named
from carbonscaling.reproduce.figure import DIFFERS, REPRODUCED
from carbonscaling.reproduce.realisation import choices
from carbonscaling.reproduce.run import Reproduction
from carbonscaling.reproduce.sensitivity import Move

__all__ = ["deciding_lines", "moved_text", "sensitivity_lines"]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_cell(c) for c in cells) + " |"


def moved_text(move: Move) -> str:
    """Return the verdicts that an alternative moves as a sentence."""
    return "; ".join(f"{name} {before} -> {after}" for name, before, after in move.moved) or "moves no verdict"


def _supported(name: str) -> str:
    choice = choices()[name]
    if choice.printed:
        return f"{choice.value:g}, as printed"
    known = (choice.value, *choice.variants)
    return f"{min(known):g} to {max(known):g}" if choice.range else " or ".join(f"{v:g}" for v in known)


def _turned(found: Reproduction, claim: str) -> list[tuple[str, str, bool]]:
    """Return inputs, what is known of them, and whether that includes the value, for all that turn a claim."""
    rows = [
        (
            named(d.values),
            "; ".join(f"{name} {_supported(name)}" for name, _ in d.values),
            d.plausible,
        )
        for d in found.decisions
        if d.claim == claim
    ]
    known = {frozenset(d.values) for d in found.decisions if d.claim == claim}
    rows += [
        (named(a.values), "; ".join(f"{name} {_supported(name)}" for name, _ in a.values), True)
        for a in found.nearest
        if a.claim == claim
        and a.outcome.verdict == REPRODUCED
        and len(a.values) > 1
        and frozenset(a.values) not in known
    ]
    tried = {name for d in found.decisions if d.claim == claim and len(d.values) == 1 for name, _ in d.values}
    for m in found.moves:
        if m.choice not in tried and (claim, DIFFERS, REPRODUCED) in m.moved:
            supported = choices()[m.choice].plausible(m.value)
            rows.append((f"{m.choice} = {m.value:g}", f"{m.choice} {_supported(m.choice)}", supported))
    return rows


def deciding_lines(found: Reproduction) -> list[str]:
    """Return Markdown: for each required claim, the inputs on which its verdict rests."""
    verdicts = {v.claim.id: v.paper.verdict for v in found.verdicts}
    lines = [
        "| required claim that differs | turned by | supported by paper or measurement | plausible |",
        "|---|---|---|---|",
    ]
    for claim in REQUIRED:
        if verdicts.get(claim) in (REPRODUCED, None):
            continue
        rows = _turned(found, claim)
        lines += [_row((claim, *row[:2], "yes" if row[2] else "no")) for row in rows]
        if not any(row[2] for row in rows):
            lines.append(_row((claim, "no supported value of any input, alone or with the others tried", "", "")))
    lines += [
        "",
        "Every other alternative, alone, leaves these claims as they are. Claims that are reproduced, and the supported "
        "values of one input with which they are not:",
        "",
    ]
    for claim in REQUIRED:
        falls = [f"{m.choice} = {m.value:g}" for m in found.moves if claim in _fallen(m)]
        if verdicts.get(claim) == REPRODUCED:
            lines.append(f"- {claim}: {', '.join(falls) or 'none does'}.")
    return lines


def _fallen(move: Move) -> set[str]:
    supported = choices()[move.choice].plausible(move.value)
    return {name for name, before, _ in move.moved if before == REPRODUCED and supported}


def sensitivity_lines(found: Reproduction) -> list[str]:
    """Return Markdown: every choice with its reason, and what each alternative moves."""
    lines = ["| input | value | why |", "|---|---|---|"]
    lines += [_row((name, f"{c.value:g}", c.reasoning)) for name, c in choices().items()]
    lines += ["", "| input | tried | verdicts of the paper mode that move |", "|---|---|---|"]
    return lines + [_row((m.choice, f"{m.value:g}", moved_text(m))) for m in found.moves]

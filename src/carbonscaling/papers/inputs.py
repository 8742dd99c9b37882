"""Parts of the reproduction page: engines, explanations, and what the papers do not print."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from carbonscaling.papers.deciding import Move
from carbonscaling.papers.explanations import Explanation
from carbonscaling.papers.figure import REPRODUCED
from carbonscaling.papers.realisation import choices, shown
from carbonscaling.papers.run import Reproduction

__all__ = ["engine_lines", "explanation_lines", "moved_text", "row_of", "sensitivity_lines", "turning_lines"]


def row_of(*cells: str) -> str:
    """Return a row of a Markdown table."""
    return "| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [row_of(*head), "|---" * len(head) + "|", *(row_of(*row) for row in rows), ""]


def moved_text(move: Move) -> str:
    """Return the verdicts that an alternative moves as a sentence."""
    return "; ".join(f"{name} {before} -> {after}" for name, before, after in move.moved) or "moves no verdict"


def engine_lines(found: Reproduction) -> list[str]:
    """Return Markdown: the verdicts under every engine, and how many are reproduced."""
    engines = list(found.by_engine)
    claims = list(found.by_engine[engines[0]])
    rows = [[claim, *(o[claim].verdict for o in found.by_engine.values())] for claim in claims]
    for version in ("v1", "v2"):
        n = [sum(o[c].verdict == REPRODUCED for c in claims if c.startswith(version)) for o in found.by_engine.values()]
        rows.append(
            [f"**reproduced of {sum(c.startswith(version) for c in claims)}, {version}**", *(f"**{k}**" for k in n)]
        )
    return _table(["claim", *(f"engine {e}" if len(e) == 1 else "this project's kernels" for e in engines)], rows)


def explanation_lines(found: Sequence[Explanation]) -> list[str]:
    """Return Markdown: every explanation with its numbers."""
    lines: list[str] = []
    for e in found:
        lines += [f"**{e.title}** ({', '.join(e.claims)}). {e.finding}", ""]
        lines += _table(e.table[0], e.table[1:]) if e.table else []
    return lines


def _supported(name: str) -> str:
    choice = choices()[name]
    if choice.printed:
        return f"{shown(choice.value)}, as printed"
    known = [v for v in (choice.value, *choice.variants) if not isinstance(v, str)]
    return f"{min(known):g} to {max(known):g}"


def turning_lines(found: Reproduction) -> list[str]:
    """Return Markdown: what turns the claims of the model that differ, and what fells those that hold."""
    rows = [
        (t.claim, f"{t.choice} = {t.value:.3g}", _supported(t.choice), "yes" if t.plausible else "no")
        for t in found.turns
    ]
    rows += [(claim, f"{m.choice} = {shown(m.value)}", "an alternative", "yes" if m.plausible else "no")
             for m in found.moves for claim, _, after in m.moved if after == REPRODUCED]  # fmt: skip
    lines = _table(["claim that differs", "turned by", "supported by paper or measurement", "plausible"], sorted(rows))
    held = [
        v.claim.id
        for v in found.verdicts
        if v.paper.verdict == REPRODUCED and v.claim.id in next(iter(found.by_engine.values()))
    ]
    lines += ["Claims that are reproduced, and the supported values of one input with which they are not:", ""]
    for claim in held:
        falls = [
            f"{m.choice} = {shown(m.value)}" for m in found.moves if m.plausible and claim in {c for c, _, _ in m.moved}
        ]
        lines.append(f"- {claim}: {', '.join(falls) or 'none does'}.")
    return lines


def sensitivity_lines(found: Reproduction) -> list[str]:
    """Return Markdown: every choice with its reason, and what each alternative moves."""
    lines = _table(["input", "value", "why"], [(name, shown(c.value), c.reasoning) for name, c in choices().items()])
    moved = [(m.choice, shown(m.value), moved_text(m)) for m in found.moves]
    return lines + _table(["input", "tried", "verdicts of the paper mode that move"], moved)

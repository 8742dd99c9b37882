"""The reproduction as text: a table for the terminal, and ``docs/reproduction.md``."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from carbonscaling.reproduce.claims import verdict_rows
from carbonscaling.reproduce.figure import CANNOT, REPRODUCED, panel_rows
from carbonscaling.reproduce.realisation import choices
from carbonscaling.reproduce.run import Reproduction

__all__ = ["CONTRADICTIONS", "data", "markdown", "panels_csv", "table", "verdicts_csv"]

CONTRADICTIONS = (
    "Layers: version 1 prints L = 0.402 d^0.75; every size that either version prints needs 0.1618 (ruling R1).",
    "Parameters: version 1 calls d = 1,572,864 a model of 1e16 parameters; its own formula gives 1.5e20.",
    "V100: its die is 815 mm2 in version 1 and 680 mm2 in version 2; each version is reproduced with its own.",
    "Embodied share: version 2's 80 % and 97 % (figure 7) need 19 % embodied carbon at 323 g/kWh; its tables give 2 to 3 %.",
    "Batch: algorithm 1 divides the tokens of a batch over N_DP, the text around it speaks of sequences.",
    "H100 and B100 have the same printed TDP, yet figures 7a and 5a show operational carbon per device rising between them.",
)
"""Where a paper's text contradicts itself."""

SUMMARY = (
    "**What agrees.** The qualitative picture stands: newer GPUs train the same model with less carbon, with shrinking steps; "
    "utilisation at the optimum falls as models grow; embodied carbon and static power are real but smaller lines than idle "
    "devices; growing carbon per area takes part of a projection's saving back.",
    "**What differs.** Magnitudes. With a critical batch that grows as C^1/6 nothing beyond d = 24,576 trains within three "
    "months on any device of the papers: a step has to pass through the whole depth of the network, and more devices do not "
    "shorten that. The practical carbon is therefore not 2 to 5 times the ideal but more, and the exponent of the power law "
    "flattens. The embodied share is 1 to 10 %, not 19 % or more, and it does not rise with every generation. The reported "
    "coefficients of determination do not repeat on public measurements.",
    "**What to take from it.** Compare devices, regions and settings with it, and read every absolute figure beyond 1e13 "
    "parameters as an extrapolation that the three-month deadline decides. The verdicts that an unprinted input decides are "
    "in the sensitivity table.",
)


def data(found: Reproduction) -> dict[str, Any]:
    """Return everything as plain data, for ``--json``."""
    return {
        "claims": verdict_rows(found.verdicts),
        "sensitivity": [
            {
                "choice": m.choice,
                "value": m.value,
                "moved": [dict(zip(("id", "from", "to"), x, strict=True)) for x in m.moved],
            }
            for m in found.moves
        ],
        "panels": [{"mode": mode, **row} for mode, panel in found.panels for row in panel_rows([panel])],
    }


def _style(verdict: str) -> str:
    return {REPRODUCED: "green", CANNOT: "dim"}.get(verdict, "yellow")


def _short(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"


def table(found: Reproduction) -> RenderableType:
    """Return the claims as a page for people."""
    grid = Table(box=None, pad_edge=False)
    for name in ("claim", "paper", "ours, paper mode", "verdict", "ours, physical mode", "verdict"):
        grid.add_column(name, overflow="fold")
    parts: list[RenderableType] = [grid, Text("")]
    for row, v in zip(verdict_rows(found.verdicts), found.verdicts, strict=True):
        grid.add_row(row["id"], v.claim.value or "order", _short(v.paper.ours), Text(v.paper.verdict, _style(v.paper.verdict)),
                     _short(v.physical.ours), Text(v.physical.verdict, _style(v.physical.verdict)))  # fmt: skip
        parts.append(Text(f"{row['id']}: {v.claim.claim}. {_sentence(row['reason'])}"))
    if found.moves:
        parts += [Text(""), Text("Sensitivity of the paper mode to what the papers do not print", "bold")]
        parts += [Text(f"  {m.choice} = {m.value:g}: {_moved(m.moved)}") for m in found.moves]
    return Group(*parts)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "."


def _moved(moved: Sequence[tuple[str, str, str]]) -> str:
    return "; ".join(f"{name} {before} -> {after}" for name, before, after in moved) or "moves no verdict"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def markdown(found: Reproduction, folder: str) -> str:
    """Return the reproduction page; figures are linked in `folder`."""
    rows = verdict_rows(found.verdicts)
    count = {mode: Counter(row[f"verdict_{mode}"] for row in rows) for mode in ("paper", "physical")}
    lines = [
        "# Both papers, reproduced", "",
        "Generated by `carbonscaling reproduce --page docs/reproduction.md`. Paper mode: the papers' hardware rows, strict "
        "search, power split, CPA and lifetimes, uncalibrated. Physical mode: everyday hardware, calibrated model, sourced "
        "carbon.", "",
    ]  # fmt: skip
    for mode, verdicts in count.items():
        lines.append(
            f"- {mode} mode: {', '.join(f'{n} {verdict}' for verdict, n in sorted(verdicts.items()))}, of {len(rows)} claims."
        )
    lines += ["", *(line for text in SUMMARY for line in (text, "")), "## Claims", "",
              "| claim | paper | ours, paper mode | verdict | ours, physical mode | verdict |",
              "|---|---|---|---|---|---|"]  # fmt: skip
    for row, v in zip(rows, found.verdicts, strict=True):
        cells = (f"[{row['id']}](#{row['id']})", v.claim.value or v.claim.claim, _short(v.paper.ours), f"**{v.paper.verdict}**",
                 _short(v.physical.ours), f"**{v.physical.verdict}**")  # fmt: skip
        lines.append("| " + " | ".join(_cell(c) for c in cells) + " |")
    lines += ["", "### Reasons", ""]
    for row, v in zip(rows, found.verdicts, strict=True):
        lines += [f'- <a id="{row["id"]}"></a>**{row["id"]}** ({v.claim.claim}): {_sentence(row["reason"])}']
    lines += ["", "## Where the papers contradict themselves", "", *(f"- {text}" for text in CONTRADICTIONS)]
    lines += ["", "## What the papers do not print", "",
              "One realisation (`catalog/papers.toml`), chosen for its reason and not for a claim. The last column shows which "
              "verdicts of the paper mode move with another value.", "",
              "| parameter | value | tried | why | verdicts that move |", "|---|---|---|---|---|"]  # fmt: skip
    for m in found.moves:
        c = choices()[m.choice]
        lines.append(
            "| "
            + " | ".join(_cell(t) for t in (m.choice, f"{c.value:g}", f"{m.value:g}", c.reasoning, _moved(m.moved)))
            + " |"
        )
    lines += [
        "",
        "## Figures",
        "",
        "Left: paper mode. Right: physical mode. The data behind each are in `panels.csv` beside them.",
        "",
    ]
    for name in dict.fromkeys(panel.name for _, panel in found.panels):
        lines += [
            f"![{name}, paper mode]({folder}/{name}-paper.svg) ![{name}, physical mode]({folder}/{name}-physical.svg)",
            "",
        ]
    return "\n".join(lines).rstrip() + "\n"


def _csv(rows: Sequence[dict[str, Any]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def panels_csv(found: Reproduction) -> str:
    """Return the data behind every panel."""
    return _csv([{"mode": mode, **row} for mode, panel in found.panels for row in panel_rows([panel])])


def verdicts_csv(found: Reproduction) -> str:
    """Return the claims table."""
    return _csv(verdict_rows(found.verdicts))

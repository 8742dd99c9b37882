"""Version 1, figures 9 and 10: what training algorithms save on B100, alone and with 8-year hardware."""

from __future__ import annotations

from carbonscaling.papers.curves import curve, curve_panel, percent, saving, sizes, untested
from carbonscaling.papers.figure import CANNOT, Figure, Outcome, Panel, verdict_of
from carbonscaling.papers.study import V1_LIMITS, Point, Study, carbon

__all__ = ["METHODS", "fig9", "fig10"]

METHODS: dict[str, dict[str, bool]] = {
    "aggressive batch": {"aggressive": True},
    "dynamic eviction": {"eviction": True},
    "flexible sharding": {"flexible": True},
}
TOGETHER = {"aggressive": True, "eviction": True, "flexible": True}
LIMIT_T = 1e7
INSIGNIFICANT, MARKED = 0.1, 0.2
"""Savings below the first share are insignificant or marginal; from the second on they are marked."""
ROUNDING = 1e-9

Savings = dict[str, list[float]]


def fig9(study: Study) -> Figure:
    """Return B100 with each method: savings on both sides of 1e7 tonnes of the baseline, at the sizes that it can train."""
    base = study.row("v1", "B100", V1_LIMITS)
    rows = {name: study.row("v1", "B100", V1_LIMITS, **change) for name, change in METHODS.items()}

    def panels() -> tuple[Panel, ...]:
        together = curve("all three", study.row("v1", "B100", V1_LIMITS, **TOGETHER))
        series = [curve("B100", base), *(curve(k, v) for k, v in rows.items()), together]
        return (curve_panel("v1-fig9", "Training algorithms on B100", series, f"Baseline {sizes(base)}."),)

    below, above = ({name: [saving(carbon(b), carbon(m)) for b, m in zip(base, row, strict=True)
                            if b.found and m.found and (carbon(b) < LIMIT_T) == small] for name, row in rows.items()}
                    for small in (True, False))  # fmt: skip
    return Figure({**_small(below, base), "v1-fig9-large": _large(above, base, rows)}, panels)


def _text(savings: Savings) -> str:
    return "saves: " + "; ".join(f"{name} {percent(s)}" for name, s in savings.items())


def _small(savings: Savings, base: list[Point]) -> dict[str, Outcome]:
    if not all(savings.values()):
        return untested("v1-fig9-small")
    holds = all(abs(s) < INSIGNIFICANT for row in savings.values() for s in row)
    why = f"insignificant read as below {100 * INSIGNIFICANT:.0f} %; {sizes(base)}"
    return {"v1-fig9-small": Outcome(_text(savings), verdict_of(holds), why)}


def _large(savings: Savings, base: list[Point], rows: dict[str, list[Point]]) -> Outcome:
    if not all(savings.values()):
        opened = _only(rows["aggressive batch"], base)
        more = f"; aggressive batch alone makes {opened} possible" if opened else ""
        why = f"the baseline has no setting in time above 1e7 t{more}; {sizes(base)}"
        return Outcome("no baseline above 1e7 t", CANNOT, why)
    marked = all(s >= MARKED for s in savings["aggressive batch"])
    others = [s for name, row in savings.items() if name != "aggressive batch" for s in row]
    holds = marked and all(-ROUNDING <= s < INSIGNIFICANT for s in others)
    return Outcome(_text(savings), verdict_of(holds), f"markedly read as {100 * MARKED:.0f} % or more; {sizes(base)}")


def _only(these: list[Point], others: list[Point]) -> str:
    """Return the widths that only these can train."""
    return ", ".join(f"d = {a.d_model:,}" for a, b in zip(these, others, strict=True) if a.found and not b.found)


def fig10(study: Study) -> Figure:
    """Return 8-year hardware with the aggressive batch: below the baseline at every size that both can train."""
    base = study.row("v1", "B100", V1_LIMITS)
    both = study.row("v1", "B100", V1_LIMITS, years=8, aggressive=True)

    def panels() -> tuple[Panel, ...]:
        every = study.row("v1", "B100", V1_LIMITS, years=8, **TOGETHER)
        series = [curve("B100", base), curve("8 years + aggressive batch", both), curve("8 years + all three", every)]
        return (curve_panel("v1-fig10", "8-year hardware with training algorithms", series, f"B100 {sizes(base)}."),)

    saved = [saving(carbon(b), carbon(f)) for b, f in zip(base, both, strict=True) if b.found and f.found]
    if not saved:
        return Figure(untested("v1-fig10"), panels)
    lost, opened = _only(base, both), _only(both, base)
    more = f"; it also trains {opened}, which the baseline cannot in time" if opened else ""
    less = f"; it has no setting at {lost}" if lost else ""
    verdict = verdict_of(all(s > 0 for s in saved) and not lost)
    return Figure(
        {"v1-fig10": Outcome(f"saves {percent(saved)}", verdict, f"baseline {sizes(base)}{more}{less}")}, panels
    )

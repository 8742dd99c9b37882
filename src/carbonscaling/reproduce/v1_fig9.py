"""Version 1, figure 9: what training algorithms save on B100."""

from __future__ import annotations

from carbonscaling.reproduce.curves import curve, curve_panel, percent, saving, sizes, untested
from carbonscaling.reproduce.figure import CANNOT, Outcome, Panel, verdict_of
from carbonscaling.reproduce.study import V1_LIMITS, Point, Study, carbon

__all__ = ["METHODS", "outcomes", "panels"]

METHODS: dict[str, dict[str, bool]] = {
    "aggressive batch": {"aggressive": True},
    "dynamic eviction": {"eviction": True},
    "flexible sharding": {"flexible": True},
}
LIMIT_T = 1e7
INSIGNIFICANT, MARKED = 0.1, 0.2
"""Savings below the first share are insignificant or marginal; from the second on they are marked."""
ROUNDING = 1e-9


def _rows(study: Study) -> tuple[list[Point], dict[str, list[Point]]]:
    base = study.row("v1", "B100", V1_LIMITS)
    return base, {name: study.row("v1", "B100", V1_LIMITS, **change) for name, change in METHODS.items()}


def panels(study: Study) -> tuple[Panel, ...]:
    """Return the baseline, each method, and all of them together."""
    base, rows = _rows(study)
    together = study.row("v1", "B100", V1_LIMITS, aggressive=True, eviction=True, flexible=True)
    series = [curve("B100", base), *(curve(k, v) for k, v in rows.items()), curve("all three", together)]
    return (curve_panel("v1-fig9", "Training algorithms on B100", series, f"Baseline {sizes(base)}."),)


def outcomes(study: Study) -> dict[str, Outcome]:
    """Test the savings on both sides of 1e7 tonnes of the baseline, at the sizes that the baseline can train."""
    base, rows = _rows(study)
    below: dict[str, list[float]] = {name: [] for name in rows}
    above: dict[str, list[float]] = {name: [] for name in rows}
    for name, row in rows.items():
        for b, m in zip(base, row, strict=True):
            if b.found and m.found:
                (below if carbon(b) < LIMIT_T else above)[name].append(saving(carbon(b), carbon(m)))
    return {"v1-fig9-small": _small(below, base), "v1-fig9-large": _large(above, base, rows)}


def _text(savings: dict[str, list[float]]) -> str:
    return "saves: " + "; ".join(f"{name} {percent(s)}" for name, s in savings.items())


def _small(savings: dict[str, list[float]], base: list[Point]) -> Outcome:
    if not all(savings.values()):
        return untested()
    holds = all(abs(s) < INSIGNIFICANT for row in savings.values() for s in row)
    return Outcome(
        _text(savings), verdict_of(holds), f"insignificant read as below {100 * INSIGNIFICANT:.0f} %; {sizes(base)}"
    )


def _large(savings: dict[str, list[float]], base: list[Point], rows: dict[str, list[Point]]) -> Outcome:
    if not all(savings.values()):
        opened = [
            f"d = {m.d_model:,}" for b, m in zip(base, rows["aggressive batch"], strict=True) if m.found and not b.found
        ]
        more = f"; aggressive batch alone makes {', '.join(opened)} possible" if opened else ""
        return Outcome(
            "no baseline above 1e7 t", CANNOT, f"the baseline has no setting in time above 1e7 t{more}; {sizes(base)}"
        )
    others = [s for name, row in savings.items() if name != "aggressive batch" for s in row]
    holds = all(s >= MARKED for s in savings["aggressive batch"]) and all(
        -ROUNDING <= s < INSIGNIFICANT for s in others
    )
    return Outcome(_text(savings), verdict_of(holds), f"markedly read as {100 * MARKED:.0f} % or more; {sizes(base)}")

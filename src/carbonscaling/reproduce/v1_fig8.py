"""Version 1, figure 8: B100 and what 4 and 8 years of technology make of it, over the extended range of sizes."""

from __future__ import annotations

from carbonscaling.reproduce.curves import curve, curve_panel, descending, percent, saving, sizes, untested
from carbonscaling.reproduce.figure import CANNOT, Outcome, Panel, verdict_of
from carbonscaling.reproduce.study import V1_LIMITS, Study, carbon

__all__ = ["outcomes", "panels"]

LARGE = 1e14
"""Parameters beyond which version 1 sees savings diminish."""


def panels(study: Study) -> tuple[Panel, ...]:
    """Return the three curves."""
    rows = {f"B100{f' + {y} years' if y else ''}": study.row("v1", "B100", V1_LIMITS, years=y) for y in (0, 4, 8)}
    note = f"B100 {sizes(rows['B100'])}. The text gives d = 1,572,864 as 1e16 parameters; the formula gives 1.5e20."
    return (curve_panel("v1-fig8", "B100 in 4 and 8 years", [curve(k, v) for k, v in rows.items()], note),)


def outcomes(study: Study) -> dict[str, Outcome]:
    """Test that savings are there at small sizes and shrink from 1e14 parameters on."""
    base = study.row("v1", "B100", V1_LIMITS)
    small, large = True, True
    texts, seen_large = [], False
    for years in (4, 8):
        future = study.row("v1", "B100", V1_LIMITS, years=years)
        pairs = [
            (b.n_params, saving(carbon(b), carbon(f))) for b, f in zip(base, future, strict=True) if b.found and f.found
        ]
        if not pairs:
            return {"v1-fig8": untested()}
        below, above = [s for n, s in pairs if n < LARGE], [s for n, s in pairs if n >= LARGE]
        small &= all(s > 0 for s in below)
        seen_large |= bool(above)
        large &= descending([*below[-1:], *above])
        texts.append(f"{years} years: {percent([s for _, s in pairs])}")
    text, where = "; ".join(texts), sizes(base)
    if not small:
        return {"v1-fig8": Outcome(text, verdict_of(False), f"no saving at a small size; {where}")}
    if not seen_large:
        return {"v1-fig8": Outcome(text, CANNOT, f"the saving at small sizes is there; {where}, so nothing shows what happens "
                                   "at 1e14 to 1e15 parameters")}  # fmt: skip
    return {"v1-fig8": Outcome(text, verdict_of(large), where)}

"""Version 1, figure 10: 8-year hardware with the aggressive critical batch against B100."""

from __future__ import annotations

from carbonscaling.reproduce.curves import curve, curve_panel, percent, saving, sizes, untested
from carbonscaling.reproduce.figure import Outcome, Panel, verdict_of
from carbonscaling.reproduce.study import V1_LIMITS, Study, carbon

__all__ = ["outcomes", "panels"]


def panels(study: Study) -> tuple[Panel, ...]:
    """Return both curves and the combination of everything."""
    rows = {
        "B100": study.row("v1", "B100", V1_LIMITS),
        "8 years + aggressive batch": study.row("v1", "B100", V1_LIMITS, years=8, aggressive=True),
        "8 years + all three": study.row(
            "v1", "B100", V1_LIMITS, years=8, aggressive=True, eviction=True, flexible=True
        ),
    }
    return (curve_panel("v1-fig10", "8-year hardware with training algorithms", [curve(k, v) for k, v in rows.items()],
                        f"B100 {sizes(rows['B100'])}."),)  # fmt: skip


def outcomes(study: Study) -> dict[str, Outcome]:
    """Test that the combination is below the baseline at every size that both can train."""
    base = study.row("v1", "B100", V1_LIMITS)
    both = study.row("v1", "B100", V1_LIMITS, years=8, aggressive=True)
    saved = [saving(carbon(b), carbon(f)) for b, f in zip(base, both, strict=True) if b.found and f.found]
    if not saved:
        return {"v1-fig10": untested()}
    lost = [f"d = {b.d_model:,}" for b, f in zip(base, both, strict=True) if b.found and not f.found]
    opened = [f"d = {b.d_model:,}" for b, f in zip(base, both, strict=True) if f.found and not b.found]
    more = f"; it also trains {', '.join(opened)}, which the baseline cannot in time" if opened else ""
    less = f"; it has no setting at {', '.join(lost)}" if lost else ""
    return {"v1-fig10": Outcome(f"saves {percent(saved)}", verdict_of(all(s > 0 for s in saved) and not lost),
                                f"baseline {sizes(base)}{more}{less}")}  # fmt: skip

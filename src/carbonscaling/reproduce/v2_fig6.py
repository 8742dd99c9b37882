"""Version 2, figure 6: B100 projected by 5 and 10 years, with and without growing CPA, and 8-bit training."""

from __future__ import annotations

from carbonscaling.reproduce.curves import curve, curve_panel, percent, saving, sizes, untested
from carbonscaling.reproduce.figure import Outcome, Panel, verdict_of
from carbonscaling.reproduce.study import V2_WIDTHS, Point, Study, carbon

__all__ = ["outcomes", "panels"]

BANDS = {"v2-fig6a-5y": (0.57, 0.67), "v2-fig6a-10y": (0.78, 0.88), "v2-fig6b": (0.37, 0.47)}


def panels(study: Study) -> tuple[Panel, ...]:
    """Return both panels."""
    base = study.row("v2", "B100", V2_WIDTHS)
    future = [curve("B100", base)]
    for years in (5, 10):
        for euv in (False, True):
            label = f"{years} years{', CPA +10 % a year' if euv else ''}"
            future.append(curve(label, study.row("v2", "B100", V2_WIDTHS, years=years, cpa_growth=euv)))
    qat = [curve("B100", base), curve("8-bit (QAT)", study.row("v2", "B100", V2_WIDTHS, precision="qat-fp8"))]
    return (
        curve_panel("v2-fig6a", "B100 in 5 and 10 years", future),
        curve_panel("v2-fig6b", "Quantisation-aware training on B100", qat,
                    "Compute, weights, activations and traffic in 8 bit; optimizer states in float32."),
    )  # fmt: skip


def _savings(base: list[Point], other: list[Point]) -> list[float]:
    return [saving(carbon(b), carbon(o)) for b, o in zip(base, other, strict=True) if b.found and o.found]


def _band(name: str, saved: list[float], base: list[Point]) -> Outcome:
    if not saved:
        return untested()
    mean, (low, high) = sum(saved) / len(saved), BANDS[name]
    return Outcome(
        round(mean, 4), verdict_of(low <= mean <= high), f"mean over sizes, {percent(saved)} each; {sizes(base)}"
    )


def outcomes(study: Study) -> dict[str, Outcome]:
    """Test the mean savings over all sizes, and that growing CPA takes some of them back at every size."""
    base = study.row("v2", "B100", V2_WIDTHS)
    found, back, texts = {}, True, []
    for years in (5, 10):
        plain = study.row("v2", "B100", V2_WIDTHS, years=years)
        euv = study.row("v2", "B100", V2_WIDTHS, years=years, cpa_growth=True)
        found[f"v2-fig6a-{years}y"] = _band(f"v2-fig6a-{years}y", _savings(base, plain), base)
        back &= all(
            carbon(p) < carbon(e) < carbon(b) for b, p, e in zip(base, plain, euv, strict=True) if b.found and p.found
        )
        texts.append(f"{years} years: saves {percent(_savings(base, euv))}")
    found["v2-fig6a-euv"] = Outcome("; ".join(texts), verdict_of(back),
                                    f"between the projection without growing CPA and B100; {sizes(base)}")  # fmt: skip
    qat = study.row("v2", "B100", V2_WIDTHS, precision="qat-fp8")
    found["v2-fig6b"] = _band("v2-fig6b", _savings(base, qat), base)
    return found

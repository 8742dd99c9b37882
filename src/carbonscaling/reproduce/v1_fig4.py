"""Version 1, figure 4: loss against carbon on B100, ideal, low-static, without embodied, and as it is."""

from __future__ import annotations

from carbonscaling.carbon.footprint import low_static, without_embodied
from carbonscaling.reproduce.curves import curve, curve_panel, descending, law_of, sizes, untested
from carbonscaling.reproduce.figure import Outcome, Panel, Series, verdict_of
from carbonscaling.reproduce.powerlaw import PowerLaw
from carbonscaling.reproduce.study import V1_WIDTHS, Point, Study, carbon

__all__ = ["outcomes", "panels"]

CLOSE = 0.2
"""Exponents are close if they differ by less than this share."""


def _ideal(p: Point) -> float:
    return p.ideal_tonnes(float(p.numbers.busy_w))


def panels(study: Study) -> tuple[Panel, ...]:
    """Return the four curves; the ideal one needs no setting and covers every size."""
    points = study.row("v1", "B100", V1_WIDTHS)
    ideal = Series("ideal", tuple(_ideal(p) for p in points), tuple(p.loss for p in points))
    series = (ideal, curve("low static", points, low_static), curve("no embodied", points, without_embodied),
              curve("B100", points))  # fmt: skip
    return (curve_panel("v1-fig4", "Loss against carbon, B100 (version 1)", series, sizes(points).capitalize() + "."),)


def outcomes(study: Study) -> dict[str, Outcome]:
    """Test the ratio to the ideal, the power law and the order."""
    points = study.row("v1", "B100", V1_WIDTHS)
    kept = [p for p in points if p.found is not None]
    if len(kept) < 2:
        return {name: untested() for name in ("v1-fig4-ratio", "v1-fig4-law", "v1-fig4-order")}
    ratio = [carbon(p) / _ideal(p) for p in kept]
    text = f"{min(ratio):.1f} to {max(ratio):.1f}"
    ideal, real = (
        law_of(Series("", tuple(_ideal(p) for p in kept), tuple(p.loss for p in kept))),
        law_of(curve("", kept)),
    )
    order = all(descending([carbon(p), carbon(p, without_embodied), carbon(p, low_static), _ideal(p)]) for p in kept)
    at_each = ", ".join(f"{r:.1f} at d = {p.d_model:,}" for r, p in zip(ratio, kept, strict=True))
    return {
        "v1-fig4-ratio": Outcome(text, verdict_of(all(2.0 <= r <= 5.0 for r in ratio)),
                                 f"B100 over ideal: {at_each}; {sizes(points)}"),
        "v1-fig4-law": _law(ideal, real, sizes(points)),
        "v1-fig4-order": Outcome("holds" if order else "broken", verdict_of(order), sizes(points)),
    }  # fmt: skip


def _law(ideal: PowerLaw | None, real: PowerLaw | None, where: str) -> Outcome:
    if ideal is None or real is None or real.n < 3:
        return untested(f"a power law needs three sizes; {where}")
    holds = abs(real.alpha / ideal.alpha - 1.0) <= CLOSE and real.k > ideal.k
    text = f"alpha {real.alpha:.3f} against {ideal.alpha:.3f}, k {real.k:.3g} against {ideal.k:.3g}"
    why = f"ideal: {ideal}; B100: {real}; 'similar' read as within {100 * CLOSE:.0f} %; {where}"
    return Outcome(text, verdict_of(holds), why)

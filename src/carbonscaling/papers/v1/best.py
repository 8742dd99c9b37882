"""Version 1, figures 4 and 5: loss against carbon on B100, the median setting, utilisation against size."""

from __future__ import annotations

from collections.abc import Sequence

from carbonscaling.carbon.footprint import low_static, without_embodied
from carbonscaling.papers.curves import (
    curve,
    curve_panel,
    descending,
    fit,
    found,
    ideal_curve,
    sizes,
    times,
    untested,
)
from carbonscaling.papers.figure import Figure, Outcome, Panel, Series, verdict_of
from carbonscaling.papers.study import V1_WIDTHS, Point, Study, carbon

__all__ = ["fig4", "fig5"]

CLOSE = 0.2
"""Exponents are close if they differ by less than this share."""
POPULATION = "The setting with the median step time on the optimum's devices."


def _ideal(p: Point) -> float:
    return p.ideal_tonnes(float(p.numbers.busy_w))


def fig4(study: Study) -> Figure:
    """Return loss against carbon, ideal, low-static, without embodied, and as it is; the ideal covers every size."""
    points = study.row("v1", "B100", V1_WIDTHS)
    series = (ideal_curve(points, _ideal), curve("low static", points, low_static),
              curve("no embodied", points, without_embodied), curve("B100", points))  # fmt: skip
    panel = curve_panel("v1-fig4", "Loss against carbon, B100 (version 1)", series, f"{sizes(points).capitalize()}.",
                        [times("2 to 5 times the ideal", series[0], 2.0, 5.0)])  # fmt: skip
    kept = found(points)
    if len(kept) < 2:
        return Figure(untested("v1-fig4-ratio", "v1-fig4-law", "v1-fig4-order"), lambda: (panel,))
    ratio = [carbon(p) / _ideal(p) for p in kept]
    order = all(descending([carbon(p), carbon(p, without_embodied), carbon(p, low_static), _ideal(p)]) for p in kept)
    at_each = ", ".join(f"{r:.1f} at d = {p.d_model:,}" for r, p in zip(ratio, kept, strict=True))
    outcomes = {
        "v1-fig4-ratio": Outcome(f"{min(ratio):.1f} to {max(ratio):.1f}", verdict_of(all(2.0 <= r <= 5.0 for r in ratio)),
                                 f"B100 over ideal: {at_each}; {sizes(points)}"),
        **_law(kept, sizes(points)),
        "v1-fig4-order": Outcome("holds" if order else "broken", verdict_of(order), sizes(points)),
    }  # fmt: skip
    return Figure(outcomes, lambda: (panel,))


def _law(kept: Sequence[Point], where: str) -> dict[str, Outcome]:
    ideal, real = (fit(s.x, s.y) for s in (ideal_curve(kept, _ideal), curve("", kept)))
    if ideal is None or real is None or real.n < 3:
        return untested("v1-fig4-law", reason=f"a power law needs three sizes; {where}")
    holds = abs(real.alpha / ideal.alpha - 1.0) <= CLOSE and real.k > ideal.k
    text = f"alpha {real.alpha:.3f} against {ideal.alpha:.3f}, k {real.k:.3g} against {ideal.k:.3g}"
    why = f"ideal: {ideal}; B100: {real}; 'similar' read as within {100 * CLOSE:.0f} %; {where}"
    return {"v1-fig4-law": Outcome(text, verdict_of(holds), why)}


def fig5(study: Study) -> Figure:
    """Return the carbon of the median setting, and utilisation, at every size that has an answer."""
    points = study.row("v1", "B100", V1_WIDTHS)
    kept = found(points)
    use = [p.found.utilisation for p in kept if p.found]
    median = [study.median_carbon("v1", "B100", p.d_model) for p in kept]

    def panels() -> tuple[Panel, ...]:
        series = Series("median latency", tuple(median), tuple(p.loss for p in kept)), curve("optimum", points)
        used = Series("B100", tuple(p.n_params for p in kept), tuple(use))
        return (
            curve_panel("v1-fig5a", "Optimum and median setting, B100", series, POPULATION),
            Panel("v1-fig5b", "Utilisation at the optimum, B100", "parameters", "model-FLOPs utilisation", (used,),
                  log_y=False, note=f"{sizes(points).capitalize()}."),
        )  # fmt: skip

    if len(kept) < 2:
        return Figure(untested("v1-fig5a", "v1-fig5b"), panels)
    falling = Outcome(" > ".join(f"{u:.3f}" for u in use), verdict_of(descending(use)), sizes(points))
    outcomes = {"v1-fig5a": _far_above(points, median, study.choice.far_above), "v1-fig5b": falling}
    return Figure(outcomes, panels)


def _far_above(points: Sequence[Point], median: Sequence[float], far: float) -> Outcome:
    kept = found(points)
    best = [carbon(p) for p in kept]
    ratios = [m / b for m, b in zip(median, best, strict=True)]
    saved = [1.0 - min(carbon(p, without_embodied), carbon(p, low_static)) / b for p, b in zip(kept, best, strict=True)]
    beyond = [r - 1.0 - s for r, s in zip(ratios, saved, strict=True)]
    at_each = ", ".join(
        f"{100 * (r - 1.0):+.0f} % against {100 * s:.0f} % at d = {p.d_model:,} on {p.found.n_devices:,} devices"
        for r, s, p in zip(ratios, saved, kept, strict=True)
        if p.found
    )
    return Outcome(f"{min(ratios):.2f} to {max(ratios):.2f} times the optimum",
                   verdict_of(min(ratios) >= far and min(beyond) > 0.0),
                   "excess of the median setting against what no-embodied or low-static saves: "
                   f"{at_each}; 'far above' read as {far:g} times or more; {sizes(points)}")  # fmt: skip

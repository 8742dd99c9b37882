"""Version 2, its sizes and figures 4 and 5: loss against carbon over GPU and TPU generations, a 1T model on each GPU."""

from __future__ import annotations

from carbonscaling.carbon.footprint import without_embodied
from carbonscaling.catalog import laws
from carbonscaling.papers.curves import curve, curve_panel, descending, fit, found, ideal_curve, sizes, untested
from carbonscaling.papers.figure import Figure, Outcome, Panel, Series, verdict_of
from carbonscaling.papers.generations import one_model
from carbonscaling.papers.study import V2_WIDTHS, Point, Study, carbon

__all__ = ["fig4", "fig5", "sizes_of_the_family"]

LOW, HIGH = 24.4e12, 24.7e12
STRAIGHT = 0.95
"""Least R2 in logarithms for a curve to be called a power law."""
PAIRS = (
    ("V100", "A100"),
    ("A100", "TPUv4"),
    ("A100", "TPUv5p"),
    ("TPUv4", "H100"),
    ("TPUv5p", "H100"),
    ("H100", "B100"),
)


def sizes_of_the_family(_study: Study) -> Figure:
    """Return parameters over width, with the corrected and the printed layer count; no hardware enters."""
    n = {layers: [float(laws.paper_family("v2", layers=layers).exact(float(d)).n_params) for d in V2_WIDTHS]
         for layers in ("refit", "printed")}  # fmt: skip
    small, large, printed = n["refit"][0], n["refit"][-1], n["printed"][-1]
    x = tuple(float(d) for d in V2_WIDTHS)
    panel = Panel("v2-sizes", "Sizes of the model family", "model width d", "parameters",
                  (Series("L = 0.1618 d^0.75", x, tuple(n["refit"])),
                   Series("L = 0.402 d^0.75, as printed", x, tuple(n["printed"]))),
                  note="The papers' own sizes need 0.1618; the printed 0.402 gives 2.5 times each of them.")  # fmt: skip
    why = f"{small / 1e9:.3f}B to {large / 1e9:,.0f}B with L = 0.1618 d^0.75; the printed 0.402 would give "
    outcome = Outcome(large, verdict_of(LOW <= large <= HIGH), f"{why}{printed / 1e9:,.0f}B")
    return Figure({"v2-sizes": outcome}, lambda: (panel,))


def _ideal(p: Point) -> float:
    return p.ideal_tonnes(float(p.numbers.busy_w - p.numbers.idle_w))


def fig4(study: Study) -> Figure:
    """Return the order of the curves and the law, then the order of the devices; the ideal has dynamic power only."""
    points = study.row("v2", "B100", V2_WIDTHS)
    series = ideal_curve(points, _ideal), curve("no embodied", points, without_embodied), curve("B100", points)

    def panels() -> tuple[Panel, ...]:
        rows = [curve(name, study.row("v2", name, V2_WIDTHS)) for name in study.devices("v2")]
        note = f"{sizes(points).capitalize()}."
        return (curve_panel("v2-fig4a", "Loss against carbon, B100 (version 2)", series, note),
                curve_panel("v2-fig4b", "GPU and TPU generations (version 2)", rows))  # fmt: skip

    kept = found(points)
    if len(kept) < 3:
        return Figure(untested("v2-fig4a", "v2-fig4b"), panels)
    order = all(descending([carbon(p), carbon(p, without_embodied), _ideal(p)]) for p in kept)
    law = fit(series[-1].x, series[-1].y)
    straight = law is not None and law.r2 >= STRAIGHT
    text = f"order {'holds' if order else 'broken'}, {law}"
    why = f"a power law read as R2 of {STRAIGHT} or more; {sizes(points)}"
    return Figure({"v2-fig4a": Outcome(text, verdict_of(order and straight), why), **_generations(study)}, panels)


def _generations(study: Study) -> dict[str, Outcome]:
    broken, tested = [], 0
    for d in V2_WIDTHS:
        tonnes = {name: carbon(p) for name in study.devices("v2") if (p := study.point("v2", name, d)).found}
        both = [(more, less) for more, less in PAIRS if more in tonnes and less in tonnes]
        tested += len(both)
        broken += [f"{more} {tonnes[more]:.3g} t, {less} {tonnes[less]:.3g} t at d = {d:,}"
                   for more, less in both if tonnes[more] <= tonnes[less]]  # fmt: skip
    if not tested:
        return untested("v2-fig4b")
    reason = f"broken: {'; '.join(broken)}" if broken else "every pair at every size that both can train"
    return {"v2-fig4b": Outcome(f"{tested - len(broken)} of {tested} pairs in order", verdict_of(not broken), reason)}


def fig5(study: Study) -> Figure:
    """Return a 1T-parameter model by generation, per device and in total."""
    return one_model(study, "v2", "v2-fig5a", "v2-fig5b")

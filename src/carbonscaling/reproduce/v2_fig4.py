"""Version 2, figure 4: loss against carbon on B100, and over GPU and TPU generations."""

from __future__ import annotations

from carbonscaling.carbon.footprint import without_embodied
from carbonscaling.reproduce.curves import curve, curve_panel, descending, law_of, sizes, untested
from carbonscaling.reproduce.figure import Outcome, Panel, Series, verdict_of
from carbonscaling.reproduce.study import V2_WIDTHS, Point, Study, carbon

__all__ = ["outcomes", "panels"]

STRAIGHT = 0.95
"""Least R2 in logarithms for a curve to be called a power law."""


def _ideal(p: Point) -> float:
    return p.ideal_tonnes(float(p.numbers.busy_w - p.numbers.idle_w))


def panels(study: Study) -> tuple[Panel, ...]:
    """Return both panels; the ideal curve has dynamic power only."""
    points = study.row("v2", "B100", V2_WIDTHS)
    ideal = Series("ideal", tuple(_ideal(p) for p in points), tuple(p.loss for p in points))
    rows = [curve(name, study.row("v2", name, V2_WIDTHS)) for name in study.devices("v2")]
    return (
        curve_panel("v2-fig4a", "Loss against carbon, B100 (version 2)",
                    (ideal, curve("no embodied", points, without_embodied), curve("B100", points)),
                    sizes(points).capitalize() + "."),
        curve_panel("v2-fig4b", "GPU and TPU generations (version 2)", rows),
    )  # fmt: skip


def outcomes(study: Study) -> dict[str, Outcome]:
    """Test the order of the curves and the law, then the order of the devices at every size."""
    points = study.row("v2", "B100", V2_WIDTHS)
    kept = [p for p in points if p.found is not None]
    if len(kept) < 3:
        return {name: untested() for name in ("v2-fig4a", "v2-fig4b")}
    order = all(descending([carbon(p), carbon(p, without_embodied), _ideal(p)]) for p in kept)
    law = law_of(curve("", kept))
    straight = law is not None and law.r2 >= STRAIGHT
    return {
        "v2-fig4a": Outcome(f"order {'holds' if order else 'broken'}, {law}", verdict_of(order and straight),
                            f"a power law read as R2 of {STRAIGHT} or more; {sizes(points)}"),
        "v2-fig4b": _generations(study),
    }  # fmt: skip


PAIRS = (
    ("V100", "A100"),
    ("A100", "TPUv4"),
    ("A100", "TPUv5p"),
    ("TPUv4", "H100"),
    ("TPUv5p", "H100"),
    ("H100", "B100"),
)


def _generations(study: Study) -> Outcome:
    broken, tested = [], 0
    for d in V2_WIDTHS:
        points = {name: study.point("v2", name, d) for name in study.devices("v2")}
        for more, less in PAIRS:
            if points[more].found and points[less].found:
                tested += 1
                if carbon(points[more]) <= carbon(points[less]):
                    broken.append(
                        f"{more} {carbon(points[more]):.3g} t, {less} {carbon(points[less]):.3g} t at d = {d:,}"
                    )
    if not tested:
        return untested()
    reason = f"broken: {'; '.join(broken)}" if broken else "every pair at every size that both can train"
    return Outcome(f"{tested - len(broken)} of {tested} pairs in order", verdict_of(not broken), reason)

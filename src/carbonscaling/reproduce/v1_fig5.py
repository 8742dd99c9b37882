"""Version 1, figure 5: carbon of the median setting, and utilisation against size, on B100."""

from __future__ import annotations

from carbonscaling.carbon.footprint import low_static, without_embodied
from carbonscaling.reproduce.curves import curve, curve_panel, descending, sizes, untested
from carbonscaling.reproduce.figure import Need, Outcome, Panel, Series, verdict_of
from carbonscaling.reproduce.study import V1_WIDTHS, Study, carbon

__all__ = ["outcomes", "panels"]

POPULATION = "The setting with the median step time on the optimum's devices."

RATIO = "least carbon of the median setting over the optimum's"
BEYOND = "least excess of the median setting beyond what no-embodied or low-static saves, of the optimum's carbon"


def panels(study: Study) -> tuple[Panel, ...]:
    """Return both panels."""
    points = study.row("v1", "B100", V1_WIDTHS)
    kept = [p for p in points if p.found is not None]
    median = Series("median latency", tuple(study.median_carbon("v1", "B100", p.d_model) for p in kept),
                    tuple(p.loss for p in kept))  # fmt: skip
    use = Series("B100", tuple(p.n_params for p in kept), tuple(p.found.utilisation for p in kept if p.found))
    return (
        curve_panel("v1-fig5a", "Optimum and median setting, B100", (median, curve("optimum", points)), POPULATION),
        Panel("v1-fig5b", "Utilisation at the optimum, B100", "parameters", "model-FLOPs utilisation", (use,), log_y=False,
              note=sizes(points).capitalize() + "."),
    )  # fmt: skip


def outcomes(study: Study) -> dict[str, Outcome]:
    """Test both panels' claims at every size that has an answer."""
    points = study.row("v1", "B100", V1_WIDTHS)
    kept = [p for p in points if p.found is not None]
    if len(kept) < 2:
        return {name: untested() for name in ("v1-fig5a", "v1-fig5b")}
    far, ratios, saved, use = study.choice.far_above, [], [], []
    for p in kept:
        best = carbon(p)
        ratios.append(study.median_carbon("v1", "B100", p.d_model) / best)
        saved.append(1.0 - min(carbon(p, without_embodied), carbon(p, low_static)) / best)
        use.append(p.found.utilisation if p.found else 0.0)
    is_far = all(r >= far for r in ratios)
    beyond = [r - 1.0 - s for r, s in zip(ratios, saved, strict=True)]
    at_each = ", ".join(
        f"{100 * (r - 1.0):+.0f} % against {100 * s:.0f} % at d = {p.d_model:,} on {p.found.n_devices:,} devices"
        for r, s, p in zip(ratios, saved, kept, strict=True)
        if p.found
    )
    holds = is_far and min(beyond) > 0.0
    tests = (Need(RATIO, min(ratios), far), Need(BEYOND, min(beyond), 0.0))
    return {
        "v1-fig5a": Outcome(f"{min(ratios):.2f} to {max(ratios):.2f} times the optimum", verdict_of(holds),
                            "excess of the median setting against what no-embodied or low-static saves: "
                            f"{at_each}; 'far above' read as {far:g} times or more; {sizes(points)}", tests, len(kept)),
        "v1-fig5b": Outcome(" > ".join(f"{u:.3f}" for u in use), verdict_of(descending(use)), sizes(points)),
    }  # fmt: skip

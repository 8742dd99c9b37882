"""Version 1, figure 6: loss against carbon over four GPU generations."""

from __future__ import annotations

from itertools import pairwise

from carbonscaling.reproduce.curves import curve, curve_panel, descending, untested
from carbonscaling.reproduce.figure import Outcome, Panel, verdict_of
from carbonscaling.reproduce.study import V1_WIDTHS, Study, carbon

__all__ = ["outcomes", "panels"]


def panels(study: Study) -> tuple[Panel, ...]:
    """Return one curve a generation."""
    series = [curve(name, study.row("v1", name, V1_WIDTHS)) for name in study.devices("v1")]
    return (curve_panel("v1-fig6", "GPU generations (version 1)", series),)


def outcomes(study: Study) -> dict[str, Outcome]:
    """Test order and shrinking steps, in tonnes, at every size and between all devices that have an answer."""
    names = list(study.devices("v1"))
    order, steps, tested, texts = True, True, 0, []
    for d in V1_WIDTHS:
        total = [carbon(p) for p in (study.point("v1", name, d) for name in names) if p.found is not None]
        if len(total) < 2:
            continue
        tested += 1
        saved = [a - b for a, b in pairwise(total)]
        order &= descending(total)
        steps &= descending(saved)
        texts.append(f"d = {d:,}: " + " > ".join(f"{t:.3g}" for t in total))
    if not tested:
        return {"v1-fig6": untested()}
    why = f"{'' if order else 'the order does not hold; '}{'' if steps else 'a step saves more than the one before; '}"
    return {"v1-fig6": Outcome("; ".join(texts) + " t", verdict_of(order and steps),
                               f"{why}tested at {tested} of {len(V1_WIDTHS)} sizes; savings compared in tonnes; a device "
                               "without a setting in time is left out at that size")}  # fmt: skip

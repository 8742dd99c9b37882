"""Version 1, figures 6 to 8: four GPU generations, a 1000B-parameter model on each, and B100 in 4 and 8 years."""

from __future__ import annotations

from itertools import pairwise

from carbonscaling.papers.curves import curve, curve_panel, descending, percent, saving, sizes, untested
from carbonscaling.papers.figure import CANNOT, DIFFERS, Figure, Outcome, verdict_of
from carbonscaling.papers.generations import one_model
from carbonscaling.papers.study import V1_LIMITS, V1_WIDTHS, Study, carbon

__all__ = ["fig6", "fig7", "fig8"]

LARGE = 1e14
"""Parameters beyond which version 1 sees savings diminish."""


def fig6(study: Study) -> Figure:
    """Return loss against carbon by generation: order and shrinking steps, in tonnes, where two devices have an answer."""
    series = [curve(name, study.row("v1", name, V1_WIDTHS)) for name in study.devices("v1")]
    panel = curve_panel("v1-fig6", "GPU generations (version 1)", series)
    totals = {d: [carbon(p) for p in (study.point("v1", name, d) for name in study.devices("v1")) if p.found]
              for d in V1_WIDTHS}  # fmt: skip
    tested = {d: total for d, total in totals.items() if len(total) >= 2}
    if not tested:
        return Figure(untested("v1-fig6"), lambda: (panel,))
    order = all(descending(total) for total in tested.values())
    steps = all(descending([a - b for a, b in pairwise(total)]) for total in tested.values())
    text = "; ".join(f"d = {d:,}: " + " > ".join(f"{t:.3g}" for t in total) for d, total in tested.items())
    why = f"{'' if order else 'the order does not hold; '}{'' if steps else 'a step saves more than the one before; '}"
    return Figure({"v1-fig6": Outcome(f"{text} t", verdict_of(order and steps),
                   f"{why}tested at {len(tested)} of {len(V1_WIDTHS)} sizes; savings compared in tonnes; a device "
                   "without a setting in time is left out at that size")}, lambda: (panel,))  # fmt: skip


def fig7(study: Study) -> Figure:
    """Return a 1000B-parameter model by generation, per device and in total."""
    return one_model(study, "v1", "v1-fig7a", "v1-fig7b")


def fig8(study: Study) -> Figure:
    """Return B100 over the extended range of sizes, now and in 4 and 8 years."""
    rows = {years: study.row("v1", "B100", V1_LIMITS, years=years) for years in (0, 4, 8)}
    where = sizes(rows[0])
    note = f"B100 {where}. The text gives d = 1,572,864 as 1e16 parameters; the formula gives 1.5e20."
    series = [curve(f"B100{f' + {years} years' if years else ''}", row) for years, row in rows.items()]
    panel = curve_panel("v1-fig8", "B100 in 4 and 8 years", series, note)
    saved = {
        years: [(b.n_params, saving(carbon(b), carbon(f))) for b, f in zip(rows[0], rows[years], strict=True)
                if b.found and f.found]
        for years in (4, 8)
    }  # fmt: skip
    if not all(saved.values()):
        return Figure(untested("v1-fig8"), lambda: (panel,))
    text = "; ".join(f"{years} years: {percent([s for _, s in pairs])}" for years, pairs in saved.items())
    below, above = ([[s for n, s in pairs if (n >= LARGE) == large] for pairs in saved.values()] for large in (0, 1))
    if not all(s > 0 for savings in below for s in savings):
        outcome = Outcome(text, DIFFERS, f"no saving at a small size; {where}")
    elif not any(above):
        outcome = Outcome(text, CANNOT, f"the saving at small sizes is there; {where}, so nothing shows what happens "
                          "at 1e14 to 1e15 parameters")  # fmt: skip
    else:
        shrinks = all(descending([*small[-1:], *large]) for small, large in zip(below, above, strict=True))
        outcome = Outcome(text, verdict_of(shrinks), where)
    return Figure({"v1-fig8": outcome}, lambda: (panel,))

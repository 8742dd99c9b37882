"""How firm an answer is, as a page."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from carbonscaling.reporting.blocks import bullets
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.robust import Robustness
from carbonscaling.words import mass, percent, plain

__all__ = ["robust_page"]


def robust_page(e: Estimate, found: Robustness) -> Group:
    """Return the page of an answer's robustness."""
    days, carbon, mfu = found.duration_days, found.carbon_tco2e, found.mfu
    held = [
        f"{plain(days[1])} days, between {plain(days[0])} and {plain(days[2])}",
        f"{mass(carbon[1])}, between {mass(carbon[0])} and {mass(carbon[2])}",
        f"{percent(mfu[1])} MFU, between {percent(mfu[0])} and {percent(mfu[2])}",
        f"{found.n_samples:,} draws in {plain(found.sample_s)} s; between the 5th and the 95th percentile",
    ]
    again = [
        f"another setting wins in {percent(found.changed)} of {found.n_searches:,} searches ({plain(found.search_s)} s)",
        f"keeping this one then costs {percent(found.regret)} on average, and is impossible in {percent(found.unfit)}",
        *(f"{percent(share)}: {name}" for name, share in found.winners),
    ]
    parts: list[RenderableType] = [Text(e.headline, style="bold"), Text("")]
    parts += bullets("This setting, constants drawn from their ranges", held)
    if found.n_searches:
        parts += bullets("The search, run again on each draw", again)
    return Group(*parts[:-1])

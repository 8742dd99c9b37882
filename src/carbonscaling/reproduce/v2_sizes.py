"""Version 2, experimental methodology: the sizes of the model family."""

from __future__ import annotations

from carbonscaling.catalog import laws
from carbonscaling.reproduce.figure import Outcome, Panel, Series, verdict_of
from carbonscaling.reproduce.study import V2_WIDTHS, Study

__all__ = ["outcomes", "panels"]

LOW, HIGH = 24.4e12, 24.7e12


def panels(_study: Study) -> tuple[Panel, ...]:
    """Return parameters over width, with the corrected and the printed layer count."""
    series = [
        Series(label, tuple(float(d) for d in V2_WIDTHS),
               tuple(float(laws.paper_family("v2", layers=layers).exact(float(d)).n_params) for d in V2_WIDTHS))
        for label, layers in (("L = 0.1618 d^0.75", "refit"), ("L = 0.402 d^0.75, as printed", "printed"))
    ]  # fmt: skip
    return (Panel("v2-sizes", "Sizes of the model family", "model width d", "parameters", tuple(series),
                  note="The papers' own sizes need 0.1618; the printed 0.402 gives 2.5 times each of them."),)  # fmt: skip


def outcomes(_study: Study) -> dict[str, Outcome]:
    """Test the largest size; no hardware enters."""
    small, large = (float(laws.paper_family("v2").exact(float(d)).n_params) for d in (V2_WIDTHS[0], V2_WIDTHS[-1]))
    printed = float(laws.paper_family("v2", layers="printed").exact(float(V2_WIDTHS[-1])).n_params)
    return {"v2-sizes": Outcome(large, verdict_of(LOW <= large <= HIGH),
                                f"{small / 1e9:.3f}B to {large / 1e9:,.0f}B with L = 0.1618 d^0.75; the printed 0.402 would "
                                f"give {printed / 1e9:,.0f}B")}  # fmt: skip

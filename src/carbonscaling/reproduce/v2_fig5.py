"""Version 2, figure 5: a 1T-parameter model on four GPU generations."""

from __future__ import annotations

from carbonscaling.reproduce.figure import Outcome, Panel
from carbonscaling.reproduce.generations import bars, rises, totals
from carbonscaling.reproduce.study import Study

__all__ = ["outcomes", "panels"]


def panels(study: Study) -> tuple[Panel, ...]:
    """Return carbon per device and in total."""
    return bars(study, "v2", "v2-fig5a", "v2-fig5b")


def outcomes(study: Study) -> dict[str, Outcome]:
    """Test both panels' claims."""
    return {"v2-fig5a": rises(study, "v2"), "v2-fig5b": totals(study, "v2")}

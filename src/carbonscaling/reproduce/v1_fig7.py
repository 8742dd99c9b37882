"""Version 1, figure 7: a 1000B-parameter model on four GPU generations."""

from __future__ import annotations

from carbonscaling.reproduce.figure import Outcome, Panel
from carbonscaling.reproduce.generations import bars, rises, totals
from carbonscaling.reproduce.study import Study

__all__ = ["outcomes", "panels"]


def panels(study: Study) -> tuple[Panel, ...]:
    """Return carbon per device and in total."""
    return bars(study, "v1", "v1-fig7a", "v1-fig7b")


def outcomes(study: Study) -> dict[str, Outcome]:
    """Test both panels' claims."""
    return {"v1-fig7a": rises(study, "v1"), "v1-fig7b": totals(study, "v1")}

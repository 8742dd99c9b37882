"""No setting answers a question: why, how near, and what would help."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from carbonscaling.errors import InputError
from carbonscaling.record import dataclass
from carbonscaling.search.result import Candidate
from carbonscaling.study.estimate import Estimate
from carbonscaling.study.found import SearchReport, search_dict
from carbonscaling.study.levers import Lever
from carbonscaling.study.plain import frame
from carbonscaling.study.resolve import Resolved
from carbonscaling.study.scenario import Scenario
from carbonscaling.study.shown import html_table
from carbonscaling.study.usual import Usual
from carbonscaling.study.variety import Alternative
from carbonscaling.study.versions import schema_id

if TYPE_CHECKING:
    from polars import DataFrame

__all__ = ["Infeasible", "run_of"]


@dataclass(frozen=True)
class Infeasible:
    """No setting answers the question: why, how near, and what would help.

    It answers everything that an `Estimate` answers: there is no run, so every figure of one is None, and so are its parts;
    there are no intervals, levers, alternatives or warnings. Only `summary` (and what is made of it) tells what the nearest
    setting would take if it fitted, as a table of many answers needs it; read it beside `feasible`.

    Attributes
    ----------
    reason : str
        One sentence.
    search : SearchReport, optional
        None where people's practice settled the layout.
    remedies : tuple of str
    would : Estimate, optional
        What the nearest setting would take if it fitted; the one asked for, where the layout was given whole.
    """

    scenario: Scenario
    resolved: Resolved
    reason: str
    search: SearchReport | None
    remedies: tuple[str, ...]
    would: Estimate | None = None

    feasible: ClassVar[bool] = False
    setting: ClassVar[None] = None
    step: ClassVar[None] = None
    memory: ClassVar[None] = None
    steady_s: ClassVar[None] = None
    duration_s: ClassVar[None] = None
    footprint: ClassVar[None] = None
    assessment: ClassVar[None] = None
    counts_beside: ClassVar[None] = None
    cost_usd: ClassVar[None] = None
    alternatives: ClassVar[tuple[Alternative, ...]] = ()
    usual: ClassVar[tuple[Usual, ...]] = ()
    levers: ClassVar[tuple[Lever, ...]] = ()
    best_run: ClassVar[None] = None
    warnings: ClassVar[tuple[str, ...]] = ()
    n_devices: ClassVar[None] = None
    tokens_per_s_per_device: ClassVar[None] = None
    model_flops_per_device: ClassVar[None] = None
    mfu: ClassVar[None] = None
    best_mfu: ClassVar[None] = None
    working_mfu: ClassVar[None] = None
    idle_share: ClassVar[None] = None
    device_hours: ClassVar[None] = None
    needed: ClassVar[None] = None

    def __repr__(self) -> str:
        """Return why there is no answer, in a few lines; printed too."""
        return "\n  remedy: ".join((self.headline, *self.remedies[:3]))

    def _repr_html_(self) -> str:
        """Return the same as a table, for notebooks."""
        return html_table(self.headline, [(f"remedy: {remedy}",) for remedy in self.remedies[:3]])

    @property
    def headline(self) -> str:
        """Why there is no answer."""
        r = self.resolved
        return f"Nothing feasible for {r.spec.name} on {r.cluster.device.name}: {self.reason}"

    @property
    def intervals(self) -> dict[str, tuple[float, float]]:
        """Intervals by figure: none."""
        return {}

    def intervals_of(self, _candidate: Candidate) -> dict[str, tuple[float, float]]:
        """Return the intervals of one of the settings found: none fits, so none."""
        return {}

    def summary(self) -> dict[str, Any]:
        """Return the flat summary of what would be if it fitted; None for everything that is not known."""
        from carbonscaling.study.summary import Summary

        return self.would.summary() if self.would else dict.fromkeys(Summary.__annotations__)

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as plain data, see ``docs/schema``."""
        return {
            "schema": schema_id("answer"),
            "feasible": False,
            "reason": self.reason,
            "remedies": list(self.remedies),
            "summary": self.summary(),
            "search": search_dict(self.search) if self.search else None,
            "notes": list(self.resolved.notes),
        }

    def to_frame(self) -> DataFrame:
        """Return the summary as a table of one row, see `Estimate.to_frame`."""
        return frame(self.feasible, self.summary(), self.reason)


def run_of(answer: Any, purpose: str, key: str = "answer", value: Any = None) -> Estimate:
    """Return an answer that is a run, which something is made of.

    Raises
    ------
    InputError
        It is that nothing is feasible.
    TypeError
        It is no answer.
    """
    if isinstance(answer, Infeasible):
        raise InputError(
            f"there is no {purpose}: {answer.reason}", key=key, value=value, allowed="a feasible answer of estimate or plan",
            remedy=answer.remedies[0] if answer.remedies else "ask for something that fits",
        )  # fmt: skip
    if not isinstance(answer, Estimate):
        raise TypeError(f"{type(answer).__name__} in place of an answer: estimate or plan gives one")
    return answer

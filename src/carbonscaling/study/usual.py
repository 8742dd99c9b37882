"""What measured runs choose where a scenario leaves the choice open, beside what an answer takes."""

from __future__ import annotations

from carbonscaling.evidence.choices import Chosen, chosen, group_of, size_of
from carbonscaling.hints import NamedTuple
from carbonscaling.perf.numbers import Recompute, Setting, Workload
from carbonscaling.study.scenario import Scenario

__all__ = ["Usual", "usual"]

FIELDS = {"micro_batch": "micro_batch", "recompute": "recompute", "zero_stage": "zero", "vpp": "vpp"}
"""Columns of measured rows, and the part of a layout that each says."""


class Usual(NamedTuple):
    """One open choice.

    Attributes
    ----------
    choice, group : str
        A column of the measured rows, and the kind of run (`evidence.choices`).
    taken : str
        What the answer takes.
    shares : dict
        Share of the runs of that kind by what they choose, every source counting once; most chosen first.
    rows, sources : int
        Measured rows of the kind that state the choice, and their sources.
    """

    choice: str
    group: str
    taken: str
    shares: dict[str, float]
    rows: int
    sources: int


def usual(s: Scenario, work: Workload, setting: Setting) -> tuple[Usual, ...]:
    """Return the choices that a scenario leaves open and measured runs of its kind state; none on TPUs' compiled programs.

    Parameters
    ----------
    s : Scenario
    work : Workload
    setting : Setting
        What the answer takes.
    """
    group = group_of(bool(work.n_experts > 0), float(setting.pp), float(setting.tp))
    taken = {
        "micro_batch": size_of(float(setting.micro_batch)),
        "recompute": Recompute.said(setting),
        "zero_stage": f"{setting.zero:.0f}",
        "vpp": size_of(float(setting.vpp)),
    }
    table: dict[str, list[Chosen]] = {}
    for row in chosen():
        if (
            row.group == group
            and getattr(s.layout, FIELDS[row.choice]) is None
            and (row.choice != "vpp" or setting.pp > 1)
        ):
            table.setdefault(row.choice, []).append(row)
    return tuple(
        Usual(choice, group, taken[choice], _shares(found), found[0].of_rows, found[0].of_sources)
        for choice, found in table.items()
    )


def _shares(found: list[Chosen]) -> dict[str, float]:
    return {row.value: row.share for row in sorted(found, key=lambda row: -row.share)}

"""Published runs: the setting as their sources tell it, their speeds and device-hours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from carbonscaling.catalog.read import build, packaged
from carbonscaling.record import dataclass
from carbonscaling.sources import Datum
from carbonscaling.study.scenario import Layout, Scenario

__all__ = ["ReportedRun", "Told", "reported_runs"]


@dataclass(frozen=True)
class Told:
    """What a source says of its software and layout, and where it runs or computes otherwise than the catalogue has it."""

    stack: str
    layout: Layout
    precision: str | None = None
    nic_gbps: float | None = None
    fabric: str | None = None


@dataclass(frozen=True)
class ReportedRun:
    """A published run, its steady-state speed in the source's own unit, its device-hours.

    Attributes
    ----------
    scenario : Scenario
        On the papers' machine, which knows no software: every degree given, inferred where the source is silent.
    told : Told
        What the source says.
    """

    title: str
    scenario: Scenario
    told: Told
    tokens_per_s_per_device: Datum | None = None
    model_tflops_per_device: Datum | None = None
    hardware_tflops_per_device: Datum | None = None
    device_hours: Datum | None = None

    @property
    def as_told(self) -> Scenario:
        """The run as its source tells it; what that leaves open is settled as people do who run its software."""
        s, told = self.scenario, self.told
        return replace(
            s, stack=told.stack, layout=told.layout, practice="typical",
            precision=told.precision or s.precision, nic_gbps=told.nic_gbps or s.nic_gbps, fabric=told.fabric,
        )  # fmt: skip


@lru_cache(maxsize=1)
def reported_runs() -> Mapping[str, ReportedRun]:
    """Return the shipped published runs by name."""
    return {
        name: build(ReportedRun, row, f"reported.toml: {name}")
        for name, row in packaged("carbonscaling.catalog", "reported.toml").items()
    }

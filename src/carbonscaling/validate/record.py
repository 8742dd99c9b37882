"""A measured row made complete: what the formulas need, and what had to be inferred."""

from __future__ import annotations

from dataclasses import dataclass

from carbonscaling.hardware.cluster import Cluster
from carbonscaling.model.params import total_params
from carbonscaling.model.spec import ModelSpec
from carbonscaling.perf.efficiency import Efficiency
from carbonscaling.perf.machine import Machine
from carbonscaling.perf.numbers import Setting, Workload
from carbonscaling.validate.row import RunRow

__all__ = ["Replay", "parameter_gap"]


@dataclass(frozen=True)
class Replay:
    """A row made complete.

    Attributes
    ----------
    row : RunRow
    spec : ModelSpec
    cluster : Cluster
    precision : str
    efficiency : Efficiency
    work, machine, setting : plain numbers for the formulas.
    batch : float
        Sequences of a step.
    inferred : tuple of str
        What the row left open, in words.
    """

    row: RunRow
    spec: ModelSpec
    cluster: Cluster
    precision: str
    efficiency: Efficiency
    work: Workload
    machine: Machine
    setting: Setting
    batch: float
    inferred: tuple[str, ...]

    @property
    def tokens_per_step(self) -> float:
        """Tokens of a step."""
        return self.batch * float(self.work.seq_len)


def parameter_gap(replay: Replay) -> float | None:
    """Relative gap between the row's own parameter count and the inferred model's, None where it states none."""
    if not replay.row.params_b:
        return None
    return float(total_params(replay.spec)) / (replay.row.params_b * 1e9) - 1.0

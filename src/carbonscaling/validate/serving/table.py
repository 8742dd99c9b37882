"""Measured servings beside each other: rows with their questions, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from carbonscaling.arrays import Array
from carbonscaling.errors import InputError
from carbonscaling.evidence.row import Cells, Unusable
from carbonscaling.evidence.serving_row import ServingRow
from carbonscaling.record import dataclass
from carbonscaling.serving.predict import Predicted, Worked, worked
from carbonscaling.validate.serving.rows import asked

__all__ = ["Servings", "servings"]


@dataclass(frozen=True)
class Servings:
    """Rows that can be answered, and why others cannot.

    Attributes
    ----------
    rows : tuple of ServingRow
    work : Worked
    refused : tuple of (str, str)
        Row and reason.
    """

    rows: tuple[ServingRow, ...]
    work: Worked
    refused: tuple[tuple[str, str], ...]

    @cached_property
    def speed(self) -> Array:
        """Measured output tokens a second and device; not-a-number where there is none."""
        return np.array([row.speed or np.nan for row in self.rows], dtype=float)

    @cached_property
    def teaching(self) -> NDArray[np.bool_]:
        """Whether a row has a speed, at a load that its source states or that memory sets: one worked out teaches nothing."""
        return np.asarray(np.isfinite(self.speed) & ~np.array([q.worked_out for q in self.work.questions]))

    @cached_property
    def beside(self) -> Array:
        """W of its host, a device, in the measured watts: nought where a row measured devices alone."""
        hosts = [q.cluster.host for q in self.work.questions]
        shares = np.array([host.host_power.si / host.devices_per_host for host in hosts], dtype=float)
        whole = np.array(["node" in row.watts_scope.lower() for row in self.rows])
        return np.where(whole, shares, 0.0)

    @cached_property
    def watts(self) -> Array:
        """Measured watts a device, with its share of the host where the row measured whole nodes."""
        return np.array([row.watts_per_device or np.nan for row in self.rows], dtype=float)

    def told(self, p: Predicted) -> dict[str, Array]:
        """Return predictions of what the rows measured, by quantity."""
        watts = p.watts + self.beside
        return {"speed": p.speed, "watts": watts, "joules": watts / p.speed}

    @cached_property
    def joules(self) -> Array:
        """Measured J an output token, stated or from watts and speed."""
        stated = np.array([row.j_per_out_token or np.nan for row in self.rows], dtype=float)
        return np.where(np.isfinite(stated), stated, self.watts / self.speed)

    @cached_property
    def sources(self) -> NDArray[np.str_]:
        """Source of each row."""
        return np.array([row.source or row.id for row in self.rows])

    @cached_property
    def groups(self) -> dict[str, NDArray[np.str_]]:
        """What rows are left out by: source, model, device."""
        questions = self.work.questions
        return {
            "source": self.sources,
            "model": np.array([q.spec.name for q in questions]),
            "device": np.array([q.cluster.device.id for q in questions]),
        }


def servings(cells: Sequence[Cells]) -> Servings:
    """Read the rows of a table.

    Raises
    ------
    InputError
        No row can be answered.
    """
    rows, questions, refused = [], [], []
    for row in cells:
        try:
            read, question = asked(row)
        except Unusable as reason:
            refused.append((row["id"], str(reason)))
            continue
        rows.append(read)
        questions.append(question)
    if not questions:
        first = refused[0] if refused else ("", "the file has no rows")
        raise InputError(
            "no row can be answered", where=first[0], value=first[1],
            remedy="give model, device, output_tokens, and what was measured",
        )  # fmt: skip
    return Servings(tuple(rows), worked(questions), tuple(refused))

"""Published trainings: model, tokens, devices, and the device-hours that people needed; the rows of a CSV file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from carbonscaling import evidence
from carbonscaling.errors import InputError
from carbonscaling.evidence.row import Unusable, count, number
from carbonscaling.files import read_table
from carbonscaling.record import dataclass

__all__ = ["REQUIRED", "Training", "load_trainings", "parse_training"]

REQUIRED = ("model", "tokens_b", "device")
"""Columns a file must have; any other of the schema may be missing, which means unknown."""
NOT_SCORABLE = "not scorable"
"""What a note says of a training whose hours are not the model's own: a grown model, an access window, an encoder beside."""


@dataclass(frozen=True)
class Training:
    """One published training, as its row says.

    Attributes
    ----------
    model, maker, date, device, precision, note : str
        `date` is year and month of publication.
    experts : bool
    params_b, active_b, tokens_b, seq_len, n_devices, days : float, optional
        Parameters and tokens in billions.
    reported : float, optional
        Device-hours: printed, or devices times days.
    calendar : bool
        Whether they are the latter.
    config : Path, optional
        File of the model, where the catalogue has none by its name.
    """

    model: str
    maker: str
    date: str
    device: str
    precision: str
    note: str
    experts: bool
    params_b: float | None
    active_b: float | None
    tokens_b: float | None
    seq_len: int
    n_devices: int
    days: float | None
    reported: float | None
    calendar: bool
    config: Path | None

    @property
    def scorable(self) -> bool:
        """Whether its hours are those of the model and tokens that it states."""
        return NOT_SCORABLE not in self.note.lower()


def parse_training(row: Mapping[str, str], folder: Path) -> Training:
    """Read one row; `folder` is that of its file, where the models' files lie, or in ``trainings_models`` there.

    Raises
    ------
    Unusable
        A number column holds text or a number that none can be, or there is no such file of a model.
    """

    def value(column: str) -> float | None:
        return number(column, row.get(column) or "")

    def text(column: str) -> str:
        return (row.get(column) or "").strip()

    places = [folder / text("model_file"), folder / "trainings_models" / text("model_file")]
    config = next((path for path in places if path.is_file()), None)
    if text("model_file") and config is None:
        raise Unusable(f"no file {text('model_file')!r} beside the table, nor in trainings_models there")
    n_devices, days, hours = count(value("n_devices")), value("days"), value("device_hours")
    return Training(
        text("model"), text("maker"), text("date"), text("device"), text("precision"), text("note"),
        text("moe") in ("1", "1.0", "yes", "true"), value("params_b"), value("active_b"), value("tokens_b"),
        count(value("seq_len")), n_devices, days, hours or (24.0 * n_devices * days if n_devices and days else None),
        not hours, config,
    )  # fmt: skip


def load_trainings(path: Path | None = None) -> tuple[list[dict[str, str]], Path]:
    """Return the rows of a file, or the shipped ones, and the folder that names of model files count from.

    Raises
    ------
    InputError
        The file cannot be used, or lacks a column.
    """
    if path is None:
        return evidence.rows("trainings"), evidence.path("trainings").parent
    rows = read_table(path, REQUIRED)
    if not rows:
        raise InputError("no rows", where=str(path), remedy="give at least one training below the header")
    return rows, path.parent

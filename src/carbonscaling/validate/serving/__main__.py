"""Learn from the shipped servings: ``python -m carbonscaling.validate.serving`` writes factors and left-out predictions."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import numpy as np

from carbonscaling import evidence
from carbonscaling.files import csv_text, write_file
from carbonscaling.serving.factors import Additive
from carbonscaling.serving.width import QUANTITIES
from carbonscaling.validate.serving.check import shipped_servings
from carbonscaling.validate.serving.learning import fitted, left_out
from carbonscaling.validate.serving.widths import widths


def _table(name: str, learnt: Additive) -> str:
    text = ""
    for effect, own in learnt.logs.items():
        moved = "\n".join(f"{term} = {round(value, 4)}" for term, value in own.items() if abs(value) > 5e-5)
        text += f'\n[{name}."{effect}"]\nrows = {learnt.rows.get(effect, 0)}\n{moved}\n'
    return text


def main() -> None:
    """Write both files."""
    s = shipped_servings()
    learnt = fitted(s, np.ones(len(s.rows), dtype=bool))
    told = {name: left_out(s, groups, None if name == "source" else learnt) for name, groups in s.groups.items()}
    text = "# Learnt from inference.csv: python -m carbonscaling.validate.serving\n# Generated. Natural logarithms.\n"
    text += _table("time", learnt.time) + _table("heat", learnt.heat)
    for quantity, own in widths(s, told).items():
        text += f"\n[interval.{quantity}]\n" + "".join(f'"{kind}" = {value}\n' for kind, value in own.items())
    write_file(Path(str(resources.files("carbonscaling.serving").joinpath("factors.toml"))), text)
    rows = [
        {"id": row.id, "source": row.source, "fold": fold, "known": kinds[i]}
        | {q: f"{getattr(p, q)[i]:.5g}" for q in QUANTITIES}
        for fold, (p, kinds) in told.items()
        for i, row in enumerate(s.rows)
    ]
    columns = ("id", "source", "fold", "known", *QUANTITIES)
    write_file(evidence.path("inference_left_out"), csv_text(columns, rows))


if __name__ == "__main__":
    main()

"""Every number of the catalogue that went into an answer, with its unit, range and source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields

from carbonscaling.hints import NamedTuple
from carbonscaling.sources import Datum
from carbonscaling.study.estimate import Estimate

__all__ = ["Input", "inputs"]


class Input(NamedTuple):
    """One number: the group it belongs to, its name there, the number."""

    group: str
    name: str
    datum: Datum


def _rows(group: str, record: object) -> Iterator[Input]:
    for field in fields(record):  # type: ignore[arg-type]
        value = getattr(record, field.name)
        rows = value.items() if isinstance(value, Mapping) else [("", value)]
        for key, row in rows:
            if isinstance(row, Datum):
                yield Input(group, f"{field.name} {key}".strip(), row)


def inputs(answer: Estimate) -> tuple[Input, ...]:
    """Return the numbers behind an answer: of the device, its host, the software's efficiency, carbon, price."""
    r = answer.resolved
    found = [
        *_rows("device", r.cluster.device),
        *_rows("host", r.cluster.host),
        *(row for row in _rows("efficiency", r.efficiency) if row.name != "run_overhead"),
        Input("efficiency", "run_overhead", r.run_overhead),
        *(Input("carbon", name, datum) for name, datum in r.carbon.factors.items()),
        Input("carbon", "market_intensity", r.carbon.market),
    ]
    return (*found, Input("price", "device_hour", r.price)) if r.price else tuple(found)

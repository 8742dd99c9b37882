"""Prices of a device-hour by what is bought: on demand, committed, or what may be taken back."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal, get_args

from carbonscaling.files import PACKAGE
from carbonscaling.sources import Datum

__all__ = ["PriceBasis", "price", "price_bases", "prices"]

PriceBasis = Literal["list", "committed", "low"]
WORDS = {"list": "on-demand list price", "committed": "committed or reserved", "low": "spot or marketplace"}


def price_bases() -> tuple[PriceBasis, ...]:
    """Return what may be bought: list (on demand), committed (reserved for days to years), low (spot, marketplaces)."""
    return get_args(PriceBasis)


@lru_cache(maxsize=1)
def _table() -> Mapping[tuple[str, str], Datum]:
    """Return the median price by device and basis; the range is that of all providers and, for a list price, all bases."""
    text = (PACKAGE / "catalog" / "prices.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    found: dict[tuple[str, str], Datum] = {}
    for device, basis in dict.fromkeys((row["device"], row["basis"]) for row in rows):
        own = [row for row in rows if row["device"] == device and row["basis"] == basis]
        usd = sorted(float(row["usd_per_device_hour"]) for row in own)
        every = [float(row["usd_per_device_hour"]) for row in rows if row["device"] == device]
        least, most = (min(every), max(usd)) if basis == "list" else (min(usd), max(usd))
        named = ", ".join(sorted({f"{row['provider']} {float(row['usd_per_device_hour']):g}" for row in own}))
        middle = (usd[(len(usd) - 1) // 2] + usd[len(usd) // 2]) / 2.0
        found[device, basis] = Datum(
            middle, "USD/h", own[0]["source"], least, most, max(int(row["year"]) for row in own), WORDS[basis],
            f"median of {len(own)}: {named}",
        )  # fmt: skip
    return found


def prices(basis: PriceBasis = "list") -> Mapping[str, Datum]:
    """Return every shipped price of a device-hour on a basis, by device id."""
    return {device: datum for (device, of), datum in _table().items() if of == basis}


def price(device_id: str, basis: PriceBasis = "list") -> Datum | None:
    """Return the price of a device-hour, or None where none is shipped on this basis."""
    return _table().get((device_id, basis))

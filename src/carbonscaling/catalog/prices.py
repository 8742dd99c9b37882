"""List prices of a device-hour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from carbonscaling.catalog.read import packaged, shipped
from carbonscaling.sources import Datum

__all__ = ["price", "prices"]


@dataclass(frozen=True)
class _Prices:
    price: Mapping[str, Datum]


@lru_cache(maxsize=1)
def prices() -> Mapping[str, Datum]:
    """Return every shipped price of a device-hour, by device id."""
    return shipped(_Prices, {"price": packaged("carbonscaling.catalog", "prices.toml")}).price


def price(device_id: str) -> Datum | None:
    """Return the list price of a device-hour, or None where none is shipped."""
    return prices().get(device_id)

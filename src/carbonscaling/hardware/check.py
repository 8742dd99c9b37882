"""Refuse a hardware description whose numbers cannot be meant: wrong kind of unit, negative, or zero."""

from __future__ import annotations

from collections.abc import Iterable

from carbonscaling.errors import InputError
from carbonscaling.sources import Datum

__all__ = ["AREA", "BYTES", "BYTES_PER_S", "FLOPS", "RATIO", "TIME", "WATTS", "check_count", "check_datum"]

BYTES = ("B", "kB", "KiB", "MB", "MiB", "GB", "GiB", "TB")
BYTES_PER_S = ("B/s", "GB/s", "TB/s", "Gbit/s")
FLOPS = ("FLOP/s", "TFLOP/s")
WATTS = ("W", "kW")
AREA = ("mm2", "cm2", "m2")
RATIO = ("1",)
TIME = ("s", "ms", "us")

MOST_COUNT = 2**53


def check_datum(datum: Datum, key: str, where: str, units: Iterable[str], *, zero: bool = False) -> None:
    """Refuse a datum of the wrong kind of unit, or one that is not positive.

    Parameters
    ----------
    datum : Datum
    key, where : str
        Its field, and the device, host or roadmap that holds it, for the message.
    units : iterable of str
        Accepted units.
    zero : bool
        Whether zero is an answer (local storage of a diskless host).

    Raises
    ------
    InputError
        The unit is none of `units`, or the value is not finite and positive.
    """
    units = tuple(units)
    if datum.unit not in units:
        raise InputError(
            "this unit does not measure this quantity",
            where=where,
            key=f"{key}.unit",
            value=datum.unit,
            allowed=", ".join(units),
            remedy="bits and bytes differ by 8: networks are usually quoted in Gbit/s, links and memory in GB/s",
        )
    lowest = datum.value if datum.low is None else datum.low
    highest = datum.value if datum.high is None else datum.high
    if not (lowest >= 0.0 and datum.value < float("inf") and highest < float("inf")) or (
        datum.value == 0.0 and not zero
    ):
        raise InputError(
            "not a usable number",
            where=where,
            key=key,
            value=datum.value,
            allowed="finite and positive" + (" or zero" if zero else ""),
            remedy="correct the value",
        )


def check_count(value: int, key: str, where: str, *, least: int = 1) -> None:
    """Refuse a count below `least`, or beyond what a float counts exactly.

    Raises
    ------
    InputError
        As said.
    """
    if not least <= value <= MOST_COUNT:
        raise InputError(
            "too small a count" if value < least else "too large a count",
            where=where,
            key=key,
            value=value,
            allowed=f"a whole number from {least} to {MOST_COUNT:,}",
            remedy="correct the value",
        )
